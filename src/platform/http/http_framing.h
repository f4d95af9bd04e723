/* platform/http/http_framing.h - where a request begins and ends in a stream of bytes.
 *
 * Purpose:   reads HTTP/1.1 as RFC 9112 writes it and refuses whatever two readers could
 *            understand differently: two lengths, signed lengths, a length beside chunks, folded
 *            lines, bare line feeds, blanks before a colon, NUL, more or less than one Host. It
 *            does no I/O and knows no connection, so a test can feed it byte by byte.
 * Units:     sizes and offsets in bytes, counted from the request's first byte.
 * Ownership: the caller owns the bytes; they may move between calls, so only offsets are kept.
 * Errors:    HTTP_REFUSED, with `refusal` and `detail`; the bytes after it cannot be trusted.
 * Threads:   a framing belongs to the thread that reads its connection. */
#ifndef PLATFORM_HTTP_HTTP_FRAMING_H
#define PLATFORM_HTTP_HTTP_FRAMING_H

#include "base/text.h"
#include "platform/http/http_server.h"

enum { HTTP_FIELDS_MAX = 64 }; /* headers of one request: 431 */

enum http_verdict {
    HTTP_MORE,    /* more bytes are needed                                      */
    HTTP_WHOLE,   /* what was asked for is there                                */
    HTTP_REFUSED, /* answer `refusal`, then close: the rest cannot be trusted   */
};

struct http_span {
    size_t at;
    size_t size;
};

struct http_field {
    struct http_span name;
    struct http_span value;
};

enum http_chunk_step { CHUNK_SIZE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER };

struct http_framing {
    size_t header_size_max;
    size_t body_size_max; /* to be set by the caller between head and body     */
    size_t at;            /* the first byte not yet consumed                   */

    struct http_span method;
    struct http_span target; /* as sent, the query included                       */
    bool is_http_1_1;
    struct http_field fields[HTTP_FIELDS_MAX];
    int field_count;

    bool has_host;
    bool has_length;
    bool has_chunks;
    bool asks_close;
    bool asks_keep_alive;
    bool expects_continue;
    size_t content_length;

    struct http_span body; /* whole once http_body_read says so; chunks are joined in place */
    enum http_chunk_step chunk_step;
    size_t chunk_left;
    size_t trailer_size;

    enum http_refusal refusal;
    const char *detail;
};

void http_framing_init(struct http_framing *f, size_t header_size_max);

/* Reads on in the request line and the headers. HTTP_WHOLE: the head has ended. */
enum http_verdict http_head_read(struct http_framing *f, const char *data, size_t size);
/* Reads on in the body, after the head. HTTP_WHOLE: the request ends before byte `at`. */
enum http_verdict http_body_read(struct http_framing *f, char *data, size_t size);
/* Closes the gap that joined chunks have left before byte `at`; returns the new size. */
size_t http_framing_compact(struct http_framing *f, char *data, size_t size);

bool http_framing_keeps_alive(const struct http_framing *f);
/* Cuts the target: path, and query without the question mark. */
void http_target_split(struct text target, struct text *path_out, struct text *query_out);
/* Header names are compared without case. */
bool http_name_equals(struct text name, const char *other);

#endif
