#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>

static const size_t ARENA_SIZE_MAX = 64 * 1024 * 1024;

void oracle_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "oracle failed: %s:%d: %s\n", file, line, condition);
    abort();
}

struct arena *fuzz_arena(void)
{
    static struct arena *arena;
    if (arena == NULL)
        arena = arena_new(ARENA_SIZE_MAX);
    arena_reset(arena);
    return arena;
}

struct text fuzz_text(const uint8_t *data, size_t size)
{
    return (struct text){size == 0 ? "" : (const char *)data, size};
}

char fuzz_take_byte(struct text *input)
{
    if (input->size == 0)
        return 0;
    const char first = input->data[0];
    *input = text_skip(*input, 1);
    return first;
}

static int lie;

/* Before any target changes the environment. */
__attribute__((constructor)) static void read_lie(void)
{
    int64_t number = 0;
    if (text_to_i64(text_of(getenv("FUZZ_LIE")), &number))
        lie = (int)number;
}

int fuzz_lie(void)
{
    return lie;
}
