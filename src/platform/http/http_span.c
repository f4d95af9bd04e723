#include "platform/http/http_span.h"

#include "platform/metrics.h"
#include "platform/tracing/tracing.h"

#include <stdio.h>

void http_span_begin(struct http_request *request)
{
    struct trace_context caller;
    if (!trace_context_parse(http_request_header(request, "traceparent"), &caller))
        return;
    request->trace = trace_context_child(&caller);
    memcpy(request->caller_span, caller.span_id, sizeof request->caller_span);
}

/* Route 0 is none; the labels of the others are the method, then the path. */
static const char *label_of(const struct metric *duration, size_t route, size_t label)
{
    return duration == NULL || route == 0 ? NULL : duration->labels[label].value(route);
}

void http_span_record(const struct http_request *request, const struct metric *duration, int status,
                      int64_t ended_us)
{
    if (!tracing_wants(&request->trace))
        return;
    const char *const method = label_of(duration, request->route, 0);
    const char *const path = label_of(duration, request->route, 1);
    char code[16];
    snprintf(code, sizeof code, "%d", status);
    struct span span = {
        .type = SPAN_DOOR,
        .context = request->trace,
        .word = method == NULL ? "HTTP" : method,
        .subject = text_of(path),
        .begun_us = request->received_us,
        .ended_us = ended_us,
        .error = status >= 500 ? code : NULL,
        .attributes = SPAN_ATTRIBUTE_LIST(
            span_str(ATTRIBUTE_HTTP_REQUEST_METHOD, method == NULL ? "_OTHER" : method),
            span_str(ATTRIBUTE_HTTP_ROUTE, path), span_str(ATTRIBUTE_URL_PATH, path),
            span_str(ATTRIBUTE_URL_SCHEME, "http"),
            span_i64(ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, status)),
    };
    memcpy(span.parent_id, request->caller_span, sizeof span.parent_id);
    tracing_record(&span);
}
