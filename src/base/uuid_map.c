#include "base/uuid_map.h"

#include "base/arena.h"

struct slot {
    bool used;
    struct uuid key;
    void *value;
};

struct uuid_map {
    struct arena *arena;
    size_t mask; /* slots - 1; slots are a power of two, at least twice what is used */
    size_t used;
    struct slot *slots;
};

struct uuid_map *uuid_map_new(struct arena *arena, size_t count_expected)
{
    size_t slots = 8;
    while (slots < count_expected * 2)
        slots *= 2;
    struct uuid_map *map = ARENA_NEW(arena, struct uuid_map);
    map->arena = arena;
    map->mask = slots - 1;
    map->slots = ARENA_NEW_ARRAY(arena, struct slot, slots);
    return map;
}

/* The last bytes of a version 7 id are random, those of a digest anyway; an id's last six bits are
 * its lane, so the bytes before them are taken. */
static struct slot *slot_of(const struct uuid_map *map, const struct uuid *key)
{
    uint64_t hash;
    memcpy(&hash, key->bytes + 7, sizeof hash);
    hash *= 0x9e3779b97f4a7c15u; /* spreads low entropy (2^64 divided by the golden ratio) */
    size_t at = (size_t)(hash >> 32) & map->mask;
    while (map->slots[at].used && !uuid_equals(&map->slots[at].key, key))
        at = (at + 1) & map->mask;
    return &map->slots[at];
}

static void grow(struct uuid_map *map)
{
    const struct uuid_map old = *map;
    map->mask = old.mask * 2 + 1;
    map->slots = ARENA_NEW_ARRAY(map->arena, struct slot, map->mask + 1);
    for (size_t at = 0; at <= old.mask; at++)
        if (old.slots[at].used)
            *slot_of(map, &old.slots[at].key) = old.slots[at];
}

void **uuid_map_at(struct uuid_map *map, const struct uuid *key)
{
    struct slot *slot = slot_of(map, key);
    if (!slot->used && map->used * 2 > map->mask) {
        grow(map);
        slot = slot_of(map, key);
    }
    if (!slot->used) {
        slot->used = true;
        slot->key = *key;
        map->used++;
    }
    return &slot->value;
}

void *uuid_map_find(const struct uuid_map *map, const struct uuid *key)
{
    return slot_of(map, key)->value;
}
