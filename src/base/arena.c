#include "base/arena.h"

#include "base/assert.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* To AddressSanitizer a block is one piece of memory. It is told what of it is given out, so that
 * it sees who reads past the end of a piece, or after a reset. Elsewhere nothing of this is left.
 */
#if defined(__SANITIZE_ADDRESS__)
#define KNOWS_PIECES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KNOWS_PIECES 1
#endif
#endif
#ifdef KNOWS_PIECES
#include <sanitizer/asan_interface.h>
enum { GAP_SIZE = alignof(max_align_t) }; /* between two pieces */
#else
#define ASAN_POISON_MEMORY_REGION(data, size)   ((void)(data), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(data, size) ((void)(data), (void)(size))
enum { GAP_SIZE = 0 };
#endif

static const size_t BLOCK_SIZE_FIRST = 256 * 1024;

/* A reset keeps one block of up to so many times the first one's size: fresh memory costs a page
 * fault for each 4 KiB, so a worker whose batches are large must not give theirs back each time. */
enum { KEPT_PER_FIRST = 16 };

struct block {
    struct block *next; /* the block that was full before this one */
    size_t size;        /* bytes in data */
    size_t used;
    alignas(max_align_t) char data[];
};

struct arena {
    struct block *newest; /* the largest, too: each is larger than the one before */
    size_t size_kept_max;
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
    ASAN_POISON_MEMORY_REGION(block->data, size);
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
    *arena = (struct arena){.newest = block_new(size_first),
                            .size_kept_max = size_first * KEPT_PER_FIRST,
                            .size_max = size_max,
                            .size_total = size_first};
    return arena;
}

static void free_blocks(struct block *block)
{
    while (block != NULL) {
        struct block *older = block->next;
        free(block);
        block = older;
    }
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    free_blocks(arena->newest);
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t step = alignof(max_align_t);
    ASSERT(size <= arena->size_max);
    const size_t rounded = (size + step - 1) / step * step + GAP_SIZE;
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
    ASAN_UNPOISON_MEMORY_REGION(piece, size);
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
    struct block *kept = arena->newest;
    while (kept->next != NULL && kept->size > arena->size_kept_max) {
        struct block *older = kept->next;
        free(kept);
        kept = older;
    }
    free_blocks(kept->next);
    kept->next = NULL;
    kept->used = 0;
    ASAN_POISON_MEMORY_REGION(kept->data, kept->size);
    arena->newest = kept;
    arena->size_total = kept->size;
}
