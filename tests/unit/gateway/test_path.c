#include "check.h"

#include "base/arena.h"
#include "gateway/path.h"

static struct arena *arena;

static void test_path_matches__templates(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *template;
        const char *path;
        bool matches;
        const char *variable; /* NULL: none */
    } CASES[] = {
        {"a plain path", "/livez", "/livez", true, NULL},
        {"another", "/livez", "/readyz", false, NULL},
        {"the beginning of one", "/livez", "/live", false, NULL},
        {"more than one", "/livez", "/livezz", false, NULL},
        {"a slash at the end", "/livez", "/livez/", false, NULL},
        {"two slashes", "/livez", "//livez", false, NULL},
        {"another case", "/livez", "/LIVEZ", false, NULL},
        {"a variable", "/v1/accounts/{id}", "/v1/accounts/u-1", true, "u-1"},
        {"a variable that is encoded", "/v1/accounts/{id}", "/v1/accounts/a%2Fb", true, "a%2Fb"},
        {"an empty variable", "/v1/accounts/{id}", "/v1/accounts/", false, NULL},
        {"no variable", "/v1/accounts/{id}", "/v1/accounts", false, NULL},
        {"a variable in the middle", "/a/{id}/b", "/a/x/b", true, "x"},
        {"another end", "/a/{id}/b", "/a/x/c", false, NULL},
        {"an end too many", "/a/{id}/b", "/a/x/b/c", false, NULL},
        {"nothing", "/livez", "", false, NULL},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text variable = TEXT_NONE;
        const bool got = path_matches(CASES[at].template, text_of(CASES[at].path), &variable);
        CHECK_EQ(CASES[at].given, got, CASES[at].matches);
        CHECK(CASES[at].given, text_equals(variable, text_of(CASES[at].variable)));
    }
}

static void test_path_decode__escapes(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *encoded;
        const char *then; /* NULL: refused */
    } CASES[] = {
        {"nothing to decode", "user-6789", "user-6789"},
        {"a slash and a blank", "a%2Fb%20c", "a/b c"},
        {"small hex digits", "a%2fb", "a/b"},
        {"a plus", "a+b", "a+b"},
        {"two bytes of UTF-8", "%C3%A4", "\xc3\xa4"},
        {"half a character", "%C3", NULL},
        {"no UTF-8", "%FF", NULL},
        {"NUL", "a%00b", NULL},
        {"no hex", "%zz", NULL},
        {"half an escape", "a%2", NULL},
        {"a lone percent sign", "a%", NULL},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text got = TEXT_NONE;
        const bool is_good = path_decode(arena, text_of(CASES[at].encoded), &got);
        CHECK_EQ(CASES[at].given, is_good, CASES[at].then != NULL);
        CHECK(CASES[at].given, text_equals(got, text_of(CASES[at].then)));
    }
}

static void test_path_encode__round_trip(void **state)
{
    (void)state;
    char every[255];
    for (size_t at = 0; at < sizeof every; at++)
        every[at] = (char)(at + 1);
    const struct text ascii = {every, 127};
    struct text back = TEXT_NONE;
    CHECK("every character", path_decode(arena, path_encode(arena, ascii), &back));
    CHECK("every character", text_equals(back, ascii));
    CHECK_TEXT("reserved ones", path_encode(arena, TEXT("a/b?c&d=e#f+g%h\xc3\xa4")),
               "a%2Fb%3Fc%26d%3De%23f%2Bg%25h%C3%A4");
    CHECK_TEXT("unreserved ones", path_encode(arena, TEXT("aZ09-._~")), "aZ09-._~");
}

static void test_url_join__slashes(void **state)
{
    (void)state;
    CHECK_TEXT("no slash", text_of(url_join(arena, "http://a:1", "/b")), "http://a:1/b");
    CHECK_TEXT("a slash", text_of(url_join(arena, "http://a:1/", "/b")), "http://a:1/b");
}

int main(void)
{
    arena = arena_new(1024 * 1024);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_matches__templates),
        cmocka_unit_test(test_path_decode__escapes),
        cmocka_unit_test(test_path_encode__round_trip),
        cmocka_unit_test(test_url_join__slashes),
    };
    const int failed = cmocka_run_group_tests_name("gateway/path", tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
