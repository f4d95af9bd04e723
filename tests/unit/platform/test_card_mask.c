#include "check.h"

#include "base/assert.h"
#include "platform/log/card_mask.h"

#include <stdio.h>

static void test_card_mask__each(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *text;
        const char *then; /* NULL: nothing to mask */
    } CASES[] = {
        {"nothing", "", NULL},
        {"no digits", "approved", NULL},
        {"twelve digits with a check digit", "411111111115", NULL},
        {"thirteen", "4222222222222", "*********2222"},
        {"thirteen without", "4222222222223", NULL},
        {"fourteen", "30569309025904", "**********5904"},
        {"fifteen", "378282246310005", "***********0005"},
        {"sixteen", "4111111111111111", "************1111"},
        {"sixteen, one digit off", "4111111111111112", NULL},
        {"sixteen, two digits swapped", "5555555555554445", NULL},
        {"nineteen", "6304000000000000000", "***************0000"},
        {"twenty that begin with a card", "41111111111111111111", NULL},
        {"in words", "pan 4111111111111111.", "pan ************1111."},
        {"in groups", "4111 1111 1111 1111", "**** **** **** 1111"},
        {"with hyphens", "4111-1111-1111-1111", "****-****-****-1111"},
        {"groups of another kind", "3782 822463 10005", "**** ****** *0005"},
        {"nineteen in groups", "6304 0000 0000 0000 000", "**** **** **** ***0 000"},
        {"two blanks are no group", "4111  1111  1111  1111", NULL},
        {"short groups", "41 11 11 11 11 11 11 11", NULL},
        {"an amount before it", "100 4111111111111111", "100 ************1111"},
        {"four digits before it", "1000 4111111111111111", "1000 ************1111"},
        {"a group before the groups", "1234 4111 1111 1111 1111", "1234 **** **** **** 1111"},
        {"a code behind it", "4111 1111 1111 1111 123", "**** **** **** 1111 123"},
        {"a date before it", "2026-11-22 4111111111111111", "2026-11-22 ************1111"},
        {"two", "4111111111111111 4222222222222", "************1111 *********2222"},
        {"two with a comma", "4111111111111111,378282246310005",
         "************1111,***********0005"},
        {"within letters", "x4111111111111111y", "x************1111y"},
        {"a uuid", "01903f2e-7c1a-7000-8000-123456789012", NULL},
        {"a moment", "2026-11-22T14:38:25.123456Z", NULL},
        {"UTF-8 around it",
         "\xe2\x82\xac"
         "4111111111111111"
         "\xe2\x82\xac",
         "\xe2\x82\xac"
         "************1111"
         "\xe2\x82\xac"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        char out[64] = "";
        const struct text t = text_of(CASES[at].text);
        const bool is_masked = card_mask(t, out);
        CHECK_EQ(CASES[at].given, is_masked, CASES[at].then != NULL);
        if (is_masked)
            CHECK_TEXT(CASES[at].given, ((struct text){out, t.size}), CASES[at].then);
    }
}

/* Every split of a card number into groups of a card, whatever stands around it. */
static void test_card_mask__around(void **state)
{
    (void)state;
    static const char *const BEFORE[] = {"",     " ",     "-",          "1 ", "12-",
                                         "123 ", "1234 ", "1234 5678 ", "x"};
    static const char *const AFTER[] = {"",     " ",     "-",          " 1", "-12",
                                        " 123", " 1234", " 1234 5678", "x"};
    static const char *const CARDS[] = {"4111111111111111", "4111 1111 1111 1111",
                                        "4111-1111-1111-1111", "3782 822463 10005"};
    for (size_t at = 0; at < COUNT(BEFORE) * COUNT(AFTER) * COUNT(CARDS); at++) {
        const char *const before = BEFORE[at % COUNT(BEFORE)];
        const char *const after = AFTER[at / COUNT(BEFORE) % COUNT(AFTER)];
        const char *const card = CARDS[at / COUNT(BEFORE) / COUNT(AFTER)];
        char text[64], out[64] = "";
        snprintf(text, sizeof text, "%s%s%s", before, card, after);
        CHECK(text, card_mask(text_of(text), out));
        out[strlen(text)] = '\0';
        CHECK(text, strstr(out, card) == NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_card_mask__each),
        cmocka_unit_test(test_card_mask__around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
