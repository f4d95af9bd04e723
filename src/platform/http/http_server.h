/* platform/http/http_server.h - HTTP/1.1 door: bytes in, whole requests out, answers back in order.
 *
 * Purpose:   accepts connections on one port, refuses what is not well-formed HTTP, and hands each
 *            whole request to one handler. The handler answers at once, or keeps the request (it
 *            has queued it to a worker) and some thread answers it later; meanwhile the connection
 *            rests. Pipelined requests of one connection are handed over one after the other.
 * Units:     sizes in bytes, times in milliseconds.
 * Ownership: a request belongs to the server; whoever was handed it may read it, and use its
 *            arena, until http_respond, which must be called exactly once and ends the request.
 *            Everything given to http_respond is copied before it returns.
 * Errors:    http_server_start: ERR_CONFLICT where the port is taken, ERR_INVALID where the address
 *            is none; the message names it. What a peer does wrong is answered by the server
 *            itself through the `refuse` callback, and its connection closed; a peer that is too
 *            slow is cut off.
 * Threads:   the handler and the other callbacks run on the server's thread and must not block.
 *            http_respond may be called from any thread, also late: after the deadline, after the
 *            peer has gone, even after http_server_stop. */
#ifndef PLATFORM_HTTP_HTTP_SERVER_H
#define PLATFORM_HTTP_HTTP_SERVER_H

#include "base/error.h"
#include "base/text.h"
#include "base/trace_context.h"

struct arena;
struct http_server;
struct metric;

struct http_header {
    const char *name;
    struct text value;
};

enum {
    HTTP_RESPONSE_HEADERS_MAX = 8,
    HTTP_BODY_SIZE_LARGEST = 16 * 1024 * 1024, /* no limit may be set above it */
};

struct http_response {
    int status;
    const char *content_type; /* NULL where there is no body */
    struct text body;
    struct http_header headers[HTTP_RESPONSE_HEADERS_MAX]; /* up to the first without a name */
};

struct http_request {
    struct arena *arena;        /* bounded memory that lives as long as the request     */
    struct text method;         /* POST                                                 */
    struct text path;           /* /v1/authorizations, percent-decoded by nobody        */
    struct text query;          /* without the question mark; may be empty              */
    struct text body;           /* whole; empty where there is none                     */
    int64_t received_us;        /* monotonic clock, when its first byte was read        */
    int64_t deadline_us;        /* monotonic clock; from then on the answer is a 504
                                   (HTTP_REFUSAL_TIMEOUT), and a later one is dropped   */
    size_t route;               /* the handler's word for the metric; see http_metrics.h */
    struct trace_context trace; /* a span below the caller's, where the server was told
                                   to trace and the caller said its own; else empty     */
    char caller_span[SPAN_ID_SIZE + 1];
    const char *trace_id;           /* where the handler has a trace of its own; NULL: none */
    void *context;                  /* the handler's own: what it needs to answer later     */
    struct http_exchange *exchange; /* the server's side of it; opaque            */
};

/* Why the server itself refuses a request, before any handler sees it. */
enum http_refusal {
    HTTP_REFUSAL_MALFORMED,        /* 400: framing, duplicate Host or Content-Length, NUL ...     */
    HTTP_REFUSAL_BODY_TOO_LARGE,   /* 413: said before the body is read                           */
    HTTP_REFUSAL_URI_TOO_LONG,     /* 414                                                         */
    HTTP_REFUSAL_HEADER_TOO_LARGE, /* 431                                                         */
    HTTP_REFUSAL_TIMEOUT,          /* 504: kept by a handler past its deadline, outcome unknown   */
    HTTP_REFUSAL_DRAINING,         /* 503: the server is stopping                                 */
};

struct http_server_config {
    const char *address;    /* 127.0.0.1 */
    int port;               /* 0: any free one, see http_server_port */
    size_t header_size_max; /* request line and headers together: 431 */
    size_t body_size_max;   /* where body_size_max_for is NULL: 413 */
    int connections_max;    /* more wait in the kernel's queue */
    int receive_ms; /* from a request's first byte to its last, and the longest idle pause */
    int respond_ms; /* from the whole request to its answer: deadline_us */
    void *context;  /* given to the callbacks */
    bool traces;    /* its callers are services: requests become spans below theirs */
    const struct metric *duration; /* of its requests, see http_metrics.h; NULL: not measured */
    /* The largest body accepted on this method and path. NULL: body_size_max. */
    size_t (*body_size_max_for)(void *context, struct text method, struct text path);
    /* A whole request. Answers it or keeps it. */
    void (*handle)(void *context, struct http_request *request);
    /* Fills the answer to a request that the server refuses; bytes may live in `arena`. */
    void (*refuse)(void *context, enum http_refusal why, const char *detail, struct arena *arena,
                   struct http_response *response_out);
};

MUST_CHECK enum status http_server_start(const struct http_server_config *config,
                                         struct http_server **server_out, struct error *err);
int http_server_port(const struct http_server *server);

/* Stops accepting; new requests on open connections get HTTP_REFUSAL_DRAINING. */
void http_server_drain(struct http_server *server);
/* Requests whose head has been taken and that are not answered yet. While it drains: at zero, no
 * handler will be called any more. */
int http_server_open_requests(const struct http_server *server);
/* Answers what is still kept with HTTP_REFUSAL_DRAINING, closes all, frees. Accepts NULL. */
void http_server_stop(struct http_server *server);

/* The value of a header, compared without case; TEXT_NONE where it is absent. */
struct text http_request_header(const struct http_request *request, const char *name);
/* The values of a header that is a list and may be sent in pieces, joined by commas; TEXT_NONE
 * where it is absent. */
struct text http_request_header_list(const struct http_request *request, const char *name);
/* How many times a header was sent (a header that must be single is refused above one). */
int http_request_header_count(const struct http_request *request, const char *name);
/* A query parameter's first value, percent-decoded in the request's arena ('+' is a plus);
 * TEXT_NONE where it is absent. */
struct text http_request_query(const struct http_request *request, const char *name);

/* A part of a path or query; a percent sign without two digits behind it stands for itself. */
struct text http_percent_decode(struct arena *arena, struct text encoded);

void http_respond(struct http_request *request, const struct http_response *response);

#endif
