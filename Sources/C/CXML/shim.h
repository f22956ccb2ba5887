#pragma once
/* libxml2's headers clash with Foundation's ICU unless its own ICU switch is off. */
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlreader.h>
#include <libxml/HTMLparser.h>
#include <libxml/HTMLtree.h>

/* xmlFree is a variable, which Swift 6 takes for shared mutable state. */
static inline void cxml_free(xmlChar *text) { xmlFree(text); }
