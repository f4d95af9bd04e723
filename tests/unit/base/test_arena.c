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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_reset__keeps_what_batches_need),
        cmocka_unit_test(test_arena_reset__gives_back),
        cmocka_unit_test(test_arena_alloc__aligned_and_apart),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
