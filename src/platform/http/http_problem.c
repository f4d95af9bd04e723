#include "platform/http/http_problem.h"

#include "base/arena.h"
#include "base/assert.h"

enum { SECOND_MS = 1000, DRAINING_RETRY_MS = 1000 };

struct http_response problem_to_response(struct arena *arena, const struct problem *problem)
{
    struct problem whole = *problem;
    if (uuid_is_nil(&whole.request_id))
        whole.request_id = uuid_make_v7();
    struct http_response response = {
        .status = problem_status(whole.code),
        .content_type = "application/problem+json",
        .body = problem_write(arena, &whole),
        .headers = {{"Request-Id", uuid_to_text(arena, &whole.request_id)}},
    };
    size_t next = 1;
    if (whole.retry_after_ms > 0)
        response.headers[next++] = (struct http_header){
            "Retry-After",
            text_format(arena, "%lld",
                        (long long)((whole.retry_after_ms + SECOND_MS - 1) / SECOND_MS))};
    if (whole.code == PROBLEM_UNAUTHENTICATED)
        response.headers[next++] = (struct http_header){"WWW-Authenticate", TEXT("Bearer")};
    return response;
}

void respond_problem(struct http_request *request, const struct problem *problem)
{
    const struct http_response response = problem_to_response(request->arena, problem);
    http_respond(request, &response);
}

static enum problem_code code_of_refusal(enum http_refusal why)
{
    switch (why) {
    case HTTP_REFUSAL_MALFORMED:
        return PROBLEM_MALFORMED_REQUEST;
    case HTTP_REFUSAL_BODY_TOO_LARGE:
        return PROBLEM_BODY_TOO_LARGE;
    case HTTP_REFUSAL_URI_TOO_LONG:
        return PROBLEM_URI_TOO_LONG;
    case HTTP_REFUSAL_HEADER_TOO_LARGE:
        return PROBLEM_HEADER_TOO_LARGE;
    case HTTP_REFUSAL_TIMEOUT:
        return PROBLEM_DEADLINE_EXCEEDED;
    case HTTP_REFUSAL_DRAINING:
        return PROBLEM_DRAINING;
    }
    UNREACHABLE();
}

struct problem problem_of_refusal(enum http_refusal why, const char *detail)
{
    return (struct problem){
        .code = code_of_refusal(why),
        .detail = text_of(detail),
        .retry_after_ms = why == HTTP_REFUSAL_DRAINING ? DRAINING_RETRY_MS : 0,
    };
}

void refuse_by_problem(void *context, enum http_refusal why, const char *detail,
                       struct arena *arena, struct http_response *response_out)
{
    const struct problem problem = problem_of_refusal(why, detail);
    (void)context;
    *response_out = problem_to_response(arena, &problem);
}

void respond_json(struct http_request *request, int status, struct text body)
{
    http_respond(request, &(struct http_response){
                              .status = status, .content_type = "application/json", .body = body});
}
