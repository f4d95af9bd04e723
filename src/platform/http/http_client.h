/* platform/http/http_client.h - one blocking HTTP caller with a deadline, for a worker thread.
 *
 * Purpose:   services call each other, and tools call services, by keep-alive connections.
 * Units:     times in milliseconds, sizes in bytes.
 * Ownership: the client owns its connections; a reply's bytes live in the arena given.
 * Errors:    ERR_DOWN: the connection was refused, nothing was sent, another try is safe.
 *            ERR_TIMEOUT: the deadline passed. ERR_UNKNOWN: the connection broke after something
 *            was sent: the other side may have done it. ERR_FULL: the reply is larger than allowed.
 *            ERR_INVALID: the URL is none.
 *            A reply of any status is OK here; its meaning is the caller's.
 * Threads:   a client belongs to one thread. http_client_init_all once, before any thread. */
#ifndef PLATFORM_HTTP_HTTP_CLIENT_H
#define PLATFORM_HTTP_HTTP_CLIENT_H

#include "base/error.h"
#include "base/text.h"
#include "platform/http/http_server.h" /* struct http_header */

struct arena;
struct http_client;

struct http_call {
    const char *method; /* GET, POST, PUT */
    const char *url;    /* http://127.0.0.1:8081/internal/authorizations */
    struct text body;   /* TEXT_NONE: none; sent as application/json */
    struct http_header headers[HTTP_RESPONSE_HEADERS_MAX]; /* up to the first without a name */
    int timeout_ms;
    size_t reply_size_max; /* of the body; the arena needs room for four times as much */
};

struct http_reply {
    int status;
    struct text body;
};

void http_client_init_all(void);
/* `secret`: sent as `Authorization: Bearer <secret>` on every call; NULL: nothing. Copied. */
struct http_client *http_client_new(const char *secret);
void http_client_free(struct http_client *client); /* accepts NULL */

MUST_CHECK enum status http_client_call(struct http_client *client, const struct http_call *call,
                                        struct arena *arena, struct http_reply *reply_out,
                                        struct error *err);

#endif
