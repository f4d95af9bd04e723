#include "gateway/visit.h"

#include "base/arena.h"
#include "gateway/fields.h"
#include "gateway/gateway.h"
#include "gateway/metrics.h"
#include "gateway/routes.h"
#include "gateway/spans.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/tracing/tracing.h"

#include <stdio.h>

/* The client's own id, where it is one. */
static struct uuid choose_request_id(const struct http_request *request)
{
    struct uuid id;
    if (uuid_parse(http_request_header(request, "Request-Id"), &id))
        return id;
    return uuid_make_v7();
}

/* Without a traceparent that can be read a tracestate means nothing. */
static void choose_trace(struct visit *visit)
{
    const struct http_request *request = visit->request;
    struct trace_context theirs;
    if (http_request_header_count(request, "traceparent") != 1 ||
        !trace_context_parse(http_request_header(request, "traceparent"), &theirs)) {
        visit->trace = tracing_begin();
        return;
    }
    visit->trace = tracing_accept(&theirs);
    memcpy(visit->caller_span, theirs.span_id, sizeof visit->caller_span);
    trace_context_take_state(&visit->trace, http_request_header_list(request, "tracestate"));
}

struct visit *visit_new(struct gateway *gateway, struct http_request *request)
{
    struct visit *visit = ARENA_NEW(request->arena, struct visit);
    visit->gateway = gateway;
    visit->request = request;
    visit->request_id = choose_request_id(request);
    choose_trace(visit);
    request->trace_id = visit->trace.trace_id;
    return visit;
}

/* ---- the way out ------------------------------------------------------------------------------
 */

static void add_header(struct http_response *response, const char *name, struct text value)
{
    size_t at = 0;
    while (response->headers[at].name != NULL)
        at++;
    response->headers[at] = (struct http_header){name, value};
}

static void log_answered(const struct visit *visit, int status)
{
    const int64_t took_us = clock_monotonic_us() - visit->request->received_us;
    const char *route = visit->route == NULL ? "" : visit->route->path;
    log_info(&visit->trace, "request.answered", "request answered",
             kv_uuid("request_id", &visit->request_id), kv_text("method", visit->request->method),
             kv_str("route", route), kv_i64("status", status), kv_i64("dur_ms", took_us / 1000));
}

/* What only some answers have. */
static void add_own_headers(struct http_response *response, const struct visit *visit,
                            const struct answer *answer, char number[static 24])
{
    if (!text_is_none(visit->trace.state))
        add_header(response, "tracestate", visit->trace.state);
    if (!text_is_none(answer->location))
        add_header(response, "Location", answer->location);
    if (answer->is_replayed)
        add_header(response, "Idempotent-Replayed", TEXT("true"));
    if (answer->allow != NULL)
        add_header(response, "Allow", text_of(answer->allow));
    if (answer->status == 401)
        add_header(response, "WWW-Authenticate", TEXT("Bearer"));
    if (answer->problem == PROBLEM_IDEMPOTENCY_KEY_MISSING)
        add_header(response, "Link",
                   TEXT("</problems/idempotency_key_missing>; rel=\"describedby\""));
    if (answer->booking != NULL) {
        snprintf(number, 24, "wait=%d", visit->wait_s);
        add_header(response, "Preference-Applied", text_of(number));
        add_header(response, "Tallystick-Booking", text_of(answer->booking));
    } else if (answer->retry_after_s > 0) {
        snprintf(number, 24, "%lld", (long long)answer->retry_after_s);
        add_header(response, "Retry-After", text_of(number));
    }
}

void visit_answer(struct visit *visit, const struct answer *answer)
{
    char request_id[UUID_TEXT_SIZE + 1];
    char traceparent[TRACEPARENT_SIZE + 1];
    char number[24];
    uuid_format(&visit->request_id, request_id);
    trace_context_format(&visit->trace, traceparent);
    struct http_response response = {
        .status = answer->status,
        .content_type = answer->content_type,
        .body = answer->body,
        .headers = {{"Request-Id", text_of(request_id)}, {"traceparent", text_of(traceparent)}},
    };
    if (response.content_type == NULL)
        response.content_type =
            answer->status < 400 ? "application/json" : "application/problem+json";
    add_own_headers(&response, visit, answer, number);
    log_answered(visit, answer->status);
    spans_record_visit(visit, answer);
    http_respond(visit->request, &response);
}

/* ---- refusals ---------------------------------------------------------------------------------
 */

/* When to come again, where that helps: what is full now is not for long. */
static int64_t retry_after_ms(const struct problem *problem)
{
    const int status = problem_status(problem->code);
    if (problem->retry_after_ms > 0)
        return problem->retry_after_ms;
    return problem_is_retryable(problem->code) && (status == 409 || status == 503) ? 1000 : 0;
}

struct answer answer_of_problem(const struct visit *visit, struct arena *arena,
                                const struct problem *problem)
{
    struct problem whole = *problem;
    whole.request_id = visit->request_id;
    whole.trace_id = text_of(visit->trace.trace_id);
    whole.retry_after_ms = retry_after_ms(problem);
    return (struct answer){
        .status = problem_status(whole.code),
        .body = problem_write(arena, &whole),
        .retry_after_s = (whole.retry_after_ms + 999) / 1000,
        .problem = whole.code,
    };
}

struct answer answer_problem(const struct visit *visit, struct arena *arena, enum problem_code code,
                             const char *detail)
{
    const struct problem problem = {.code = code, .detail = text_of(detail)};
    return answer_of_problem(visit, arena, &problem);
}

void visit_refuse(struct visit *visit, enum problem_code code, const char *detail)
{
    const struct answer answer = answer_problem(visit, visit->request->arena, code, detail);
    visit_answer(visit, &answer);
}

void visit_refuse_limited(struct visit *visit, int64_t wait_us)
{
    const struct problem problem = {
        .code = PROBLEM_RATE_LIMITED,
        .detail = TEXT("this API key has sent more requests than it may"),
        .retry_after_ms = (wait_us + 999) / 1000,
    };
    const struct answer answer = answer_of_problem(visit, visit->request->arena, &problem);
    metric_count(&METRIC_RATE_LIMITED, 0);
    visit_answer(visit, &answer);
}

void visit_refuse_fields(struct visit *visit, const struct field_errors *fields)
{
    const struct problem problem = fields_problem(fields);
    const struct answer answer = answer_of_problem(visit, visit->request->arena, &problem);
    visit_answer(visit, &answer);
}

/* ---- lists ------------------------------------------------------------------------------------
 */

void visit_list_add(struct visit_list *list, struct visit *visit)
{
    visit->next = NULL;
    if (list->last == NULL)
        list->first = visit;
    else
        list->last->next = visit;
    list->last = visit;
    list->count++;
}

struct visit *visit_list_take(struct visit_list *list)
{
    struct visit *first = list->first;
    *list = (struct visit_list){0};
    return first;
}
