/* base/uuid_map.h - finds things of a batch by a 16-byte key.
 *
 * Purpose:   accounts, transaction ids, idempotency keys of one batch. Keys are ids or digests, so
 *            their own bytes are the hash.
 * Units:     none.
 * Ownership: lives in the arena; nobody frees it.
 * Errors:    none; it grows within its arena.
 * Threads:   a map belongs to one thread. */
#ifndef BASE_UUID_MAP_H
#define BASE_UUID_MAP_H

#include "base/uuid.h"

struct arena;
struct uuid_map;

struct uuid_map *uuid_map_new(struct arena *arena, size_t count_expected);
/* The value's place: holds NULL for a key that is new, and the key is in the map from now on. The
 * place is good until the next call. */
void **uuid_map_at(struct uuid_map *map, const struct uuid *key);
/* The value, or NULL. */
void *uuid_map_find(const struct uuid_map *map, const struct uuid *key);

#endif
