#include "check.h"

#include "base/arena.h"
#include "base/uuid_map.h"

enum { KEYS = 1000 };

/* Keys as they come: by time, or so alike that they all want one place. */
static struct uuid key_of(char kind, size_t number)
{
    struct uuid key = {{0}};
    if (kind == 't')
        return uuid_make_v7();
    const size_t first = kind == 'f' ? 0 : 14; /* the map looks at the bytes from 7 to 14 */
    key.bytes[first] = (uint8_t)(number >> 8);
    key.bytes[first + 1] = (uint8_t)number;
    return key;
}

static void test_uuid_map__finds_what_was_put(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        char kind;
        size_t expected;
    } CASES[] = {
        {"ids by time", 't', KEYS},
        {"more ids than were expected", 't', 1},
        {"ids that differ in their first bytes alone", 'f', KEYS},
        {"ids that differ in their last bytes alone", 'l', KEYS},
    };
    struct arena *arena = arena_new(4 * 1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct uuid_map *map = uuid_map_new(arena, CASES[at].expected);
        struct uuid *keys = ARENA_NEW_ARRAY(arena, struct uuid, KEYS);
        for (size_t number = 0; number < KEYS; number++) {
            keys[number] = key_of(CASES[at].kind, number);
            CHECK(CASES[at].given, uuid_map_find(map, &keys[number]) == NULL);
            void **place = uuid_map_at(map, &keys[number]);
            CHECK(CASES[at].given, *place == NULL);
            *place = &keys[number];
        }
        for (size_t number = 0; number < KEYS; number++)
            CHECK(CASES[at].given, uuid_map_find(map, &keys[number]) == &keys[number]);
    }
    arena_free(arena);
}

static void test_uuid_map_at__the_same_place_again(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 * 1024);
    struct uuid_map *map = uuid_map_new(arena, 2);
    const struct uuid key = uuid_make_v7();
    int first = 1, second = 2;
    *uuid_map_at(map, &key) = &first;
    CHECK("a key that is there", *uuid_map_at(map, &key) == &first);
    *uuid_map_at(map, &key) = &second;
    CHECK("a value that was replaced", uuid_map_find(map, &key) == &second);
    arena_free(arena);
}

static void test_uuid_map__empty(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 * 1024);
    const struct uuid_map *map = uuid_map_new(arena, 0);
    const struct uuid nil = {{0}};
    const struct uuid key = uuid_make_v7();
    CHECK("nothing was put", uuid_map_find(map, &key) == NULL);
    CHECK("nor under the nil id", uuid_map_find(map, &nil) == NULL);
    arena_free(arena);
}

/* The nil id is a key like any other. */
static void test_uuid_map__nil(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 * 1024);
    struct uuid_map *map = uuid_map_new(arena, 4);
    const struct uuid nil = {{0}};
    int value = 1;
    *uuid_map_at(map, &nil) = &value;
    CHECK("the nil id", uuid_map_find(map, &nil) == &value);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuid_map__finds_what_was_put),
        cmocka_unit_test(test_uuid_map_at__the_same_place_again),
        cmocka_unit_test(test_uuid_map__empty),
        cmocka_unit_test(test_uuid_map__nil),
    };
    return cmocka_run_group_tests_name("base/uuid_map", tests, NULL, NULL);
}
