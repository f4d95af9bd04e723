#include "check.h"

#include "base/arena.h"

static void test_text_to_i64__bounds(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *input;
        bool accepted;
        int64_t then;
    } CASES[] = {
        {"nothing", "", false, 0},
        {"zero", "0", true, 0},
        {"leading zeros", "007", true, 7},
        {"a sign", "-1", false, 0},
        {"a plus", "+1", false, 0},
        {"a blank", " 1", false, 0},
        {"the largest", "9223372036854775807", true, INT64_MAX},
        {"one more than the largest", "9223372036854775808", false, 0},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        int64_t got = 0;
        CHECK_EQ(CASES[at].given, text_to_i64(text_of(CASES[at].input), &got), CASES[at].accepted);
        CHECK_EQ(CASES[at].given, got, CASES[at].then);
    }
}

static void test_text_cut__pieces(void **state)
{
    (void)state;
    struct text rest = TEXT("a,,b");
    CHECK_TEXT("the first piece", text_cut(&rest, ','), "a");
    CHECK_TEXT("an empty piece", text_cut(&rest, ','), "");
    CHECK_TEXT("the last piece", text_cut(&rest, ','), "b");
    CHECK("after the last piece", text_is_none(rest));
}

static void test_text_builder__grows(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1024 * 1024);
    struct text_builder b;
    text_builder_init(&b, arena, 1);
    for (int at = 0; at < 1000; at++)
        text_builder_add_format(&b, "%d,", at % 10);
    CHECK_EQ("1000 pieces of two bytes", text_builder_text(&b).size, 2000);
    CHECK("the pieces in order", text_starts_with(text_builder_text(&b), "0,1,2,3,"));
    arena_free(arena);
}

static void test_text__starts_and_ends(void **state)
{
    (void)state;
    CHECK("the start", text_starts_with(TEXT("abc"), "ab"));
    CHECK("not the start", !text_starts_with(TEXT("abc"), "bc"));
    CHECK("longer than it", !text_starts_with(TEXT("ab"), "abc"));
    CHECK("the end", text_ends_with(TEXT("abc"), "bc"));
    CHECK("all of it", text_ends_with(TEXT("abc"), "abc"));
    CHECK("not the end", !text_ends_with(TEXT("abc"), "ab"));
    CHECK("longer than it", !text_ends_with(TEXT("bc"), "abc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_to_i64__bounds),
        cmocka_unit_test(test_text_cut__pieces),
        cmocka_unit_test(test_text_builder__grows),
        cmocka_unit_test(test_text__starts_and_ends),
    };
    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
