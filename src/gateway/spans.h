/* gateway/spans.h - what the door tells a trace.
 *
 * Purpose:   one span for the request, one for each item on its way to the authorization service,
 *            one for each HTTP call. The words of a user never become part of them: a path is told
 *            as its route.
 * Units:     times in microseconds of the monotonic clock.
 * Ownership: everything is copied.
 * Errors:    none.
 * Threads:   any. */
#ifndef GATEWAY_SPANS_H
#define GATEWAY_SPANS_H

#include "gateway/hop.h"
#include "platform/tracing/tracing.h"

struct http_call;

/* The request, as it is answered now. */
void spans_record_visit(const struct visit *visit, const struct answer *answer);
/* An item that has its answer. */
void spans_record_item(const struct hop_item *item);

/* A call of another service that has come back, well or not. */
struct spans_call {
    struct trace_context trace;     /* its own; what `traceparent` told the other service */
    const struct span_group *group; /* for whom it was made */
    const char *method;
    const char *url;
    const char *path; /* /internal/authorizations, without what is a user's; NULL: not told */
    int64_t begun_us;
    enum status outcome;
    int http_status;   /* outcome OK */
    size_t item_count; /* that it carried; 0: it is no batch */
};

void spans_record_call(const struct spans_call *call);

#endif
