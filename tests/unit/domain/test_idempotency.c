#include "check.h"

#include "base/arena.h"
#include "domain/idempotency.h"

static void test_idempotency_key_parse__forms(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        struct text header;
        enum problem_code then;
        const char *key;
    } CASES[] = {
        {"no header", TEXT_NONE, PROBLEM_IDEMPOTENCY_KEY_MISSING, ""},
        {"an empty header", TEXT(""), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"blanks", TEXT("  "), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"a token", TEXT("abc"), PROBLEM_NONE, "abc"},
        {"a string", TEXT("\"abc\""), PROBLEM_NONE, "abc"},
        {"blanks around", TEXT(" \tabc "), PROBLEM_NONE, "abc"},
        {"blanks around a string", TEXT(" \"abc\"\t"), PROBLEM_NONE, "abc"},
        {"a uuid", TEXT("5f0e3a52-0c1d-4e6f-8a7b-1234567890ab"), PROBLEM_NONE,
         "5f0e3a52-0c1d-4e6f-8a7b-1234567890ab"},
        {"the edges of the range", TEXT("!~"), PROBLEM_NONE, "!~"},
        {"an escaped quote", TEXT("\"a\\\"b\""), PROBLEM_NONE, "a\"b"},
        {"the same as a token", TEXT("a\"b"), PROBLEM_NONE, "a\"b"},
        {"an escaped backslash", TEXT("\"a\\\\b\""), PROBLEM_NONE, "a\\b"},
        {"another escape", TEXT("\"a\\nb\""), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"an escape at the end", TEXT("\"a\\"), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"an escaped closing quote", TEXT("\"a\\\""), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"an empty string", TEXT("\"\""), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"one quote", TEXT("\""), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"no closing quote", TEXT("\"abc"), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"something behind the string", TEXT("\"abc\";a=1"), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"two strings", TEXT("\"abc\"\"d\""), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"a blank inside", TEXT("a b"), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"a blank inside a string", TEXT("\"a b\""), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"a control character", TEXT("a\x1f"), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"DEL", TEXT("a\x7f"), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"NUL", TEXT("a\0b"), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
        {"a letter beyond ASCII", TEXT("\xc3\xa9"), PROBLEM_IDEMPOTENCY_KEY_INVALID, ""},
    };
    struct arena *const arena = arena_new(64 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text key = TEXT("");
        CHECK_EQ(CASES[at].given, idempotency_key_parse(arena, CASES[at].header, &key),
                 CASES[at].then);
        CHECK_TEXT(CASES[at].given, key, CASES[at].key);
    }
    arena_free(arena);
}

static void test_idempotency_key_parse__length(void **state)
{
    (void)state;
    struct arena *const arena = arena_new(64 * 1024);
    char header[600];
    struct text key;
    memset(header, 'k', sizeof header);
    CHECK_EQ("the longest", idempotency_key_parse(arena, (struct text){header, 255}, &key),
             PROBLEM_NONE);
    CHECK_EQ("one more", idempotency_key_parse(arena, (struct text){header, 256}, &key),
             PROBLEM_IDEMPOTENCY_KEY_INVALID);
    /* 255 escaped quotes: the size counts after unquoting. */
    header[0] = '"';
    for (int at = 0; at < 256; at++)
        memcpy(header + 1 + 2 * at, "\\\"", 2);
    header[1 + 2 * 255] = '"';
    CHECK_EQ("the longest in escapes",
             idempotency_key_parse(arena, (struct text){header, 2 + 2 * 255}, &key), PROBLEM_NONE);
    CHECK_EQ("the longest in escapes", key.size, 255);
    memcpy(header + 1 + 2 * 255, "\\\"\"", 3);
    CHECK_EQ("one more in escapes",
             idempotency_key_parse(arena, (struct text){header, 2 + 2 * 256}, &key),
             PROBLEM_IDEMPOTENCY_KEY_INVALID);
    arena_free(arena);
}

static void test_idempotency_lookup__every_part_counts(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        struct idempotency_use use;
    } CASES[] = {
#define USE(tenant, principal, method, route, key)                                                 \
    {{tenant, sizeof tenant - 1},                                                                  \
     {principal, sizeof principal - 1},                                                            \
     {method, sizeof method - 1},                                                                  \
     {route, sizeof route - 1},                                                                    \
     {key, sizeof key - 1}}
        {"a use", USE("default", "anonymous", "POST", "/v1/authorizations", "k")},
        {"another tenant", USE("other", "anonymous", "POST", "/v1/authorizations", "k")},
        {"another principal", USE("default", "key-1", "POST", "/v1/authorizations", "k")},
        {"another method", USE("default", "anonymous", "PUT", "/v1/authorizations", "k")},
        {"another route", USE("default", "anonymous", "POST", "/v1/authorizations/batch", "k")},
        {"another key", USE("default", "anonymous", "POST", "/v1/authorizations", "K")},
        {"parts cut elsewhere", USE("defaulta", "nonymous", "POST", "/v1/authorizations", "k")},
    };
    for (size_t a = 0; a < COUNT(CASES); a++) {
        const struct sha256 one = idempotency_lookup(&CASES[a].use);
        for (size_t b = 0; b < COUNT(CASES); b++) {
            const struct sha256 other = idempotency_lookup(&CASES[b].use);
            CHECK_EQ(CASES[b].given, sha256_equals(&one, &other), a == b);
        }
    }
}

static void test_idempotency_item_lookup__by_index(void **state)
{
    (void)state;
    const struct sha256 header = sha256_of(TEXT("a header's key"));
    const struct sha256 other = sha256_of(TEXT("another"));
    const struct sha256 first = idempotency_item_lookup(&header, 0);
    const struct sha256 again = idempotency_item_lookup(&header, 0);
    const struct sha256 second = idempotency_item_lookup(&header, 1);
    const struct sha256 others = idempotency_item_lookup(&other, 0);
    CHECK("the same item", sha256_equals(&first, &again));
    CHECK("the header itself", !sha256_equals(&first, &header));
    CHECK("the next item", !sha256_equals(&first, &second));
    CHECK("an item of another batch", !sha256_equals(&first, &others));
}

/* Golden: stored digests must still match after an upgrade. */
static void test_idempotency__golden(void **state)
{
    (void)state;
    struct arena *const arena = arena_new(4096);
    const struct idempotency_use use = {TEXT("default"), TEXT("anonymous"), TEXT("POST"),
                                        TEXT("/v1/authorizations"), TEXT("abc")};
    const struct sha256 lookup = idempotency_lookup(&use);
    CHECK_TEXT("a lookup", sha256_to_hex(arena, &lookup),
               "e3272d397f6c99f5660157beab150b447fe2697167c7cb02769d5e5be3fea653");
    const struct sha256 item = idempotency_item_lookup(&lookup, 258);
    CHECK_TEXT("an item", sha256_to_hex(arena, &item),
               "b4b0e298366b2005125759bb733dfdfbfee78ccfc72410ebcee9c940f819d4d9");
    const struct sha256 fingerprint = idempotency_fingerprint(
        TEXT("POST"), TEXT("/v1/authorizations"), TEXT("{\"amount\":99.99}"));
    CHECK_TEXT("a fingerprint", sha256_to_hex(arena, &fingerprint),
               "0290bf64fd662b72e1653842cd11a5fe671002461f3442b7c8358f17b5d685aa");
    arena_free(arena);
}

/* Any two moments that are less than a minute apart have a day in common. */
static void test_idempotency_days(void **state)
{
    (void)state;
    const int64_t second_us = 1000000;
    const int64_t day_us = 86400 * second_us;
    const int64_t today_us = 20000 * day_us;
    const struct {
        const char *given;
        int64_t into_day_us;
        size_t count;
        int64_t first_us;
    } CASES[] = {
        {"midnight", 0, 2, today_us - day_us},
        {"the last moment of the first minute", 60 * second_us - 1, 2, today_us - day_us},
        {"a minute after midnight", 60 * second_us, 1, today_us},
        {"noon", day_us / 2, 1, today_us},
        {"a moment more than a minute before midnight", day_us - 60 * second_us - 1, 1, today_us},
        {"a minute before midnight", day_us - 60 * second_us, 2, today_us},
        {"the last moment of the day", day_us - 1, 2, today_us},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        int64_t days_us[2] = {0, 0};
        CHECK_EQ(CASES[at].given, idempotency_days(today_us + CASES[at].into_day_us, days_us),
                 CASES[at].count);
        CHECK_EQ(CASES[at].given, days_us[0], CASES[at].first_us);
        CHECK_EQ(CASES[at].given, days_us[1],
                 CASES[at].count == 1 ? 0 : CASES[at].first_us + day_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idempotency_key_parse__forms),
        cmocka_unit_test(test_idempotency_key_parse__length),
        cmocka_unit_test(test_idempotency_lookup__every_part_counts),
        cmocka_unit_test(test_idempotency_item_lookup__by_index),
        cmocka_unit_test(test_idempotency__golden),
        cmocka_unit_test(test_idempotency_days),
    };
    return cmocka_run_group_tests_name("domain/idempotency", tests, NULL, NULL);
}
