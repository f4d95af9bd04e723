/* platform/http/http_span.h - requests of a door for services, in the eyes of a trace.
 *
 * Purpose:   a caller's `traceparent` gives each request a span below the caller's; the server
 *            records it when the answer has left. The public door does so for itself.
 * Units:     times in microseconds of the monotonic clock.
 * Ownership: none.
 * Errors:    none: without a traceparent there is no span.
 * Threads:   the server's. */
#ifndef PLATFORM_HTTP_HTTP_SPAN_H
#define PLATFORM_HTTP_HTTP_SPAN_H

#include "platform/http/http_server.h"

/* Sets request->trace. */
void http_span_begin(struct http_request *request);
/* `duration`: the door's metric, which knows what its routes are called. */
void http_span_record(const struct http_request *request, const struct metric *duration, int status,
                      int64_t ended_us);

#endif
