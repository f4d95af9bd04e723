/* Consuming on a real PostgreSQL, in the ledger's schema: the inbox, parked keys, dead letters. */
#include "store.h"

#include "base/arena.h"
#include "platform/messaging/consumer.h"
#include "platform/messaging/inbox.h"
#include "platform/messaging/outbox.h"

#include <pthread.h>
#include <stdio.h>

static const char TOPIC[] = "test.one.v1";

/* What the room of these tests does with a message: it applies it, unless told otherwise. */
enum mood { MOOD_APPLY, MOOD_PARK, MOOD_BURY, MOOD_BREAK };

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
            delivery_refuse(delivery, DELIVERY_PARK, "business", "not now");
        } else if (is_moody_about(delivery, MOOD_BURY)) {
            delivery_refuse(delivery, DELIVERY_DEAD, "schema", "never");
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

static struct consumer *start_consumer(int attempts_max)
{
    const struct consumer_config config = {
        .bus = store_bus("tallystick_ledger"),
        .db = store_db("tallystick_ledger", "ledger"),
        .group = "ledger",
        .topics = {TOPIC},
        .threads = 2,
        .batch_max = 100,
        .park_attempts_max = attempts_max,
        .park_wait_ms = 20,
        .arena_size_max = 16 * 1024 * 1024,
        .apply = apply,
    };
    struct consumer *consumer = NULL;
    struct error err;
    assert_int_equal(consumer_start(&config, &consumer, &err), OK);
    return consumer;
}

static int before_each(void **state)
{
    (void)state;
    store_clean();
    room.mood = MOOD_APPLY;
    room.applied_count = 0;
    room.calls = 0;
    return 0;
}

/* Messages 1 to `count` of one key, in one lane; other keys of the lane come in between. */
static void publish_sequence(int count)
{
    struct message messages[64];
    ASSERT(count <= 32);
    for (int at = 0; at < count; at++) {
        messages[2 * at] = store_message(TOPIC, store_key(1, 5), at + 1);
        messages[2 * at + 1] = store_message(TOPIC, store_key(2, 5), 100 + at + 1);
    }
    store_publish(messages, (size_t)count * 2);
}

/* Those of the first key (up to 100), as "1 2 3 ". */
static const char *applied_of_key(char *out, size_t size)
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

/* ---- the inbox ----------------------------------------------------------------------------- */

static void test_consumer__each_event_once(void **state)
{
    (void)state;
    char got[200];
    const struct message one = store_message(TOPIC, store_key(1, 5), 1);
    const struct message two = store_message(TOPIC, store_key(1, 5), 2);
    const struct message twins[] = {one, one, two, one};
    store_publish(twins, COUNT(twins));
    store_publish(twins, COUNT(twins));
    struct consumer *consumer = start_consumer(3);
    const bool has_read = store_wait_for(8, "SELECT sum(next_offset) FROM bus.bus_cursor");
    consumer_stop(consumer);
    CHECK("all was read", has_read);
    CHECK_TEXT("twins in a batch and again in the next", text_of(applied_of_key(got, sizeof got)),
               "1 2 ");
    CHECK_EQ("claims", store_sql("SELECT count(*) FROM ledger.inbox"), 2);
}

static void test_consumer__forgets_old_claims(void **state)
{
    (void)state;
    store_sql("INSERT INTO ledger.inbox (consumer_group, event_id, received_at) VALUES"
              " ('ledger', '01000000-0000-7000-8000-000000000001', now() - interval '9 days'),"
              " ('ledger', '01000000-0000-7000-8000-000000000002', now() - interval '7 days'),"
              " ('other', '01000000-0000-7000-8000-000000000003', now() - interval '9 days'),"
              " ('ledger', '7f000000-0000-7000-8000-000000000004', now() - interval '9 days')");
    struct consumer *consumer = start_consumer(3);
    const bool is_forgotten = store_wait_for(3, "SELECT count(*) FROM ledger.inbox");
    consumer_stop(consumer);
    CHECK("one is old by id and by receipt, and ours", is_forgotten);
    CHECK_EQ("that one",
             store_sql("SELECT count(*) FROM ledger.inbox WHERE event_id ="
                       " '01000000-0000-7000-8000-000000000001'"),
             0);
}

/* ---- parked keys and dead letters ---------------------------------------------------------- */

static const struct {
    const char *given;
    enum mood mood;
    int moods; /* how often message 2 of the first key fails */
    int attempts_max;
    const char *applied;
    int dead;
    const char *dead_class;
    int attempts;
} FAILURES[] = {
    {"nothing wrong", MOOD_APPLY, 0, 3, "1 2 3 4 ", 0, NULL, 0},
    {"parked once", MOOD_PARK, 1, 3, "1 2 3 4 ", 0, NULL, 0},
    {"parked up to the last try", MOOD_PARK, 3, 4, "1 2 3 4 ", 0, NULL, 0},
    {"parked one time too many", MOOD_PARK, 4, 4, "1 3 4 ", 1, "business", 4},
    {"not of our schema", MOOD_BURY, 1000, 4, "1 3 4 ", 1, "schema", 1},
    {"a poison message", MOOD_BREAK, 1000, 2, "1 3 4 ", 1, "transient_exhausted", 2},
};

static void check_dead_letters(const char *given, int dead, const char *dead_class, int attempts)
{
    CHECK_EQ(given, store_sql("SELECT count(*) FROM ledger.dead_letter"), dead);
    if (dead == 0)
        return;
    CHECK_EQ(given,
             store_sql("SELECT count(*) FROM ledger.dead_letter WHERE error_class = '%s'"
                       " AND attempts = %d AND trace_id = '0af7651916cd43dd8448eb211c80319c'"
                       " AND first_failed_at <= last_failed_at AND payload = '{\"test\":true}'",
                       dead_class, attempts),
             1);
    CHECK_EQ(given,
             store_sql("SELECT count(*) FROM ledger.outbox o JOIN ledger.dead_letter d"
                       " ON o.id = d.event_id AND o.partitionkey = d.key AND o.lane = 5"
                       " AND o.payload = d.payload WHERE o.aggregatetype = '%s.dlq'"
                       " AND o.headers::jsonb @> d.headers::jsonb"
                       " AND o.headers::jsonb ->> 'x-dlq-error-class' = '%s'"
                       " AND o.headers::jsonb ->> 'x-dlq-original-offset' = '2'",
                       TOPIC, dead_class),
             1);
}

static void check_failure(size_t at)
{
    char got[200];
    const char *given = FAILURES[at].given;
    room.mood = FAILURES[at].mood;
    room.moody_about = 2;
    room.moods_left = FAILURES[at].moods;
    publish_sequence(4);
    struct consumer *consumer = start_consumer(FAILURES[at].attempts_max);
    const bool is_read = store_wait_for(8, "SELECT sum(next_offset) FROM bus.bus_cursor");
    const bool is_let_go = store_wait_for(0, "SELECT count(*) FROM ledger.parked_key");
    consumer_stop(consumer);
    CHECK(given, is_read);
    CHECK(given, is_let_go);
    CHECK_TEXT(given, text_of(applied_of_key(got, sizeof got)), FAILURES[at].applied);
    CHECK_EQ(given, room.applied_count, 8 - FAILURES[at].dead); /* the other key did not wait */
    CHECK_EQ(given, store_sql("SELECT count(*) FROM ledger.inbox"), room.applied_count);
    CHECK_EQ(given, store_sql("SELECT count(*) FROM ledger.parked_message"), 0);
    check_dead_letters(given, FAILURES[at].dead, FAILURES[at].dead_class, FAILURES[at].attempts);
}

static void test_consumer__failures(void **state)
{
    for (size_t at = 0; at < COUNT(FAILURES); at++) {
        before_each(state);
        check_failure(at);
    }
}

static void test_consumer__later_messages_wait_behind_a_parked_one(void **state)
{
    (void)state;
    char got[200];
    room.mood = MOOD_PARK;
    room.moody_about = 1;
    room.moods_left = 1000;
    publish_sequence(2);
    struct consumer *consumer = start_consumer(1000);
    CHECK("both are parked", store_wait_for(2, "SELECT count(*) FROM ledger.parked_message"));
    publish_sequence(3); /* 1 to 3 again, under new ids */
    CHECK("so is what comes later",
          store_wait_for(5, "SELECT count(*) FROM ledger.parked_message"));
    CHECK("the key was tried again", store_wait_for(1, "SELECT (attempts > 2)::int FROM"
                                                       " ledger.parked_key"));
    CHECK("with growing pauses",
          store_wait_for(1, "SELECT (next_try_at - last_failed_at > interval '50 ms')::int"
                            " FROM ledger.parked_key"));
    CHECK_TEXT("nothing of the key", text_of(applied_of_key(got, sizeof got)), "");
    pthread_mutex_lock(&room.mutex);
    room.mood = MOOD_APPLY;
    pthread_mutex_unlock(&room.mutex);
    store_sql("UPDATE ledger.parked_key SET next_try_at = now()");
    CHECK("it is let go", store_wait_for(0, "SELECT count(*) FROM ledger.parked_key"));
    consumer_stop(consumer);
    CHECK_TEXT("in order", text_of(applied_of_key(got, sizeof got)), "1 2 1 2 3 ");
}

static void test_consumer__a_poison_message_alone_fails(void **state)
{
    (void)state;
    room.mood = MOOD_BREAK;
    room.moody_about = 2;
    room.moods_left = 1000;
    publish_sequence(20);
    struct consumer *consumer = start_consumer(1000);
    const bool is_applied = store_wait_for(21, "SELECT count(*) FROM ledger.inbox");
    consumer_stop(consumer);
    CHECK("its neighbours, and what came before it", is_applied);
    CHECK_EQ("it and what follows it wait", store_sql("SELECT count(*) FROM ledger.parked_message"),
             19);
    CHECK("few attempts, by halving", room.calls < 40);
}

static void test_consumer__handed_over_again_after_it_was_parked(void **state)
{
    (void)state;
    room.mood = MOOD_PARK;
    room.moody_about = 1;
    room.moods_left = 1000;
    publish_sequence(2);
    struct consumer *consumer = start_consumer(1000);
    CHECK("both are parked", store_wait_for(2, "SELECT count(*) FROM ledger.parked_message"));
    consumer_stop(consumer);
    store_sql("UPDATE bus.bus_cursor SET next_offset = 0"); /* as if nothing was confirmed */
    consumer = start_consumer(1000);
    CHECK("read again", store_wait_for(4, "SELECT sum(next_offset) FROM bus.bus_cursor"));
    consumer_stop(consumer);
    CHECK_EQ("kept once", store_sql("SELECT count(*) FROM ledger.parked_message"), 2);
}

/* ---- the outbox ---------------------------------------------------------------------------- */

static void test_outbox_send__in_the_order_added(void **state)
{
    (void)state;
    struct arena *arena = arena_new(16 * 1024 * 1024);
    struct db_config config = store_db("tallystick_ledger", "ledger");
    config.statements[0] = messaging_statements;
    struct db *db = db_new(&config);
    struct outbox outbox;
    struct error err = {.message = ""};
    outbox_init(&outbox, arena, 1);
    CHECK("an empty list", !outbox_send(&outbox, db));
    for (int number = 1; number <= 500; number++)
        outbox_add(&outbox, &(struct outbox_event){
                                .id = uuid_make_v7(),
                                .lane = 7,
                                .aggregate_type = "ledger",
                                .aggregate_id = store_key(number, 7),
                                .key = store_key(number, 7),
                                .type = "ledger.hold_recorded",
                                .sequence = number,
                                .tenant = TEXT("default"),
                                .payload = TEXT("{}"),
                                .trace = trace_context_make(),
                            });
    CHECK("a list", outbox_send(&outbox, db));
    if (db_run(db, &err) != OK)
        fail_msg("%s", err.message);
    CHECK_EQ("rows",
             store_sql("SELECT count(*) FROM ledger.outbox WHERE seq = sequence"
                       " AND saga_id IS NULL AND headers IS NULL"
                       " AND origin_traceparent = traceparent"),
             500);
    db_free(db);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_consumer__each_event_once, before_each),
        cmocka_unit_test_setup(test_consumer__forgets_old_claims, before_each),
        cmocka_unit_test_setup(test_consumer__failures, before_each),
        cmocka_unit_test_setup(test_consumer__later_messages_wait_behind_a_parked_one, before_each),
        cmocka_unit_test_setup(test_consumer__a_poison_message_alone_fails, before_each),
        cmocka_unit_test_setup(test_consumer__handed_over_again_after_it_was_parked, before_each),
        cmocka_unit_test_setup(test_outbox_send__in_the_order_added, before_each),
    };
    store_need_database();
    return cmocka_run_group_tests_name("store/messaging", tests, NULL, NULL);
}
