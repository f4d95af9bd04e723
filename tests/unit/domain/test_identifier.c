#include "check.h"

#include "domain/identifier.h"

static void test_identifier_check__forms(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        struct text input;
        enum identifier_result then;
    } CASES[] = {
        {"a name", TEXT("tx-12345"), IDENTIFIER_OK},
        {"a blank", TEXT(" "), IDENTIFIER_OK},
        {"other scripts", TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), IDENTIFIER_OK},
        {"the first after C1", TEXT("\xc2\xa0"), IDENTIFIER_OK},
        {"nothing", TEXT(""), IDENTIFIER_EMPTY},
        {"none", TEXT_NONE, IDENTIFIER_EMPTY},
        {"a line end", TEXT("a\n"), IDENTIFIER_UNPRINTABLE},
        {"NUL", TEXT("a\0"), IDENTIFIER_UNPRINTABLE},
        {"DEL", TEXT("a\x7f"), IDENTIFIER_UNPRINTABLE},
        {"the first of C1", TEXT("\xc2\x80"), IDENTIFIER_UNPRINTABLE},
        {"the last of C1", TEXT("\xc2\x9f"), IDENTIFIER_UNPRINTABLE},
        {"no UTF-8", TEXT("a\xff"), IDENTIFIER_UNPRINTABLE},
        {"a cut character", TEXT("a\xe2\x82"), IDENTIFIER_UNPRINTABLE},
    };
    for (size_t at = 0; at < COUNT(CASES); at++)
        CHECK_EQ(CASES[at].given, identifier_check(CASES[at].input), CASES[at].then);
}

static void test_identifier_check__length(void **state)
{
    (void)state;
    char characters[2 * (IDENTIFIER_CHARACTERS_MAX + 1)];
    for (size_t at = 0; at < sizeof characters; at += 2)
        memcpy(characters + at, "\xc3\xa9", 2);
    const size_t size_max = 2 * IDENTIFIER_CHARACTERS_MAX;
    CHECK_EQ("one below", identifier_check((struct text){characters, size_max - 2}), IDENTIFIER_OK);
    CHECK_EQ("the longest", identifier_check((struct text){characters, size_max}), IDENTIFIER_OK);
    CHECK_EQ("one more", identifier_check((struct text){characters, size_max + 2}),
             IDENTIFIER_TOO_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identifier_check__forms),
        cmocka_unit_test(test_identifier_check__length),
    };
    return cmocka_run_group_tests_name("domain/identifier", tests, NULL, NULL);
}
