/* platform/http/http_incoming.h - an answer as it comes in through libcurl.
 *
 * Purpose:   what every caller of libcurl must know of an answer: its body, no larger than allowed;
 *            whether its head was whole; whether anything may have been sent at all.
 * Units:     sizes in bytes.
 * Ownership: the body lives in the arena given; the rest belongs to whoever has the handle.
 * Errors:    none; what went wrong is for the caller to tell from the fields.
 * Threads:   as the handle. */
#ifndef PLATFORM_HTTP_HTTP_INCOMING_H
#define PLATFORM_HTTP_HTTP_INCOMING_H

#include "base/text.h"

#include <curl/curl.h>

struct arena;

struct http_incoming {
    CURL *curl;
    struct arena *arena;
    size_t size_max; /* of the body */
    struct text_builder body;
    bool has_body; /* the builder is there */
    bool is_too_large;
    bool has_whole_head;
    bool may_be_sent; /* a connection stood; the other side may have read something */
};

/* The handle's next requests are answered into it. */
void http_incoming_attach(struct http_incoming *incoming, CURL *curl);
/* Before each request. */
void http_incoming_begin(struct http_incoming *incoming, struct arena *arena, size_t size_max);
/* Empty where there was none. */
struct text http_incoming_body(const struct http_incoming *incoming);

#endif
