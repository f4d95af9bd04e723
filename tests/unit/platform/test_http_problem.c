#include "check.h"

#include "base/arena.h"
#include "base/json.h"
#include "platform/http/http_problem.h"

static struct text header(const struct http_response *response, const char *name)
{
    for (size_t at = 0; at < HTTP_RESPONSE_HEADERS_MAX; at++)
        if (response->headers[at].name != NULL && strcmp(response->headers[at].name, name) == 0)
            return response->headers[at].value;
    return TEXT("(none)");
}

static void test_problem_to_response__headers(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        enum problem_code code;
        int64_t retry_after_ms;
        int status;
        const char *retry_after, *authenticate;
    } CASES[] = {
        {"no time to wait", PROBLEM_NOT_FOUND, 0, 404, "(none)", "(none)"},
        {"a whole second", PROBLEM_BACKPRESSURE, 1000, 503, "1", "(none)"},
        {"one millisecond more", PROBLEM_BACKPRESSURE, 1001, 503, "2", "(none)"},
        {"one millisecond", PROBLEM_RATE_LIMITED, 1, 429, "1", "(none)"},
        {"no credentials", PROBLEM_UNAUTHENTICATED, 0, 401, "(none)", "Bearer"},
    };
    struct arena *arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct http_response response = problem_to_response(
            arena,
            &(struct problem){.code = CASES[at].code, .retry_after_ms = CASES[at].retry_after_ms});
        CHECK_EQ(CASES[at].given, response.status, CASES[at].status);
        CHECK_TEXT(CASES[at].given, text_of(response.content_type), "application/problem+json");
        CHECK_TEXT(CASES[at].given, header(&response, "Retry-After"), CASES[at].retry_after);
        CHECK_TEXT(CASES[at].given, header(&response, "WWW-Authenticate"), CASES[at].authenticate);
        CHECK_EQ(CASES[at].given, header(&response, "Request-Id").size, UUID_TEXT_SIZE);
    }
    arena_free(arena);
}

static void test_refuse_by_problem__every_refusal(void **state)
{
    (void)state;
    static const struct {
        enum http_refusal why;
        int status;
        const char *code;
    } CASES[] = {
        {HTTP_REFUSAL_MALFORMED, 400, "malformed_request"},
        {HTTP_REFUSAL_BODY_TOO_LARGE, 413, "body_too_large"},
        {HTTP_REFUSAL_URI_TOO_LONG, 414, "uri_too_long"},
        {HTTP_REFUSAL_HEADER_TOO_LARGE, 431, "header_too_large"},
        {HTTP_REFUSAL_TIMEOUT, 504, "deadline_exceeded"},
        {HTTP_REFUSAL_DRAINING, 503, "draining"},
    };
    struct arena *arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct http_response response;
        struct json_value body;
        struct error err;
        refuse_by_problem(NULL, CASES[at].why, "for a reason", arena, &response);
        CHECK_EQ(CASES[at].code, response.status, CASES[at].status);
        assert_int_equal(json_parse(arena, response.body, &body, &err), OK);
        CHECK_TEXT(CASES[at].code, json_get_text(&body, "code"), CASES[at].code);
        CHECK_TEXT(CASES[at].code, json_get_text(&body, "detail"), "for a reason");
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problem_to_response__headers),
        cmocka_unit_test(test_refuse_by_problem__every_refusal),
    };
    return cmocka_run_group_tests_name("platform/http_problem", tests, NULL, NULL);
}
