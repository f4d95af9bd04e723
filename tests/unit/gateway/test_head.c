#include "check.h"

#include "gateway/head.h"

static void test_head_accepts_json__types(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *type; /* NULL: none was sent */
        const char *body;
        bool then;
    } CASES[] = {
        {"its own type", "application/json", "x", true},
        {"a charset", "application/json; charset=utf-8", "{}", true},
        {"another case", "Application/JSON", "{}", true},
        {"a type made of it", "application/problem+json", "{}", true},
        {"JSON that is no application", "text/x+json", "{}", false},
        {"no type", NULL, "{}", true},
        {"no type and no object", NULL, "x", true},
        {"an empty type", "", "{}", true},
        {"curl -d", "application/x-www-form-urlencoded", "{}", true},
        {"curl -d with blanks", "application/x-www-form-urlencoded", " \r\n\t{", true},
        {"a form", "application/x-www-form-urlencoded", "a=b", false},
        {"an array in a form", "application/x-www-form-urlencoded", "[{}]", false},
        {"an empty form", "application/x-www-form-urlencoded", "", false},
        {"text", "text/plain", "{}", false},
        {"a longer word", "application/jsonp", "{}", false},
    };
    for (size_t at = 0; at < COUNT(CASES); at++)
        CHECK_EQ(CASES[at].given,
                 head_accepts_json(text_of(CASES[at].type), text_of(CASES[at].body)),
                 CASES[at].then);
}

static void test_head_wait_s__preferences(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *prefer;
        int then;
    } CASES[] = {
        {"no header", NULL, 0},
        {"a wait", "wait=5", 5},
        {"blanks around", " wait = 5 ", 5},
        {"another case", "Wait=5", 5},
        {"among others", "respond-async, wait=5, handling=lenient", 5},
        {"with a parameter", "wait=5; foo=bar", 5},
        {"the most", "wait=30", 30},
        {"more than the most", "wait=31", 30},
        {"much more", "wait=99999999999", 30},
        {"none", "wait=0", 0},
        {"no number", "wait=x", 0},
        {"a negative one", "wait=-1", 0},
        {"no value", "wait", 0},
        {"the second of two", "wait=x, wait=7", 7},
        {"another preference", "waiting=5", 0},
    };
    for (size_t at = 0; at < COUNT(CASES); at++)
        CHECK_EQ(CASES[at].given, head_wait_s(text_of(CASES[at].prefer), 30), CASES[at].then);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_accepts_json__types),
        cmocka_unit_test(test_head_wait_s__preferences),
    };
    return cmocka_run_group_tests_name("gateway/head", tests, NULL, NULL);
}
