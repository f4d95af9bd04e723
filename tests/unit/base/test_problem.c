#include "check.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/problem.h"

static void test_problem_catalogue__every_row(void **state)
{
    (void)state;
    for (int at = 1; at <= PROBLEM_COUNT; at++) {
        const enum problem_code code = (enum problem_code)at;
        const char *const name = problem_name(code);
        CHECK_EQ(name, problem_find(text_of(name)), code);
        CHECK(name, problem_status(code) >= 400 && problem_status(code) <= 504);
        CHECK(name, strlen(problem_title(code)) > 0);
        const struct text page = problem_page(code);
        CHECK(name, text_starts_with(page, name));
        CHECK(name, strstr(page.data, "What to do: ") != NULL);
        CHECK(name, (strstr(page.data, "later: yes.\n") != NULL) == problem_is_retryable(code));
    }
}

static void test_problem_find__unknown(void **state)
{
    (void)state;
    CHECK_EQ("nothing", problem_find(TEXT("")), PROBLEM_NONE);
    CHECK_EQ("none", problem_find(TEXT_NONE), PROBLEM_NONE);
    CHECK_EQ("no code", problem_find(TEXT("teapot")), PROBLEM_NONE);
    CHECK_EQ("other case", problem_find(TEXT("NOT_FOUND")), PROBLEM_NONE);
}

/* Names and statuses are the API: a change here is a change of the contract. */
static void test_problem_catalogue__statuses(void **state)
{
    (void)state;
    static const struct {
        int status;
        bool retryable;
        const char *names;
    } CASES[] = {
        {400, false,
         "malformed_request malformed_json idempotency_key_missing idempotency_key_invalid "
         "parameter_invalid"},
        {401, false, "unauthenticated"},
        {403, false, "scope_missing tenant_mismatch"},
        {404, false, "not_found"},
        {405, false, "method_not_allowed"},
        {409, true, "idempotency_in_flight"},
        {409, false, "transaction_id_conflict invalid_state already_voided authorization_expired"},
        {412, false, "version_mismatch"},
        {413, false, "body_too_large"},
        {414, false, "uri_too_long"},
        {415, false, "media_type_unsupported"},
        {431, false, "header_too_large"},
        {422, false,
         "validation_failed amount_precision amount_out_of_range currency_unsupported "
         "idempotency_key_reused capture_exceeds_authorized refund_exceeds_captured"},
        {429, true, "rate_limited"},
        {500, true, "internal"},
        {503, true, "backpressure dependency_down draining"},
        {504, true, "deadline_exceeded"},
    };
    int count = 0;
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text rest = text_of(CASES[at].names);
        while (!text_is_none(rest)) {
            const enum problem_code code = problem_find(text_cut(&rest, ' '));
            CHECK(CASES[at].names, code != PROBLEM_NONE);
            CHECK_EQ(problem_name(code), problem_status(code), CASES[at].status);
            CHECK_EQ(problem_name(code), problem_is_retryable(code), CASES[at].retryable);
            count++;
        }
    }
    CHECK_EQ("all of them", count, PROBLEM_COUNT);
}

static void test_problem_write__bodies(void **state)
{
    (void)state;
    static const struct problem_error ERRORS[] = {
        {{"/amount", 7}, "field_missing", {"it is missing", 13}},
        {{"/x~1y", 5}, "field_unknown", {"the field 'x/y' is unknown", 26}},
    };
    static const struct {
        const char *given;
        struct problem problem;
        const char *then;
    } CASES[] = {
        {"as little as there can be",
         {.code = PROBLEM_NOT_FOUND},
         "{\"type\":\"/problems/not_found\",\"title\":\"There is nothing here\",\"status\":404,"
         "\"instance\":\"urn:uuid:00000000-0000-0000-0000-000000000000\",\"code\":\"not_found\","
         "\"retryable\":false}"},
        {"all there can be",
         {.code = PROBLEM_BACKPRESSURE,
          .detail = {"a \"queue\" is full", 17},
          .request_id = {.bytes = {0xab}},
          .trace_id = {"0af7651916cd43dd8448eb211c80319c", 32},
          .retry_after_ms = 1000,
          .errors = ERRORS,
          .error_count = 2,
          .state = {"voided", 6}},
         "{\"type\":\"/problems/backpressure\",\"title\":\"The service is busy\",\"status\":503,"
         "\"detail\":\"a \\\"queue\\\" is full\","
         "\"instance\":\"urn:uuid:ab000000-0000-0000-0000-000000000000\","
         "\"code\":\"backpressure\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
         "\"retryable\":true,\"retry_after_ms\":1000,\"errors\":["
         "{\"pointer\":\"/amount\",\"code\":\"field_missing\",\"detail\":\"it is missing\"},"
         "{\"pointer\":\"/x~1y\",\"code\":\"field_unknown\","
         "\"detail\":\"the field 'x/y' is unknown\"}],\"state\":\"voided\"}"},
    };
    struct arena *const arena = arena_new(64 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct text body = problem_write(arena, &CASES[at].problem);
        CHECK_TEXT(CASES[at].given, body, CASES[at].then);
        struct json_value value;
        CHECK_EQ(CASES[at].given, json_parse(arena, body, &value, NULL), OK);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problem_catalogue__every_row),
        cmocka_unit_test(test_problem_find__unknown),
        cmocka_unit_test(test_problem_catalogue__statuses),
        cmocka_unit_test(test_problem_write__bodies),
    };
    return cmocka_run_group_tests_name("base/problem", tests, NULL, NULL);
}
