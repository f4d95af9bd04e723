#include "check.h"

#include "base/arena.h"
#include "platform/messaging/delivery.h"

#include <stdio.h>

enum { COUNT_MAX = 4, ARENA_SIZE = 1024 * 1024 };

/* A room by script: what its applies answer, a letter each; then all succeed. */
static struct {
    const char *answers;
    int calls;
    char applied[COUNT_MAX + 1]; /* sequences as digits, in the order they were applied */
} room;

static enum status apply(void *context, const struct delivery_batch *batch, struct error *err)
{
    (void)context;
    const char answer = room.answers[room.calls];
    if (answer != '\0')
        room.calls++;
    if (answer == 'u')
        return error_set(err, ERR_UNKNOWN, "connection lost");
    if (answer == 'b')
        return error_set(err, ERR_BROKEN, "refused");
    for (size_t at = 0; at < batch->count; at++)
        room.applied[strlen(room.applied)] = (char)('0' + batch->deliveries[at]->message.sequence);
    return OK;
}

static enum status apply_all(struct delivery *deliveries, size_t count)
{
    struct delivery *list[COUNT_MAX];
    struct error err;
    const struct db_config nowhere = {.url = ""};
    const struct consumer_config config = {
        .settings = {.on_poison = "park_key"}, .group = "test", .apply = apply};
    const struct delivery_door door = {.config = &config,
                                       .db = db_new(&nowhere),
                                       .arena = arena_new(ARENA_SIZE),
                                       .attempt = arena_new(ARENA_SIZE)};
    for (size_t at = 0; at < count; at++) {
        deliveries[at].message.topic = TEXT("t");
        deliveries[at].message.sequence = (int64_t)at + 1;
        deliveries[at].message.key.bytes[0] = 1;
        list[at] = &deliveries[at];
    }
    memset(room.applied, 0, sizeof room.applied);
    room.calls = 0;
    const enum status status = delivery_apply_all(&door, list, count, &err);
    arena_free(door.arena);
    arena_free(door.attempt);
    db_free(door.db);
    return status;
}

static const struct {
    const char *given, *answers;
    enum status then;
    const char *applied;
    enum delivery_outcome second;
} CASES[] = {
    {"nothing fails", "", OK, "12", DELIVERY_APPLIED},
    {"a COMMIT is lost, then it works", "u", OK, "12", DELIVERY_APPLIED},
    {"the first is refused for good: the second waits behind it", "bb", OK, "", DELIVERY_PARK},
    {"... and whether it was saved is not known: the second is not tried either", "ubb",
     ERR_UNKNOWN, "", DELIVERY_APPLIED},
};

static void test_delivery_apply_all__order(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct delivery deliveries[2] = {0};
        room.answers = CASES[at].answers;
        CHECK_EQ(CASES[at].given, apply_all(deliveries, 2), CASES[at].then);
        assert_string_equal(room.applied, CASES[at].applied);
        CHECK_EQ(CASES[at].given, deliveries[1].outcome, CASES[at].second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivery_apply_all__order),
    };
    return cmocka_run_group_tests_name("platform/delivery", tests, NULL, NULL);
}
