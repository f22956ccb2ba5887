#pragma once
#include <cmark.h>
#include <stdlib.h>

/* cmark's results come from malloc. */
static inline void cmark_release(char *text) { free(text); }
