/* base/arena.h - memory that is given out piece by piece and taken back all at once.
 *
 * Purpose:   the bytes of one batch. A worker owns one arena, passes it on explicitly and resets
 *            it when the batch has been answered; nobody frees single pieces.
 * Units:     sizes in bytes.
 * Ownership: the arena owns every piece; arena_free and arena_reset end them all.
 * Errors:    passing `size_max` aborts: the bound is set so that the largest batch fits (what a
 *            client sends is bounded before it gets here), so reaching it is a bug.
 * Threads:   an arena belongs to one thread at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(size_t size_max);
/* `size_first`: the block that is kept over resets, for arenas that there are many of. */
struct arena *arena_new_sized(size_t size_first, size_t size_max);
void arena_free(struct arena *arena); /* accepts NULL */

/* Aligned for any type, not zeroed. A size of 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);
/* `count` objects of `size` bytes, zeroed; an overflowing product aborts. */
void *arena_alloc_zero(struct arena *arena, size_t count, size_t size);
/* All pieces end. Keeps one block, of up to sixteen times the first one's size, and gives the rest
 * back: batches of the usual size cost no fresh memory, a huge one does not keep its for ever. */
void arena_reset(struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc_zero((arena), 1, sizeof(type)))
#define ARENA_NEW_ARRAY(arena, type, count)                                                        \
    ((type *)arena_alloc_zero((arena), (count), sizeof(type)))

#endif
