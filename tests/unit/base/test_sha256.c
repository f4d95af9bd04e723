#include "check.h"

#include "base/arena.h"
#include "base/sha256.h"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(64 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct text hex_of(struct sha256 digest)
{
    return sha256_to_hex(arena, &digest);
}

static void test_sha256_of__known(void **state)
{
    (void)state;
    /* From FIPS 180's examples. */
    CHECK_TEXT("nothing", hex_of(sha256_of(TEXT_NONE)),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_TEXT("abc", hex_of(sha256_of(TEXT("abc"))),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_sha256_of_parts__prefixes(void **state)
{
    (void)state;
    const struct text parts[] = {TEXT("ab"), TEXT("c")};
    const struct sha256 got = sha256_of_parts(parts, 2);
    const struct sha256 want = sha256_of(TEXT("\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\1c"));
    CHECK("two parts: sizes in eight bytes, big end first", sha256_equals(&got, &want));
    const struct text moved[] = {TEXT("a"), TEXT("bc")};
    const struct sha256 other = sha256_of_parts(moved, 2);
    CHECK("the same bytes cut elsewhere", !sha256_equals(&got, &other));
    const struct text more[] = {TEXT("ab"), TEXT("c"), TEXT_NONE};
    const struct sha256 longer = sha256_of_parts(more, 3);
    CHECK("an empty part more", !sha256_equals(&got, &longer));
}

static void test_sha256_parse_hex__forms(void **state)
{
    (void)state;
    const struct sha256 digest = sha256_of(TEXT("abc"));
    struct sha256 got;
    const struct text hex = sha256_to_hex(arena, &digest);
    CHECK("its own hex", sha256_parse_hex(hex, &got));
    CHECK("its own hex", sha256_equals(&digest, &got));
    CHECK("a digit too few", !sha256_parse_hex((struct text){hex.data, hex.size - 1}, &got));
    CHECK("nothing", !sha256_parse_hex(TEXT_NONE, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_of__known),
        cmocka_unit_test(test_sha256_of_parts__prefixes),
        cmocka_unit_test(test_sha256_parse_hex__forms),
    };
    return cmocka_run_group_tests_name("base/sha256", tests, set_up, tear_down);
}
