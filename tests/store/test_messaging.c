/* Consuming on a real PostgreSQL, in the ledger's schema: the inbox, parked keys, dead letters. */
#include "moody_room.h"

#include "base/arena.h"
#include "platform/clock.h"
#include "platform/messaging/outbox.h"

#include <stdio.h>

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
    CHECK_EQ("claims, with the traces of their messages",
             store_sql("SELECT count(*) FROM ledger.inbox WHERE traceparent ="
                       " '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'"),
             2);
}

static void test_consumer__forgets_old_claims(void **state)
{
    (void)state;
    store_sql("INSERT INTO ledger.inbox (consumer_group, event_id, received_at) VALUES"
              " ('ledger', '01000000-0000-7000-8000-000000000001', now() - interval '9 days'),"
              " ('ledger', '01000000-0000-7000-8000-000000000002', now() - interval '7 days'),"
              " ('other', '01000000-0000-7000-8000-000000000003', now() - interval '9 days'),"
              " ('ledger', '01000000-0000-7000-8000-000000000005', now() - interval '9 days'),"
              " ('ledger', '7f000000-0000-7000-8000-000000000004', now() - interval '9 days')");
    store_sql("INSERT INTO ledger.dead_letter (id, consumer_group, key, event_id, topic, partition,"
              " \"offset\", published_at, headers, payload, attempts, error_class, error_message,"
              " first_failed_at, last_failed_at, service_version, trace_id)"
              " SELECT event_id, consumer_group, event_id, event_id, '%s', 0, 0, now(), '', '', 1,"
              " 'bug', '', now(), now(), '', '' FROM ledger.inbox"
              " WHERE event_id = '01000000-0000-7000-8000-000000000005'",
              TOPIC);
    struct consumer *consumer = start_consumer(3);
    const bool is_forgotten = store_wait_for(4, "SELECT count(*) FROM ledger.inbox");
    consumer_stop(consumer);
    CHECK("one is old by id and by receipt, ours, and no open letter", is_forgotten);
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
    {"a poison message", MOOD_BREAK, 1000, 2, "1 3 4 ", 1, "bug", 2},
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
                       " AND o.headers::jsonb ->> 'x-dlq-error-code' = d.error_code"
                       " AND o.headers::jsonb ->> 'x-dlq-redrive-count' = '0'"
                       " AND NOT o.headers::jsonb ? 'x-dlq-redrive-id'"
                       " AND o.headers::jsonb ->> 'x-dlq-original-offset' = '2'",
                       TOPIC, dead_class),
             1);
}

static void check_failure(size_t at)
{
    char got[200];
    const char *given = FAILURES[at].given;
    moody_room_set(FAILURES[at].mood, 2, FAILURES[at].moods);
    publish_sequence(4);
    struct consumer *consumer = start_consumer(FAILURES[at].attempts_max);
    const bool is_read = store_wait_for(8, "SELECT sum(next_offset) FROM bus.bus_cursor");
    const bool is_let_go = store_wait_for(0, "SELECT count(*) FROM ledger.parked_key");
    consumer_stop(consumer);
    CHECK(given, is_read);
    CHECK(given, is_let_go);
    CHECK_TEXT(given, text_of(applied_of_key(got, sizeof got)), FAILURES[at].applied);
    CHECK_EQ(given, moody_room_applied_count(),
             8 - FAILURES[at].dead); /* the other key did not wait */
    CHECK_EQ(given, store_sql("SELECT count(*) FROM ledger.inbox"), moody_room_applied_count());
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
    moody_room_set(MOOD_PARK, 1, 1000);
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
    moody_room_set(MOOD_APPLY, 0, 0);
    store_sql("UPDATE ledger.parked_key SET next_try_at = now()");
    CHECK("it is let go", store_wait_for(0, "SELECT count(*) FROM ledger.parked_key"));
    consumer_stop(consumer);
    CHECK_TEXT("in order", text_of(applied_of_key(got, sizeof got)), "1 2 1 2 3 ");
}

static void test_consumer__a_poison_message_alone_fails(void **state)
{
    (void)state;
    moody_room_set(MOOD_BREAK, 2, 1000);
    publish_sequence(20);
    struct consumer *consumer = start_consumer(1000);
    const bool is_applied = store_wait_for(21, "SELECT count(*) FROM ledger.inbox");
    consumer_stop(consumer);
    CHECK("its neighbours, and what came before it", is_applied);
    CHECK_EQ("it and what follows it wait", store_sql("SELECT count(*) FROM ledger.parked_message"),
             19);
    CHECK("few attempts, by halving", moody_room_calls() < 40);
}

static void test_consumer__handed_over_again_after_it_was_parked(void **state)
{
    (void)state;
    moody_room_set(MOOD_PARK, 1, 1000);
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
    CHECK("an empty list", !outbox_send(&outbox, db, clock_realtime_us()));
    struct trace_context trace = trace_context_make();
    trace_context_take_state(&trace, TEXT("rojo=1"));
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
                                .trace = number == 1 ? trace : trace_context_make(),
                            });
    CHECK("a list", outbox_send(&outbox, db, clock_realtime_us()));
    if (db_run(db, &err) != OK)
        fail_msg("%s", err.message);
    CHECK_EQ("rows",
             store_sql("SELECT count(*) FROM ledger.outbox WHERE seq = sequence"
                       " AND saga_id IS NULL AND headers IS NULL"
                       " AND origin_traceparent = traceparent"
                       " AND tracestate IS NOT DISTINCT FROM CASE seq WHEN 1 THEN 'rojo=1' END"),
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
