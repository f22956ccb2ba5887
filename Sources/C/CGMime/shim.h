#pragma once
#include <gmime/gmime.h>
#include <iconv.h>

/* Swift sees neither GObject's cast macros nor its type checks; each shim stands for one of them. */
static inline int cgmime_is_multipart(GMimeObject *o) { return GMIME_IS_MULTIPART(o); }
static inline int cgmime_is_message(GMimeObject *o) { return GMIME_IS_MESSAGE_PART(o); }
static inline int cgmime_is_part(GMimeObject *o) { return GMIME_IS_PART(o); }
static inline int cgmime_count(GMimeObject *o) { return g_mime_multipart_get_count((GMimeMultipart *)o); }
static inline GMimeObject *cgmime_child(GMimeObject *o, int i) { return g_mime_multipart_get_part((GMimeMultipart *)o, i); }
static inline const char *cgmime_prologue(GMimeObject *o) { return g_mime_multipart_get_prologue((GMimeMultipart *)o); }
static inline GMimeObject *cgmime_message(GMimeObject *o) { return (GMimeObject *)g_mime_message_part_get_message((GMimeMessagePart *)o); }
static inline GMimeDataWrapper *cgmime_content(GMimeObject *o) { return g_mime_part_get_content((GMimePart *)o); }
static inline GMimeObject *cgmime_object(GMimeMessage *m) { return (GMimeObject *)m; }
static inline GByteArray *cgmime_bytes(GMimeStream *s) { return g_mime_stream_mem_get_byte_array((GMimeStreamMem *)s); }

/* A GNU function that glibc declares only on request. */
#include <stddef.h>
extern void *memmem(const void *text, size_t textBytes, const void *word, size_t wordBytes);

/* errno does not survive the way into Swift: 0 or more is done, -2 the output is full, -1 the input is broken at its current place. */
#include <errno.h>
static inline long cgmime_iconv(iconv_t h, char **in, size_t *inLeft, char **out, size_t *outLeft) {
    size_t n = iconv(h, in, inLeft, out, outLeft);
    if (n != (size_t)-1) return (long)(n & 0x7fffffff);
    return errno == E2BIG ? -2 : -1;
}
