#pragma once
#include <curl/curl.h>
/* Swift cannot call C variadics; each shim fixes one argument type. */
static inline CURLcode ccurl_set_string(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_off(CURL *h, CURLoption o, curl_off_t v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_pointer(CURL *h, CURLoption o, void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_list(CURL *h, CURLoption o, struct curl_slist *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_write(CURL *h, CURLoption o, curl_write_callback f) { return curl_easy_setopt(h, o, f); }
static inline CURLcode ccurl_get_long(CURL *h, CURLINFO i, long *v) { return curl_easy_getinfo(h, i, v); }
static inline CURLcode ccurl_get_off(CURL *h, CURLINFO i, curl_off_t *v) { return curl_easy_getinfo(h, i, v); }
static inline CURLcode ccurl_get_string(CURL *h, CURLINFO i, char **v) { return curl_easy_getinfo(h, i, v); }
static inline CURLcode ccurl_get_socket(CURL *h, CURLINFO i, curl_socket_t *v) { return curl_easy_getinfo(h, i, v); }
static inline CURLcode ccurl_get_pointer(CURL *h, CURLINFO i, void **v) { return curl_easy_getinfo(h, i, v); }
static inline CURLMcode ccurl_multi_set_long(CURLM *m, CURLMoption o, long v) { return curl_multi_setopt(m, o, v); }
static inline CURLMcode ccurl_multi_set_pointer(CURLM *m, CURLMoption o, void *v) { return curl_multi_setopt(m, o, v); }
static inline CURLMcode ccurl_multi_set_socket(CURLM *m, curl_socket_callback f) { return curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, f); }
static inline CURLMcode ccurl_multi_set_timer(CURLM *m, curl_multi_timer_callback f) { return curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, f); }
static inline CURLcode ccurl_set_progress(CURL *h, curl_xferinfo_callback f) { return curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, f); }
static inline CURLcode ccurl_set_open_socket(CURL *h, curl_opensocket_callback f) { return curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, f); }

/* epoll_event is a packed union, which Swift cannot spell. Only Linux has these. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <errno.h>
/* Watches fd for events (0 = not at all) and carries fd back as the token. */
static inline int loop_watch(int epoll, int fd, unsigned int events) {
    struct epoll_event event = {.events = events, .data = {.u64 = (unsigned long long)fd}};
    if (events == 0) return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event);
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0) return 0;
    return errno == ENOENT ? epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) : -1;
}
typedef struct { int fd; unsigned int events; } loop_event;
/* Returns how many of at most 64 events were written to out; 0 when time ran out. */
static inline int loop_wait(int epoll, loop_event *out, int timeout_ms) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, timeout_ms);
    for (int i = 0; i < count; i++) { out[i].fd = (int)events[i].data.u64; out[i].events = events[i].events; }
    return count < 0 ? 0 : count;
}
static inline int loop_doorbell(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
static inline void loop_ring(int fd) { unsigned long long one = 1; ssize_t n = write(fd, &one, sizeof one); (void)n; }
static inline void loop_silence(int fd) { unsigned long long value; ssize_t n = read(fd, &value, sizeof value); (void)n; }
static inline unsigned int loop_readable(void) { return EPOLLIN | EPOLLRDHUP; }
static inline unsigned int loop_writable(void) { return EPOLLOUT; }
static inline unsigned int loop_broken(void) { return EPOLLERR | EPOLLHUP; }
/* The address libcurl is about to connect to. */
static inline const struct sockaddr *ccurl_address(const struct curl_sockaddr *a) { return &a->addr; }
#include <sys/prctl.h>
static inline void loop_name_thread(const char *name) { prctl(PR_SET_NAME, name); }
