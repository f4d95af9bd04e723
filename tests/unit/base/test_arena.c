#include "check.h"

#include "base/arena.h"

/* What a worker does: batch after batch of the same size gets the same memory again. */
static void test_arena_reset__keeps_what_batches_need(void **state)
{
    (void)state;
    enum { FIRST = 4096, BATCH = 10 * FIRST };
    struct arena *arena = arena_new_sized(FIRST, 1024 * 1024);
    arena_alloc(arena, BATCH);
    arena_reset(arena);
    char *once = arena_alloc(arena, BATCH);
    arena_reset(arena);
    char *again = arena_alloc(arena, BATCH);
    CHECK("a second batch of the same size", once == again);
    arena_free(arena);
}

/* Blocks are given back: were they not, the bound would be passed and the program would abort. */
static void test_arena_reset__gives_back(void **state)
{
    (void)state;
    enum { FIRST = 4096, MAX = 1024 * 1024 };
    struct arena *arena = arena_new_sized(FIRST, MAX);
    for (int batch = 0; batch < 100; batch++) {
        char *piece = arena_alloc(arena, MAX / 2);
        memset(piece, batch, MAX / 2);
        arena_reset(arena);
    }
    arena_free(arena);
}

static void test_arena_alloc__aligned_and_apart(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 * 1024);
    char *pieces[16];
    for (size_t at = 0; at < COUNT(pieces); at++) {
        pieces[at] = arena_alloc(arena, at);
        memset(pieces[at], (int)at, at);
        CHECK_EQ("any size", (uintptr_t)pieces[at] % _Alignof(max_align_t), 0);
    }
    for (size_t at = 1; at < COUNT(pieces); at++)
        CHECK_EQ("a neighbour written after it", pieces[at][at - 1], at);
    arena_free(arena);
}

/* AddressSanitizer's; where it is not, nobody watches and there is nothing to see. */
int __asan_address_is_poisoned(void const volatile *address) __attribute__((weak));

static bool is_watched(const char *address)
{
    return __asan_address_is_poisoned == NULL || __asan_address_is_poisoned(address) != 0;
}

static void test_arena__sanitizers_see_its_pieces(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 * 1024);
    char *first = arena_alloc(arena, 5);
    char *second = arena_alloc(arena, 32);
    memset(first, 0, 5);
    memset(second, 0, 32);
    CHECK("past the end of a piece", is_watched(first + 5));
    CHECK("just before another", is_watched(second - 1));
    CHECK("past the last piece", is_watched(second + 32));
    arena_reset(arena);
    CHECK("after a reset", is_watched(first) && is_watched(second + 31));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_reset__keeps_what_batches_need),
        cmocka_unit_test(test_arena_reset__gives_back),
        cmocka_unit_test(test_arena_alloc__aligned_and_apart),
        cmocka_unit_test(test_arena__sanitizers_see_its_pieces),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
