#include "base/arena.h"

#include "base/assert.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The first block is kept over resets: large enough that an ordinary batch needs no second. */
static const size_t BLOCK_SIZE_FIRST = 256 * 1024;

struct block {
    struct block *next; /* the block that was full before this one */
    size_t size;        /* bytes in data */
    size_t used;
    alignas(max_align_t) char data[];
};

struct arena {
    struct block *newest;
    size_t size_max;
    size_t size_total;
};

static struct block *block_new(size_t size)
{
    struct block *block = malloc(sizeof *block + size);
    ASSERT(block != NULL);
    block->next = NULL;
    block->size = size;
    block->used = 0;
    return block;
}

struct arena *arena_new(size_t size_max)
{
    return arena_new_sized(size_max < BLOCK_SIZE_FIRST ? size_max : BLOCK_SIZE_FIRST, size_max);
}

struct arena *arena_new_sized(size_t size_first, size_t size_max)
{
    ASSERT(size_first > 0 && size_first <= size_max);
    struct arena *arena = malloc(sizeof *arena);
    ASSERT(arena != NULL);
    *arena = (struct arena){
        .newest = block_new(size_first), .size_max = size_max, .size_total = size_first};
    return arena;
}

/* Gives back every block but the oldest. */
static struct block *free_newer(struct arena *arena)
{
    struct block *block = arena->newest;
    while (block->next != NULL) {
        struct block *older = block->next;
        arena->size_total -= block->size;
        free(block);
        block = older;
    }
    return block;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    free(free_newer(arena));
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t step = alignof(max_align_t);
    ASSERT(size <= arena->size_max);
    const size_t rounded = (size + step - 1) / step * step;
    struct block *block = arena->newest;
    if (block->used + rounded > block->size) {
        size_t next_size = block->size * 2;
        if (next_size < rounded)
            next_size = rounded;
        ASSERT(arena->size_total + rounded <= arena->size_max);
        if (arena->size_total + next_size > arena->size_max)
            next_size = arena->size_max - arena->size_total;
        struct block *bigger = block_new(next_size);
        bigger->next = block;
        arena->newest = bigger;
        arena->size_total += next_size;
        block = bigger;
    }
    void *piece = block->data + block->used;
    block->used += rounded;
    return piece;
}

void *arena_alloc_zero(struct arena *arena, size_t count, size_t size)
{
    size_t total = 0;
    ASSERT(!__builtin_mul_overflow(count, size, &total));
    void *piece = arena_alloc(arena, total);
    memset(piece, 0, total);
    return piece;
}

void arena_reset(struct arena *arena)
{
    arena->newest = free_newer(arena);
    arena->newest->used = 0;
}
