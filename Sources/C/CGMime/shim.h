#pragma once
#include <gmime/gmime.h>
#include <iconv.h>

/* Swift does not see GObject's cast macros. */
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
