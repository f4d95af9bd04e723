#include "check.h"

#include "base/arena.h"
#include "domain/money.h"
#include "domain/money_json.h"

static void test_currency_find__table(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        struct text code;
        int then; /* the exponent; -1: no such currency */
    } CASES[] = {
        {"the first", TEXT("AED"), 2},
        {"the last", TEXT("ZWG"), 2},
        {"dollars", TEXT("USD"), 2},
        {"euros", TEXT("EUR"), 2},
        {"yen", TEXT("JPY"), 0},
        {"dinars", TEXT("KWD"), 3},
        {"unidades de fomento", TEXT("CLF"), 4},
        {"ariary: fifths, but written in 2", TEXT("MGA"), 2},
        {"ouguiya likewise", TEXT("MRU"), 2},
        {"gold", TEXT("XAU"), -1},
        {"a test", TEXT("XTS"), -1},
        {"no currency", TEXT("XXX"), -1},
        {"small letters", TEXT("usd"), -1},
        {"too short", TEXT("US"), -1},
        {"too long", TEXT("USDT"), -1},
        {"a NUL", TEXT("USD\0"), -1},
        {"nothing", TEXT(""), -1},
        {"none", TEXT_NONE, -1},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct currency *const got = currency_find(CASES[at].code);
        CHECK_EQ(CASES[at].given, got == NULL ? -1 : got->exponent, CASES[at].then);
        if (got != NULL)
            CHECK(CASES[at].given, text_equals_c(CASES[at].code, got->code));
    }
}

static void test_currency_find__exponents(void **state)
{
    (void)state;
    static const struct {
        int exponent;
        const char *codes;
    } CASES[] = {
        {0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"},
        {3, "BHD IQD JOD KWD LYD OMR TND"},
        {4, "CLF UYW"},
        {2, "USD EUR GBP CHF CAD AUD NZD SEK NOK DKK PLN CZK HUF MXN BRL ARS CNY INR ZAR TRY IDR"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text rest = text_of(CASES[at].codes);
        while (!text_is_none(rest)) {
            const struct currency *const got = currency_find(text_cut(&rest, ' '));
            CHECK(CASES[at].codes, got != NULL);
            CHECK_EQ(got->code, got->exponent, CASES[at].exponent);
        }
    }
}

static void test_decimal_parse__grammar(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *input;
        enum decimal_result then;
        int64_t digits;
        int scale;
    } CASES[] = {
        {"an amount", "99.99", DECIMAL_OK, 9999, 2},
        {"a zero behind it", "99.990", DECIMAL_OK, 9999, 2},
        {"one digit too many", "99.991", DECIMAL_OK, 99991, 3},
        {"a whole", "100", DECIMAL_OK, 100, 0},
        {"a whole with zeros", "100.00", DECIMAL_OK, 100, 0},
        {"zero", "0", DECIMAL_OK, 0, 0},
        {"zero with zeros", "0.000", DECIMAL_OK, 0, 0},
        {"less than one", "0.05", DECIMAL_OK, 5, 2},
        {"very many zeros", "1.00000000000000000000000000000000", DECIMAL_OK, 1, 0},
        {"the largest", "999999999999.9999", DECIMAL_OK, 9999999999999999, 4},
        {"one more", "1000000000000", DECIMAL_TOO_LARGE, 0, 0},
        {"an int64", "9223372036854775807", DECIMAL_TOO_LARGE, 0, 0},
        {"more than an int64", "9223372036854775808", DECIMAL_TOO_LARGE, 0, 0},
        {"twenty digits", "12345678901234567890", DECIMAL_TOO_LARGE, 0, 0},
        {"twenty digits and a point", "12345678901234567890.5", DECIMAL_TOO_LARGE, 0, 0},
        {"a decimal too many", "1.00001", DECIMAL_TOO_PRECISE, 0, 0},
        {"zeros behind it", "1.000100000", DECIMAL_OK, 10001, 4},
        {"very many decimals", "1.0000000000000000001", DECIMAL_TOO_PRECISE, 0, 0},
        {"nothing", "", DECIMAL_MALFORMED, 0, 0},
        {"a minus", "-1", DECIMAL_MALFORMED, 0, 0},
        {"a negative zero", "-0", DECIMAL_MALFORMED, 0, 0},
        {"a plus", "+1", DECIMAL_MALFORMED, 0, 0},
        {"an exponent", "1e2", DECIMAL_MALFORMED, 0, 0},
        {"a capital exponent", "1E2", DECIMAL_MALFORMED, 0, 0},
        {"a huge exponent", "1e999999", DECIMAL_MALFORMED, 0, 0},
        {"an exponent in the fraction", "1.5e2", DECIMAL_MALFORMED, 0, 0},
        {"NaN", "NaN", DECIMAL_MALFORMED, 0, 0},
        {"Infinity", "Infinity", DECIMAL_MALFORMED, 0, 0},
        {"hex", "0x10", DECIMAL_MALFORMED, 0, 0},
        {"a leading dot", ".5", DECIMAL_MALFORMED, 0, 0},
        {"a trailing dot", "5.", DECIMAL_MALFORMED, 0, 0},
        {"a dot", ".", DECIMAL_MALFORMED, 0, 0},
        {"two dots", "1.2.3", DECIMAL_MALFORMED, 0, 0},
        {"a comma", "1,5", DECIMAL_MALFORMED, 0, 0},
        {"leading zeros", "007", DECIMAL_MALFORMED, 0, 0},
        {"two zeros", "00", DECIMAL_MALFORMED, 0, 0},
        {"a blank before", " 1", DECIMAL_MALFORMED, 0, 0},
        {"a blank after", "1 ", DECIMAL_MALFORMED, 0, 0},
        {"a grouping", "1_000", DECIMAL_MALFORMED, 0, 0},
        {"other digits", "\xd9\xa1", DECIMAL_MALFORMED, 0, 0},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct decimal got = {.digits = 0};
        CHECK_EQ(CASES[at].given, decimal_parse(text_of(CASES[at].input), &got), CASES[at].then);
        CHECK_EQ(CASES[at].given, got.digits, CASES[at].digits);
        CHECK_EQ(CASES[at].given, got.scale, CASES[at].scale);
    }
    struct decimal got;
    CHECK_EQ("none", decimal_parse(TEXT_NONE, &got), DECIMAL_MALFORMED);
    CHECK_EQ("a NUL", decimal_parse(TEXT("1\0"), &got), DECIMAL_MALFORMED);
    char many[300];
    memset(many, '0', sizeof many);
    memcpy(many, "0.", 2);
    many[sizeof many - 1] = '1';
    CHECK_EQ("a tiny one", decimal_parse((struct text){many, sizeof many}, &got),
             DECIMAL_TOO_PRECISE);
}

static void test_decimal_to_minor__currencies(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *amount;
        const char *currency;
        enum money_result then;
        int64_t minor;
    } CASES[] = {
        {"cents", "99.99", "USD", MONEY_OK, 9999},
        {"zeros beyond cents", "99.990", "USD", MONEY_OK, 9999},
        {"a tenth of a cent", "99.991", "USD", MONEY_PRECISION, 0},
        {"one decimal", "99.9", "USD", MONEY_OK, 9990},
        {"a whole", "99", "USD", MONEY_OK, 9900},
        {"zero", "0", "USD", MONEY_OK, 0},
        {"half a yen", "100.5", "JPY", MONEY_PRECISION, 0},
        {"yen with zeros", "1.000", "JPY", MONEY_OK, 1},
        {"yen", "100", "JPY", MONEY_OK, 100},
        {"fils", "1.234", "KWD", MONEY_OK, 1234},
        {"a tenth of a fils", "1.2345", "KWD", MONEY_PRECISION, 0},
        {"four decimals", "1.2345", "CLF", MONEY_OK, 12345},
        {"the largest", "9999999999.99", "USD", MONEY_OK, 999999999999},
        {"one cent more", "10000000000.00", "USD", MONEY_OUT_OF_RANGE, 0},
        {"the largest in yen", "999999999999", "JPY", MONEY_OK, 999999999999},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct decimal decimal;
        int64_t got = 0;
        CHECK_EQ(CASES[at].given, decimal_parse(text_of(CASES[at].amount), &decimal), DECIMAL_OK);
        const int exponent = currency_find(text_of(CASES[at].currency))->exponent;
        CHECK_EQ(CASES[at].given, decimal_to_minor(decimal, exponent, &got), CASES[at].then);
        CHECK_EQ(CASES[at].given, got, CASES[at].minor);
    }
    /* What another service passed on need not be without zeros. */
    int64_t got = 0;
    CHECK_EQ("zeros kept", decimal_to_minor((struct decimal){99990, 3}, 2, &got), MONEY_OK);
    CHECK_EQ("zeros kept", got, 9999);
    static const struct decimal TOO_LARGE[] = {
        {1000000000000, 0}, {INT64_MAX, 0}, {1000000000000000, 3}};
    for (size_t at = 0; at < COUNT(TOO_LARGE); at++) {
        CHECK_EQ("one yen too many", decimal_to_minor(TOO_LARGE[at], 0, &got), MONEY_OUT_OF_RANGE);
        CHECK_EQ("or many cents", decimal_to_minor(TOO_LARGE[at], 2, &got), MONEY_OUT_OF_RANGE);
    }
}

static void test_decimal_to_minor_down__limits(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        struct decimal decimal;
        int exponent;
        int64_t then;
    } CASES[] = {
        {"as many decimals", {100050, 2}, 2, 100050},
        {"a currency without decimals", {100050, 2}, 0, 1000},
        {"a currency with more decimals", {100050, 2}, 3, 1000500},
        {"less than the smallest unit", {5, 1}, 0, 0},
        {"more than any amount", {AMOUNT_MINOR_MAX, 0}, 2, AMOUNT_MINOR_MAX},
    };
    for (size_t at = 0; at < COUNT(CASES); at++)
        CHECK_EQ(CASES[at].given, decimal_to_minor_down(CASES[at].decimal, CASES[at].exponent),
                 CASES[at].then);
}

static void test_money_format__exponents(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int64_t minor;
        int exponent;
        const char *then;
    } CASES[] = {
        {"cents", 9999, 2, "99.99"},
        {"zero", 0, 2, "0.00"},
        {"zero yen", 0, 0, "0"},
        {"one cent", 1, 2, "0.01"},
        {"ten cents", 10, 2, "0.10"},
        {"a dollar", 100, 2, "1.00"},
        {"yen", 100, 0, "100"},
        {"fils", 1234, 3, "1.234"},
        {"four decimals", 5, 4, "0.0005"},
        {"a negative cent", -1, 2, "-0.01"},
        {"the largest", INT64_MAX, 2, "92233720368547758.07"},
        {"the smallest", INT64_MIN, 4, "-922337203685477.5808"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        char out[MONEY_TEXT_SIZE + 1];
        const struct text got = money_format(CASES[at].minor, CASES[at].exponent, out);
        CHECK_TEXT(CASES[at].given, got, CASES[at].then);
        CHECK_EQ(CASES[at].given, strlen(out), got.size);
    }
}

static void test_money_add__overflow(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int64_t a;
        int64_t b;
        bool sum_fits;
        bool difference_fits;
    } CASES[] = {
        {"small ones", 3, 2, true, true},
        {"up to the largest", INT64_MAX - 1, 1, true, true},
        {"beyond the largest", INT64_MAX, 1, false, true},
        {"beyond the smallest", INT64_MIN, 1, true, false},
        {"less a negative", INT64_MAX, -1, true, false},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        int64_t got = 77;
        CHECK_EQ(CASES[at].given, money_add(CASES[at].a, CASES[at].b, &got), CASES[at].sum_fits);
        CHECK(CASES[at].given, CASES[at].sum_fits ? got == CASES[at].a + CASES[at].b : got == 77);
        got = 77;
        CHECK_EQ(CASES[at].given, money_subtract(CASES[at].a, CASES[at].b, &got),
                 CASES[at].difference_fits);
        CHECK(CASES[at].given,
              CASES[at].difference_fits ? got == CASES[at].a - CASES[at].b : got == 77);
    }
}

static void test_json_write_money__forms(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int64_t minor;
        const char *currency;
        const char *then;
    } CASES[] = {
        {"cents", 9999, "USD",
         "{\"amount\":\"99.99\",\"amount_minor\":9999,\"currency\":\"USD\",\"exponent\":2}"},
        {"yen", 5, "JPY",
         "{\"amount\":\"5\",\"amount_minor\":5,\"currency\":\"JPY\",\"exponent\":0}"},
        {"the largest exact double", 9007199254740991, "JPY",
         "{\"amount\":\"9007199254740991\",\"amount_minor\":9007199254740991,"
         "\"currency\":\"JPY\",\"exponent\":0}"},
        {"one more", 9007199254740992, "JPY",
         "{\"amount\":\"9007199254740992\",\"amount_minor\":\"9007199254740992\","
         "\"currency\":\"JPY\",\"exponent\":0}"},
        {"as far below zero", -9007199254740992, "JPY",
         "{\"amount\":\"-9007199254740992\",\"amount_minor\":\"-9007199254740992\","
         "\"currency\":\"JPY\",\"exponent\":0}"},
    };
    struct arena *const arena = arena_new(64 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text_builder out;
        struct json_writer w;
        text_builder_init(&out, arena, 128);
        json_writer_init(&w, &out);
        json_write_money(&w, NULL, CASES[at].minor, currency_find(text_of(CASES[at].currency)));
        CHECK_TEXT(CASES[at].given, text_builder_text(&out), CASES[at].then);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_currency_find__table),
        cmocka_unit_test(test_currency_find__exponents),
        cmocka_unit_test(test_decimal_parse__grammar),
        cmocka_unit_test(test_decimal_to_minor__currencies),
        cmocka_unit_test(test_decimal_to_minor_down__limits),
        cmocka_unit_test(test_money_format__exponents),
        cmocka_unit_test(test_money_add__overflow),
        cmocka_unit_test(test_json_write_money__forms),
    };
    return cmocka_run_group_tests_name("domain/money", tests, NULL, NULL);
}
