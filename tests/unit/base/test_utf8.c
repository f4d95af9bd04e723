#include "check.h"

#include "base/utf8.h"

/* Every code point is accepted in its one form, but for the surrogates. */
static void test_utf8_character_size__every_code_point(void **state)
{
    (void)state;
    for (unsigned point = 0x80; point <= 0x110000; point++) {
        char bytes[4];
        size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        for (size_t at = size - 1; at > 0; at--)
            bytes[at] = (char)(0x80 | (point >> (6 * (size - 1 - at)) & 0x3f));
        static const unsigned LEADS[] = {0, 0, 0xc0, 0xe0, 0xf0};
        bytes[0] = (char)(LEADS[size] | point >> (6 * (size - 1)));
        const bool well_formed = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
        CHECK_EQ("a code point", utf8_character_size((struct text){bytes, size}),
                 well_formed ? size : 0);
        CHECK_EQ("a cut one", utf8_character_size((struct text){bytes, size - 1}), 0);
    }
}

static void test_utf8_is_valid__forms(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        struct text input;
        bool then;
    } CASES[] = {
        {"nothing", TEXT(""), true},
        {"ASCII", TEXT("a\0z"), true},
        {"two, three and four bytes", TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!"), true},
        {"an overlong slash in two", TEXT("\xc0\xaf"), false},
        {"an overlong slash in three", TEXT("\xe0\x80\xaf"), false},
        {"an overlong slash in four", TEXT("\xf0\x80\x80\xaf"), false},
        {"a continuation alone", TEXT("\x80"), false},
        {"five bytes", TEXT("\xf8\x88\x80\x80\x80"), false},
        {"a broken third byte", TEXT("\xe2\x82\x28"), false},
    };
    for (size_t at = 0; at < COUNT(CASES); at++)
        CHECK_EQ(CASES[at].given, utf8_is_valid(CASES[at].input), CASES[at].then);
}

static void test_utf8_clip__between_characters(void **state)
{
    (void)state;
    CHECK_TEXT("what fits", utf8_clip(TEXT("abc"), 3), "abc");
    CHECK_TEXT("ASCII", utf8_clip(TEXT("abcd"), 3), "abc");
    CHECK_TEXT("a character over the end", utf8_clip(TEXT("ab\xe2\x82\xac"), 4), "ab");
    CHECK_TEXT("a character at the end", utf8_clip(TEXT("ab\xe2\x82\xac!"), 5), "ab\xe2\x82\xac");
}

static void test_utf8_write__every_size(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        unsigned character;
        const char *then;
    } CASES[] = {
        {"the last of one byte", 0x7f, "\x7f"},
        {"the first of two", 0x80, "\xc2\x80"},
        {"the last of two", 0x7ff, "\xdf\xbf"},
        {"the first of three", 0x800, "\xe0\xa0\x80"},
        {"the last of three", 0xffff, "\xef\xbf\xbf"},
        {"the first of four", 0x10000, "\xf0\x90\x80\x80"},
        {"the last of all", 0x10ffff, "\xf4\x8f\xbf\xbf"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        char bytes[UTF8_SIZE_MAX];
        const size_t size = utf8_write(CASES[at].character, bytes);
        CHECK_TEXT(CASES[at].given, ((struct text){bytes, size}), CASES[at].then);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_character_size__every_code_point),
        cmocka_unit_test(test_utf8_is_valid__forms),
        cmocka_unit_test(test_utf8_clip__between_characters),
        cmocka_unit_test(test_utf8_write__every_size),
    };
    return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
