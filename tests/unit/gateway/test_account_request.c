#include "check.h"

#include "base/arena.h"
#include "gateway/account_request.h"

static struct arena *arena;

static bool read(const char *body, struct account_request *request, struct field_errors *fields)
{
    struct json_value value;
    *fields = (struct field_errors){.arena = arena};
    CHECK_EQ(body, json_parse(arena, text_of(body), &value, NULL), OK);
    return account_request_read(&value, request, fields);
}

static void test_account_request_read__accepted(void **state)
{
    (void)state;
    struct account_request request;
    struct field_errors fields;
    CHECK("all fields", read("{\"credit_limit\":500.50,\"currency\":\"EUR\",\"status\":\"frozen\"}",
                             &request, &fields));
    CHECK_EQ("a limit", request.limit.digits, 5005);
    CHECK_EQ("a limit", request.limit.scale, 1);
    CHECK("a limit in major units", request.has_limit && !request.limit_is_minor);
    CHECK_TEXT("a currency", text_of(request.currency->code), "EUR");
    CHECK_TEXT("a status", request.status, "frozen");
    CHECK("a limit as text", read("{\"credit_limit\":\"0.00\"}", &request, &fields));
    CHECK("a limit of zero", request.has_limit && request.limit.digits == 0);
    CHECK("minor units", read("{\"credit_limit_minor\":5000}", &request, &fields));
    CHECK("minor units", request.limit_is_minor && request.limit.digits == 5000);
    CHECK("a status alone", read("{\"status\":\"open\"}", &request, &fields));
    CHECK("what was not sent", !request.has_limit && request.currency == NULL);
}

static void test_account_request_read__refused(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *body;
        enum problem_code code;
        const char *pointer;
    } CASES[] = {
        {"no object", "[]", PROBLEM_VALIDATION_FAILED, ""},
        {"nothing", "{}", PROBLEM_VALIDATION_FAILED, ""},
        {"an unknown field", "{\"a/b\":1}", PROBLEM_VALIDATION_FAILED, "/a~1b"},
        {"a negative limit", "{\"credit_limit\":-1}", PROBLEM_VALIDATION_FAILED, "/credit_limit"},
        {"an exponent", "{\"credit_limit\":1e2}", PROBLEM_VALIDATION_FAILED, "/credit_limit"},
        {"null", "{\"credit_limit\":null}", PROBLEM_VALIDATION_FAILED, "/credit_limit"},
        {"a huge limit", "{\"credit_limit\":1000000000000}", PROBLEM_AMOUNT_OUT_OF_RANGE,
         "/credit_limit"},
        {"many decimals", "{\"credit_limit\":1.00001}", PROBLEM_AMOUNT_PRECISION, "/credit_limit"},
        {"two limits", "{\"credit_limit\":1,\"credit_limit_minor\":1}", PROBLEM_VALIDATION_FAILED,
         "/credit_limit_minor"},
        {"two limits otherwise", "{\"credit_limit_minor\":1,\"credit_limit\":1}",
         PROBLEM_VALIDATION_FAILED, "/credit_limit_minor"},
        {"minor units with a point", "{\"credit_limit_minor\":1.0}", PROBLEM_VALIDATION_FAILED,
         "/credit_limit_minor"},
        {"minor units as text", "{\"credit_limit_minor\":\"1\"}", PROBLEM_VALIDATION_FAILED,
         "/credit_limit_minor"},
        {"one minor unit too many", "{\"credit_limit_minor\":1000000000000}",
         PROBLEM_AMOUNT_OUT_OF_RANGE, "/credit_limit_minor"},
        {"no currency of ours", "{\"currency\":\"XAU\"}", PROBLEM_CURRENCY_UNSUPPORTED,
         "/currency"},
        {"a currency that is a number", "{\"currency\":840}", PROBLEM_VALIDATION_FAILED,
         "/currency"},
        {"no status of ours", "{\"status\":\"gone\"}", PROBLEM_VALIDATION_FAILED, "/status"},
        {"a status that is null", "{\"status\":null}", PROBLEM_VALIDATION_FAILED, "/status"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct account_request request;
        struct field_errors fields;
        CHECK(CASES[at].given, !read(CASES[at].body, &request, &fields));
        const struct problem problem = fields_problem(&fields);
        CHECK_EQ(CASES[at].given, problem.code, CASES[at].code);
        CHECK_EQ(CASES[at].given, problem.error_count, 1);
        CHECK_TEXT(CASES[at].given, problem.errors[0].pointer, CASES[at].pointer);
    }
}

static void test_account_request_read__more_faults_than_are_listed(void **state)
{
    (void)state;
    struct account_request request;
    struct field_errors fields;
    struct text_builder body;
    text_builder_init(&body, arena, 1024);
    for (int at = 0; at < 2 * PROBLEM_ERRORS_MAX; at++)
        text_builder_add_format(&body, "%c\"x%d\":1", at == 0 ? '{' : ',', at);
    text_builder_add_c(&body, "}");
    const char *text = text_to_c(arena, text_builder_text(&body));
    CHECK("many unknown fields", !read(text, &request, &fields));
    CHECK_EQ("many unknown fields", fields.count, PROBLEM_ERRORS_MAX);
}

int main(void)
{
    arena = arena_new(1024 * 1024);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_request_read__accepted),
        cmocka_unit_test(test_account_request_read__refused),
        cmocka_unit_test(test_account_request_read__more_faults_than_are_listed),
    };
    const int failed = cmocka_run_group_tests_name("gateway/account_request", tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
