#include "gateway/spans.h"

#include "base/assert.h"
#include "gateway/routes.h"

#include <stdio.h>

/* ---- the request ------------------------------------------------------------------------------
 */

/* What is not of the standard's list could be any word. */
static const char *known_method(struct text method)
{
    static const char *const KNOWN[] = {"GET",   "POST",    "PUT",   "HEAD",   "DELETE",
                                        "PATCH", "OPTIONS", "TRACE", "CONNECT"};
    for (size_t at = 0; at < COUNT(KNOWN); at++)
        if (text_equals_c(method, KNOWN[at]))
            return KNOWN[at];
    return NULL;
}

static struct text authorization_of(const struct answer *answer)
{
    static const char BEFORE[] = "/v1/authorizations/";
    if (text_is_none(answer->location) || !text_starts_with(answer->location, BEFORE))
        return TEXT_NONE;
    return text_skip(answer->location, sizeof BEFORE - 1);
}

static const char *decision_of(const struct answer *answer)
{
    if (text_is_none(answer->decision_code))
        return NULL;
    return text_equals_c(answer->decision_code, "approved") ? "approved" : "declined";
}

static const char *problem_of(const struct answer *answer)
{
    return answer->problem == PROBLEM_NONE ? NULL : problem_name(answer->problem);
}

/* Only what is our fault is an error of the one who answers. */
static const char *error_of(const struct answer *answer)
{
    if (answer->status < 500)
        return NULL;
    return answer->problem == PROBLEM_NONE ? "500" : problem_name(answer->problem);
}

void spans_record_visit(const struct visit *visit, const struct answer *answer)
{
    const char *const method = known_method(visit->request->method);
    const char *const route = visit->route == NULL ? NULL : visit->route->path;
    if (!tracing_wants(&visit->trace))
        return;
    struct span span = {
        .type = SPAN_DOOR,
        .context = visit->trace,
        .word = method == NULL ? "HTTP" : method,
        .subject = text_of(route),
        .begun_us = visit->request->received_us,
        .error = error_of(answer),
        .attributes = SPAN_ATTRIBUTE_LIST(
            span_str(ATTRIBUTE_HTTP_REQUEST_METHOD, method == NULL ? "_OTHER" : method),
            span_str(ATTRIBUTE_HTTP_ROUTE, route), span_str(ATTRIBUTE_URL_PATH, route),
            span_str(ATTRIBUTE_URL_SCHEME, "http"),
            span_i64(ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, answer->status),
            span_uuid(ATTRIBUTE_REQUEST_ID, &visit->request_id),
            span_text(ATTRIBUTE_AUTHORIZATION_ID, authorization_of(answer)),
            span_str(ATTRIBUTE_DECISION, decision_of(answer)),
            span_text(ATTRIBUTE_DECISION_REASON, answer->decision_code),
            span_str(ATTRIBUTE_PROBLEM_CODE, problem_of(answer)),
            span_str(ATTRIBUTE_BOOKING, answer->booking)),
    };
    memcpy(span.parent_id, visit->caller_span, sizeof span.parent_id);
    tracing_record(&span);
}

/* ---- an item ----------------------------------------------------------------------------------
 */

void spans_record_item(const struct hop_item *item)
{
    const struct answer *answer = &item->answer;
    if (!tracing_wants(&item->trace))
        return;
    struct span span = {
        .type = SPAN_ASK,
        .context = item->trace,
        .word = hop_op_name(item->op),
        .begun_us = item->submitted_us,
        .error = error_of(answer),
        .attributes =
            SPAN_ATTRIBUTE_LIST(span_text(ATTRIBUTE_AUTHORIZATION_ID, authorization_of(answer)),
                                span_str(ATTRIBUTE_PROBLEM_CODE, problem_of(answer))),
    };
    memcpy(span.parent_id, item->visit->trace.span_id, sizeof span.parent_id);
    tracing_record(&span);
}

/* ---- a call -----------------------------------------------------------------------------------
 */

/* `http://host:port/path` gives `host` and 'port'; without a port that of the scheme. */
static struct text split_url(const char *url, int64_t *port_out)
{
    struct text rest = text_of(url);
    const bool is_secure = text_starts_with(rest, "https://");
    rest = text_skip(rest, strlen(is_secure ? "https://" : "http://"));
    struct text port = text_cut(&rest, '/');
    const struct text host = text_cut(&port, ':');
    *port_out = is_secure ? 443 : 80;
    if (!text_to_i64(port, port_out))
        *port_out = is_secure ? 443 : 80;
    return host;
}

void spans_record_call(const struct spans_call *call)
{
    char status[16];
    int64_t port = 0;
    const char *error = NULL;
    if (!tracing_wants(&call->trace))
        return;
    const struct text host = split_url(call->url, &port);
    if (call->outcome != OK)
        error = status_name(call->outcome);
    else if (call->http_status >= 400) {
        snprintf(status, sizeof status, "%d", call->http_status);
        error = status;
    }
    struct span span = {
        .type = SPAN_CALL,
        .context = call->trace,
        .word = call->method,
        .subject = text_of(call->path),
        .begun_us = call->begun_us,
        .error = error,
        .attributes = SPAN_ATTRIBUTE_LIST(
            span_str(ATTRIBUTE_HTTP_REQUEST_METHOD, call->method),
            span_str(ATTRIBUTE_URL_PATH, call->path), span_text(ATTRIBUTE_SERVER_ADDRESS, host),
            span_i64(ATTRIBUTE_SERVER_PORT, port),
            call->outcome == OK ? span_i64(ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, call->http_status)
                                : span_str(ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, NULL),
            call->item_count > 0 ? span_i64(ATTRIBUTE_BATCH_SIZE, (int64_t)call->item_count)
                                 : span_str(ATTRIBUTE_BATCH_SIZE, NULL)),
    };
    span_group_apply(call->group, &span);
    tracing_record(&span);
}
