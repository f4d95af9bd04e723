#include "moody_room.h"

#include "platform/messaging/inbox.h"

#include <pthread.h>
#include <stdio.h>

/* The room's memory: what it has applied, in order, and how it feels about some sequence. */
static struct {
    pthread_mutex_t mutex;
    enum mood mood;
    int64_t moody_about; /* messages of this sequence */
    int moods_left;      /* then it applies them, too */
    int64_t applied[1000];
    size_t applied_count;
    int calls;
} room = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool is_moody_about(const struct delivery *delivery, enum mood mood)
{
    return room.mood == mood && delivery->message.sequence == room.moody_about &&
           room.moods_left > 0;
}

static void decide(struct delivery *const *deliveries, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        struct delivery *delivery = deliveries[at];
        if (delivery->outcome != DELIVERY_APPLIED)
            continue;
        if (is_moody_about(delivery, MOOD_PARK)) {
            room.moods_left--;
            delivery_refuse(delivery, DELIVERY_PARK, CAUSE_AUTHORIZATION_UNKNOWN, "not now");
        } else if (is_moody_about(delivery, MOOD_BURY)) {
            delivery_refuse(delivery, DELIVERY_DEAD, CAUSE_PAYLOAD_INVALID, "never");
        }
    }
}

static enum status break_down(struct delivery *const *deliveries, size_t count, struct db *db,
                              struct error *err)
{
    for (size_t at = 0; at < count; at++)
        if (is_moody_about(deliveries[at], MOOD_BREAK)) {
            db_rollback(db);
            return error_set(err, ERR_BROKEN, "a poison message");
        }
    return OK;
}

static void remember(struct delivery *const *deliveries, size_t count)
{
    for (size_t at = 0; at < count; at++)
        if (deliveries[at]->outcome == DELIVERY_APPLIED)
            room.applied[room.applied_count++] = deliveries[at]->message.sequence;
}

static enum status apply_alone(const struct delivery_batch *batch, struct error *err)
{
    struct db *db = batch->db;
    struct delivery *const *deliveries = batch->deliveries;
    const size_t count = batch->count;
    room.calls++;
    db_send_begin(db);
    inbox_send_claims(db, batch->arena, "ledger", deliveries, count);
    TRY(db_run(db, err));
    inbox_read_claims(db_rows(db, 1), deliveries, count);
    decide(deliveries, count);
    TRY(break_down(deliveries, count, db, err));
    TRY(delivery_leave_out(deliveries, count, db, err));
    db_send_commit(db);
    TRY(db_run(db, err));
    remember(deliveries, count);
    return OK;
}

static enum status apply(void *context, const struct delivery_batch *batch, struct error *err)
{
    (void)context;
    pthread_mutex_lock(&room.mutex);
    const enum status status = apply_alone(batch, err);
    pthread_mutex_unlock(&room.mutex);
    return status;
}

void moody_room_set(enum mood mood, int64_t moody_about, int moods)
{
    pthread_mutex_lock(&room.mutex);
    room.mood = mood;
    room.moody_about = moody_about;
    room.moods_left = moods;
    pthread_mutex_unlock(&room.mutex);
}

int moody_room_calls(void)
{
    return room.calls;
}

int64_t moody_room_applied_count(void)
{
    return (int64_t)room.applied_count;
}

struct consumer *start_consumer_that(const char *on_poison, int attempts_max)
{
    const struct consumer_config config = {
        .settings = {on_poison, attempts_max, 20},
        .bus = store_bus("tallystick_ledger"),
        .db = store_db("tallystick_ledger", "ledger"),
        .group = "ledger",
        .topics = {TOPIC},
        .threads = 2,
        .batch_max = 100,
        .arena_size_max = 16 * 1024 * 1024,
        .apply = apply,
    };
    struct consumer *consumer = NULL;
    struct error err;
    assert_int_equal(consumer_start(&config, &consumer, &err), OK);
    return consumer;
}

struct consumer *start_consumer(int attempts_max)
{
    return start_consumer_that("park_key", attempts_max);
}

int before_each(void **state)
{
    (void)state;
    store_clean();
    room.mood = MOOD_APPLY;
    room.applied_count = 0;
    room.calls = 0;
    return 0;
}

void publish_sequence(int count)
{
    struct message messages[64];
    ASSERT(count <= 32);
    for (int at = 0; at < count; at++) {
        messages[2 * at] = store_message(TOPIC, store_key(1, 5), at + 1);
        messages[2 * at + 1] = store_message(TOPIC, store_key(2, 5), 100 + at + 1);
    }
    store_publish(messages, (size_t)count * 2);
}

const char *applied_of_key(char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    pthread_mutex_lock(&room.mutex);
    for (size_t at = 0; at < room.applied_count; at++)
        if (room.applied[at] <= 100 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%d ", (int)room.applied[at]);
    pthread_mutex_unlock(&room.mutex);
    return out;
}
