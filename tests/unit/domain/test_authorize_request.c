#include "check.h"

#include "base/arena.h"
#include "domain/authorize_request.h"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(4 * 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static enum problem_code read_body(const char *given, struct text body,
                                   struct authorize_request *request_out,
                                   struct problem *problem_out)
{
    struct json_value value;
    struct error err;
    if (json_parse(arena, body, &value, &err) != OK)
        fail_msg("given %s: %s", given, err.message);
    return authorize_request_read(arena, &value, request_out, problem_out);
}

/* A body with the two names and more. */
static struct text body_with(const char *more)
{
    return text_format(arena, "{\"transaction_id\":\"tx-1\",\"user_id\":\"user-1\"%s}", more);
}

static void test_authorize_request_read__accepted(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *more;
        int64_t digits;
        int scale;
        bool is_minor;
        const char *currency;
        int64_t expires_in_s;
    } CASES[] = {
        {"a number", ",\"amount\":99.99", 9999, 2, false, NULL, 0},
        {"a string", ",\"amount\":\"99.99\"", 9999, 2, false, NULL, 0},
        {"a zero more", ",\"amount\":99.990", 9999, 2, false, NULL, 0},
        {"a decimal more: the account's currency decides", ",\"amount\":99.991", 99991, 3, false,
         NULL, 0},
        {"a decimal more for yen: likewise", ",\"amount\":100.5,\"currency\":\"JPY\"", 1005, 1,
         false, "JPY", 0},
        {"dinars", ",\"amount\":1.234,\"currency\":\"KWD\"", 1234, 3, false, "KWD", 0},
        {"minor units", ",\"amount_minor\":9999", 9999, 0, true, NULL, 0},
        {"the largest in minor units", ",\"amount_minor\":999999999999", 999999999999, 0, true,
         NULL, 0},
        {"an expiry", ",\"amount\":1,\"expires_in\":1", 1, 0, false, NULL, 1},
        {"the longest expiry", ",\"amount\":1,\"expires_in\":31622400", 1, 0, false, NULL,
         31622400},
        {"an escaped name", ",\"\\u0061mount\":1", 1, 0, false, NULL, 0},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct authorize_request got;
        struct problem problem = {.code = PROBLEM_NONE};
        const char *const given = CASES[at].given;
        CHECK_EQ(given, read_body(given, body_with(CASES[at].more), &got, &problem), PROBLEM_NONE);
        CHECK_TEXT(given, got.transaction_id, "tx-1");
        CHECK_TEXT(given, got.user_id, "user-1");
        CHECK_EQ(given, got.amount.digits, CASES[at].digits);
        CHECK_EQ(given, got.amount.scale, CASES[at].scale);
        CHECK_EQ(given, got.amount_is_minor, CASES[at].is_minor);
        CHECK_EQ(given, got.currency == NULL, CASES[at].currency == NULL);
        if (got.currency != NULL)
            CHECK_TEXT(given, text_of(got.currency->code), CASES[at].currency);
        CHECK_EQ(given, got.expires_in_s, CASES[at].expires_in_s);
        CHECK_EQ(given, problem.error_count, 0);
    }
}

/* Each body has one fault. */
static const struct {
    const char *given;
    const char *body;
    enum problem_code then;
    const char *pointer;
    const char *code;
} REFUSED[] = {
#define BODY(more) "{\"transaction_id\":\"tx-1\",\"user_id\":\"user-1\"" more "}"
    {"no object", "[]", PROBLEM_VALIDATION_FAILED, "", "type_wrong"},
    {"no transaction_id", "{\"user_id\":\"u\",\"amount\":1}", PROBLEM_VALIDATION_FAILED,
     "/transaction_id", "field_missing"},
    {"no user_id", "{\"transaction_id\":\"t\",\"amount\":1}", PROBLEM_VALIDATION_FAILED, "/user_id",
     "field_missing"},
    {"no amount", BODY(""), PROBLEM_VALIDATION_FAILED, "/amount", "field_missing"},
    {"two amounts", BODY(",\"amount\":1,\"amount_minor\":100"), PROBLEM_VALIDATION_FAILED,
     "/amount_minor", "field_conflict"},
    {"a number for a name", "{\"transaction_id\":12,\"user_id\":\"u\",\"amount\":1}",
     PROBLEM_VALIDATION_FAILED, "/transaction_id", "type_wrong"},
    {"an empty name", "{\"transaction_id\":\"\",\"user_id\":\"u\",\"amount\":1}",
     PROBLEM_VALIDATION_FAILED, "/transaction_id", "value_invalid"},
    {"a control character in a name",
     "{\"transaction_id\":\"t\",\"user_id\":\"a\\u0007\",\"amount\":1}", PROBLEM_VALIDATION_FAILED,
     "/user_id", "value_invalid"},
    {"null for a name", "{\"transaction_id\":\"t\",\"user_id\":null,\"amount\":1}",
     PROBLEM_VALIDATION_FAILED, "/user_id", "type_wrong"},
    {"an unknown field", BODY(",\"amount\":1,\"colour\":\"red\""), PROBLEM_VALIDATION_FAILED,
     "/colour", "field_unknown"},
    {"an unknown field with marks", BODY(",\"amount\":1,\"a/b~c\":0"), PROBLEM_VALIDATION_FAILED,
     "/a~1b~0c", "field_unknown"},
    {"a field in capitals", BODY(",\"amount\":1,\"Currency\":\"USD\""), PROBLEM_VALIDATION_FAILED,
     "/Currency", "field_unknown"},
    {"an exponent", BODY(",\"amount\":1e2"), PROBLEM_VALIDATION_FAILED, "/amount",
     "amount_malformed"},
    {"a huge exponent", BODY(",\"amount\":1e999999"), PROBLEM_VALIDATION_FAILED, "/amount",
     "amount_malformed"},
    {"a minus", BODY(",\"amount\":-1"), PROBLEM_VALIDATION_FAILED, "/amount", "amount_malformed"},
    {"a minus in a string", BODY(",\"amount\":\"-1\""), PROBLEM_VALIDATION_FAILED, "/amount",
     "amount_malformed"},
    {"NaN in a string", BODY(",\"amount\":\"NaN\""), PROBLEM_VALIDATION_FAILED, "/amount",
     "amount_malformed"},
    {"an empty string", BODY(",\"amount\":\"\""), PROBLEM_VALIDATION_FAILED, "/amount",
     "amount_malformed"},
    {"zero", BODY(",\"amount\":0"), PROBLEM_VALIDATION_FAILED, "/amount", "amount_not_positive"},
    {"zero with decimals", BODY(",\"amount\":\"0.00\""), PROBLEM_VALIDATION_FAILED, "/amount",
     "amount_not_positive"},
    {"minus zero", BODY(",\"amount\":-0"), PROBLEM_VALIDATION_FAILED, "/amount",
     "amount_malformed"},
    {"null for an amount", BODY(",\"amount\":null"), PROBLEM_VALIDATION_FAILED, "/amount",
     "type_wrong"},
    {"a list for an amount", BODY(",\"amount\":[1]"), PROBLEM_VALIDATION_FAILED, "/amount",
     "type_wrong"},
    {"twenty digits", BODY(",\"amount\":12345678901234567890"), PROBLEM_AMOUNT_OUT_OF_RANGE,
     "/amount", "amount_out_of_range"},
    {"one more than any amount", BODY(",\"amount\":1000000000000"), PROBLEM_AMOUNT_OUT_OF_RANGE,
     "/amount", "amount_out_of_range"},
    {"twenty decimals", BODY(",\"amount\":1.00000000000000000001"), PROBLEM_AMOUNT_PRECISION,
     "/amount", "amount_precision"},
    {"a string of minor units", BODY(",\"amount_minor\":\"100\""), PROBLEM_VALIDATION_FAILED,
     "/amount_minor", "type_wrong"},
    {"decimals of minor units", BODY(",\"amount_minor\":1.0"), PROBLEM_VALIDATION_FAILED,
     "/amount_minor", "amount_malformed"},
    {"many decimals of minor units", BODY(",\"amount_minor\":1.00000000000000000001"),
     PROBLEM_VALIDATION_FAILED, "/amount_minor", "amount_malformed"},
    {"an exponent of minor units", BODY(",\"amount_minor\":1e2"), PROBLEM_VALIDATION_FAILED,
     "/amount_minor", "amount_malformed"},
    {"a minus of minor units", BODY(",\"amount_minor\":-1"), PROBLEM_VALIDATION_FAILED,
     "/amount_minor", "amount_malformed"},
    {"no minor units", BODY(",\"amount_minor\":0"), PROBLEM_VALIDATION_FAILED, "/amount_minor",
     "amount_not_positive"},
    {"too many minor units", BODY(",\"amount_minor\":1000000000000"), PROBLEM_AMOUNT_OUT_OF_RANGE,
     "/amount_minor", "amount_out_of_range"},
    {"far too many minor units", BODY(",\"amount_minor\":12345678901234567890"),
     PROBLEM_AMOUNT_OUT_OF_RANGE, "/amount_minor", "amount_out_of_range"},
    {"no such currency", BODY(",\"amount\":1,\"currency\":\"XYZ\""), PROBLEM_CURRENCY_UNSUPPORTED,
     "/currency", "currency_unsupported"},
    {"small letters", BODY(",\"amount\":1,\"currency\":\"usd\""), PROBLEM_CURRENCY_UNSUPPORTED,
     "/currency", "currency_unsupported"},
    {"two letters", BODY(",\"amount\":1,\"currency\":\"US\""), PROBLEM_VALIDATION_FAILED,
     "/currency", "value_invalid"},
    {"a digit", BODY(",\"amount\":1,\"currency\":\"US1\""), PROBLEM_VALIDATION_FAILED, "/currency",
     "value_invalid"},
    {"a number for a currency", BODY(",\"amount\":1,\"currency\":840"), PROBLEM_VALIDATION_FAILED,
     "/currency", "type_wrong"},
    {"no time", BODY(",\"amount\":1,\"expires_in\":0"), PROBLEM_VALIDATION_FAILED, "/expires_in",
     "value_invalid"},
    {"time backwards", BODY(",\"amount\":1,\"expires_in\":-1"), PROBLEM_VALIDATION_FAILED,
     "/expires_in", "value_invalid"},
    {"too long a time", BODY(",\"amount\":1,\"expires_in\":31622401"), PROBLEM_VALIDATION_FAILED,
     "/expires_in", "value_invalid"},
    {"half a second", BODY(",\"amount\":1,\"expires_in\":1.5"), PROBLEM_VALIDATION_FAILED,
     "/expires_in", "value_invalid"},
    {"a string of seconds", BODY(",\"amount\":1,\"expires_in\":\"60\""), PROBLEM_VALIDATION_FAILED,
     "/expires_in", "type_wrong"},
};

static void test_authorize_request_read__refused(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(REFUSED); at++) {
        struct authorize_request request = {.expires_in_s = -77};
        struct problem got = {.retry_after_ms = 77};
        const char *const given = REFUSED[at].given;
        CHECK_EQ(given, read_body(given, text_of(REFUSED[at].body), &request, &got),
                 REFUSED[at].then);
        CHECK_EQ(given, got.code, REFUSED[at].then);
        CHECK_EQ(given, got.retry_after_ms, 77);
        CHECK_EQ(given, request.expires_in_s, -77);
        if (strcmp(REFUSED[at].body, "[]") != 0)
            CHECK_EQ(given, got.error_count, 1);
        CHECK_TEXT(given, got.errors[0].pointer, REFUSED[at].pointer);
        CHECK_TEXT(given, text_of(got.errors[0].code), REFUSED[at].code);
        CHECK(given, got.detail.size > 0);
    }
}

static void test_authorize_request_read__long_names(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int size;
        enum problem_code then;
    } CASES[] = {
        {"the longest", 128, PROBLEM_NONE},
        {"one more", 129, PROBLEM_VALIDATION_FAILED},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct text body =
            text_format(arena, "{\"transaction_id\":\"%0*d\",\"user_id\":\"u\",\"amount\":1}",
                        CASES[at].size, 0);
        struct authorize_request request;
        struct problem problem = {.code = PROBLEM_NONE};
        CHECK_EQ(CASES[at].given, read_body(CASES[at].given, body, &request, &problem),
                 CASES[at].then);
    }
}

static void test_authorize_request_read__all_errors(void **state)
{
    (void)state;
    struct authorize_request request;
    struct problem got = {.code = PROBLEM_NONE};
    const struct text body = TEXT("{\"amount\":1000000000000,\"currency\":\"XYZ\",\"user_id\":7}");
    CHECK_EQ("many faults", read_body("many faults", body, &request, &got),
             PROBLEM_VALIDATION_FAILED);
    static const struct {
        const char *pointer;
        const char *code;
    } THEN[] = {
        {"/amount", "amount_out_of_range"},
        {"/currency", "currency_unsupported"},
        {"/user_id", "type_wrong"},
        {"/transaction_id", "field_missing"},
    };
    CHECK_EQ("many faults", got.error_count, COUNT(THEN));
    for (size_t at = 0; at < COUNT(THEN); at++) {
        CHECK_TEXT("many faults", got.errors[at].pointer, THEN[at].pointer);
        CHECK_TEXT("many faults", text_of(got.errors[at].code), THEN[at].code);
    }
    CHECK_TEXT("many faults", got.detail,
               "/amount: it must have at most 12 digits in minor units (and 3 more)");

    const struct text two = body_with(",\"amount\":1000000000000,\"currency\":\"XYZ\"");
    CHECK_EQ("faults of good form: the first", read_body("two faults", two, &request, &got),
             PROBLEM_AMOUNT_OUT_OF_RANGE);
}

static void test_authorize_request_read__bounded(void **state)
{
    (void)state;
    struct text_builder body;
    text_builder_init(&body, arena, 1024);
    text_builder_add_c(&body, "{\"amount\":1");
    for (int at = 0; at < 1000; at++)
        text_builder_add_format(&body, ",\"field-%d-%0200d\":0", at, 0);
    text_builder_add_c(&body, "}");
    struct authorize_request request;
    struct problem got = {.code = PROBLEM_NONE};
    CHECK_EQ("1000 unknown fields",
             read_body("1000 unknown fields", text_builder_text(&body), &request, &got),
             PROBLEM_VALIDATION_FAILED);
    CHECK_EQ("1000 unknown fields", got.error_count, PROBLEM_ERRORS_MAX);
    CHECK_EQ("their long names", got.errors[0].pointer.size, 1 + 64);
}

static void test_authorize_request_minor__currencies(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *more;
        const char *currency;
        enum money_result then;
        int64_t minor;
    } CASES[] = {
        {"dollars", ",\"amount\":99.99", "USD", MONEY_OK, 9999},
        {"a decimal too many", ",\"amount\":99.991", "USD", MONEY_PRECISION, 0},
        {"half a yen", ",\"amount\":100.5", "JPY", MONEY_PRECISION, 0},
        {"fils", ",\"amount\":1.234", "KWD", MONEY_OK, 1234},
        {"cents", ",\"amount_minor\":9999", "USD", MONEY_OK, 9999},
        {"fils as they are", ",\"amount_minor\":9999", "KWD", MONEY_OK, 9999},
        {"too many dollars", ",\"amount\":10000000000", "USD", MONEY_OUT_OF_RANGE, 0},
        {"as many yen", ",\"amount\":10000000000", "JPY", MONEY_OK, 10000000000},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct authorize_request request;
        struct problem problem = {.code = PROBLEM_NONE};
        const char *const given = CASES[at].given;
        int64_t got = 0;
        CHECK_EQ(given, read_body(given, body_with(CASES[at].more), &request, &problem),
                 PROBLEM_NONE);
        CHECK_EQ(
            given,
            authorize_request_minor(&request, currency_find(text_of(CASES[at].currency)), &got),
            CASES[at].then);
        CHECK_EQ(given, got, CASES[at].minor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authorize_request_read__accepted),
        cmocka_unit_test(test_authorize_request_read__refused),
        cmocka_unit_test(test_authorize_request_read__long_names),
        cmocka_unit_test(test_authorize_request_read__all_errors),
        cmocka_unit_test(test_authorize_request_read__bounded),
        cmocka_unit_test(test_authorize_request_minor__currencies),
    };
    return cmocka_run_group_tests_name("domain/authorize_request", tests, set_up, tear_down);
}
