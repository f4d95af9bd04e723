/* What waits aside of its key, and dead letters that are sent back; on a real PostgreSQL. */
#include "moody_room.h"

/* ---- waiting aside ------------------------------------------------------------------------- */

static void test_consumer__with_skip_nothing_waits_behind_what_fails(void **state)
{
    (void)state;
    char got[200];
    moody_room_set(MOOD_PARK, 2, 1000);
    publish_sequence(4);
    publish_sequence(3); /* 1 to 3 again, under new ids: so two of them fail */
    struct consumer *consumer = start_consumer_that("skip", 1000);
    CHECK("all was read", store_wait_for(14, "SELECT sum(next_offset) FROM bus.bus_cursor"));
    CHECK("the failing ones alone",
          store_wait_for(2, "SELECT count(*) FROM ledger.parked_message"));
    CHECK("each with tries of its own",
          store_wait_for(2, "SELECT count(*) FROM ledger.parked_key WHERE attempts > 2"));
    CHECK_TEXT("the rest has gone by", text_of(applied_of_key(got, sizeof got)), "1 3 4 1 3 ");
    moody_room_set(MOOD_APPLY, 0, 0);
    store_sql("UPDATE ledger.parked_key SET next_try_at = now()");
    CHECK("they are let go", store_wait_for(0, "SELECT count(*) FROM ledger.parked_key"));
    consumer_stop(consumer);
    CHECK_TEXT("and applied", text_of(applied_of_key(got, sizeof got)), "1 3 4 1 3 2 2 ");
}

static void test_consumer__what_died_aside_keeps_its_key(void **state)
{
    (void)state;
    const struct uuid key = store_key(1, 5);
    char text[UUID_TEXT_SIZE + 1];
    uuid_format(&key, text);
    moody_room_set(MOOD_BREAK, 2, 1000);
    publish_sequence(4);
    struct consumer *consumer = start_consumer_that("skip", 3);
    CHECK("it dies", store_wait_for(1, "SELECT count(*) FROM ledger.dead_letter"));
    CHECK("it is let go", store_wait_for(0, "SELECT count(*) FROM ledger.parked_key"));
    consumer_stop(consumer);
    CHECK_EQ("under its own key, after its tries",
             store_sql("SELECT count(*) FROM ledger.dead_letter d JOIN ledger.outbox o"
                       " ON o.id = d.event_id AND o.partitionkey = d.key"
                       " WHERE d.key = '%s' AND d.attempts = 3 AND d.error_class = 'bug'"
                       " AND d.error_code = 'database_refused'"
                       " AND d.type = 'dev.tallystick.test.happened.v1'",
                       text),
             1);
}

/* ---- redriving ----------------------------------------------------------------------------- */

#define OPERATORS_TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

/* As the operator's tool does, of all that are open; how many it put back. */
static int64_t redrive_all(const char *redrives_max)
{
    return store_sql("SELECT count(*) FILTER (WHERE r.outcome = 'redriven')"
                     " FROM ledger.dead_letter d, ledger.redrive_dead_letter(d.id,"
                     " '01900000-0000-7000-8000-000000000001', %s, 'somebody', 'a test',"
                     " '" OPERATORS_TRACE "') r"
                     " WHERE d.redriven_at IS NULL",
                     redrives_max);
}

static void test_consumer__a_redriven_letter_dies_again_and_is_healed(void **state)
{
    (void)state;
    char got[200];
    moody_room_set(MOOD_BURY, 2, 1000);
    publish_sequence(3);
    struct consumer *consumer = start_consumer(3);
    CHECK("it dies", store_wait_for(1, "SELECT count(*) FROM ledger.dead_letter"));
    CHECK_EQ("it is put back", redrive_all("3"), 1);
    CHECK("it dies again", store_wait_for(1, "SELECT count(*) FROM ledger.dead_letter WHERE"
                                             " redrive_count = 1 AND redriven_at IS NULL"
                                             " AND attempts = 2"));
    CHECK("and says so",
          store_wait_for(1, "SELECT count(*) FROM ledger.outbox o JOIN ledger.dead_letter d"
                            " ON o.id = d.event_id WHERE"
                            " o.headers::jsonb ->> 'x-dlq-redrive-count' = '1'"
                            " AND o.headers::jsonb ->> 'x-dlq-attempts' = '2'"
                            " AND o.headers::jsonb ->> 'x-dlq-redrive-id' = d.redrive_id::text"));
    CHECK_EQ("not more often than is allowed", redrive_all("1"), 0);
    moody_room_set(MOOD_APPLY, 0, 0);
    CHECK_EQ("unless nobody minds", redrive_all("NULL"), 1);
    CHECK("it is applied", store_wait_for(6, "SELECT count(*) FROM ledger.inbox"));
    CHECK("and let go", store_wait_for(0, "SELECT count(*) FROM ledger.parked_key"));
    consumer_stop(consumer);
    CHECK_TEXT("after all", text_of(applied_of_key(got, sizeof got)), "1 3 2 ");
    CHECK_EQ("counted",
             store_sql("SELECT count(*) FROM ledger.dead_letter WHERE redrive_count = 2"
                       " AND redriven_at IS NOT NULL"),
             1);
}

static void test_consumer__what_was_put_back_comes_before_what_waits(void **state)
{
    (void)state;
    char got[200];
    moody_room_set(MOOD_BURY, 2, 1000);
    publish_sequence(2);
    struct consumer *consumer = start_consumer(1000);
    CHECK("2 dies", store_wait_for(1, "SELECT count(*) FROM ledger.dead_letter"));
    moody_room_set(MOOD_PARK, 1, 1000);
    publish_sequence(1);
    CHECK("1 is parked", store_wait_for(1, "SELECT count(*) FROM ledger.parked_message"));
    consumer_stop(consumer);
    CHECK_EQ("2 is put back", redrive_all("3"), 1);
    CHECK_EQ("they wait together, one with the trace of whoever has put it back",
             store_sql("SELECT count(*) FILTER (WHERE redrive_traceparent = '" OPERATORS_TRACE "')"
                       " + count(*) FROM ledger.parked_message"),
             3);
    CHECK_EQ("which the letter keeps too, and that of its last try",
             store_sql("SELECT count(*) FROM ledger.dead_letter d"
                       " JOIN operator.audit a ON a.subject = d.id"
                       " AND a.detail::jsonb ->> 'traceparent' = d.redrive_traceparent"
                       " WHERE redrive_traceparent = '" OPERATORS_TRACE "'"
                       " AND traceparent LIKE '00-' || trace_id || '-________________-01'"
                       " AND NOT headers LIKE '%%' || traceparent || '%%'"),
             1);
    moody_room_set(MOOD_APPLY, 0, 0);
    consumer = start_consumer(1000);
    CHECK("both are let go", store_wait_for(0, "SELECT count(*) FROM ledger.parked_key"));
    consumer_stop(consumer);
    CHECK_TEXT("2 before 1", text_of(applied_of_key(got, sizeof got)), "1 2 1 ");
}

static void test_consumer__a_letter_that_was_applied_meanwhile_is_closed(void **state)
{
    (void)state;
    moody_room_set(MOOD_BURY, 2, 1000);
    publish_sequence(2);
    struct consumer *consumer = start_consumer(3);
    CHECK("2 dies", store_wait_for(1, "SELECT count(*) FROM ledger.dead_letter"));
    consumer_stop(consumer);
    moody_room_set(MOOD_APPLY, 0, 0);
    store_sql(
        "UPDATE bus.bus_cursor SET next_offset = 0"); /* the bus hands everything over again */
    consumer = start_consumer(3);
    CHECK("2 is applied", store_wait_for(4, "SELECT count(*) FROM ledger.inbox"));
    consumer_stop(consumer);
    CHECK_EQ("nothing is put back", redrive_all("3"), 0);
    CHECK_EQ("the letter is closed, and was not redriven",
             store_sql("SELECT count(*) FROM ledger.dead_letter WHERE redriven_at IS NOT NULL"
                       " AND redrive_count = 0"),
             1);
    CHECK_EQ("that is written down",
             store_sql("SELECT count(*) FROM operator.audit a JOIN ledger.dead_letter d"
                       " ON a.subject = d.id WHERE a.detail::jsonb ->> 'outcome' ="
                       " 'already_applied'"),
             1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_consumer__with_skip_nothing_waits_behind_what_fails,
                               before_each),
        cmocka_unit_test_setup(test_consumer__what_died_aside_keeps_its_key, before_each),
        cmocka_unit_test_setup(test_consumer__a_redriven_letter_dies_again_and_is_healed,
                               before_each),
        cmocka_unit_test_setup(test_consumer__what_was_put_back_comes_before_what_waits,
                               before_each),
        cmocka_unit_test_setup(test_consumer__a_letter_that_was_applied_meanwhile_is_closed,
                               before_each),
    };
    store_need_database();
    return cmocka_run_group_tests_name("store/redrive", tests, NULL, NULL);
}
