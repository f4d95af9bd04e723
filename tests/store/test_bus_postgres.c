/* What the event bus on PostgreSQL promises beside its contract: gapless offsets, a partition for
 * each lane, retention. */
#include "bus_contract.h"

#include <stdio.h>

static const char TOPIC[] = "test.one.v1";
static const char OTHER[] = "test.two.v1";
static const char *const TOPICS[] = {TOPIC, OTHER, NULL};

static struct bus_consumer *open_consumer(const char *group)
{
    const struct bus_config config = store_bus("tallystick_ledger");
    struct bus_consumer *consumer = NULL;
    struct error err;
    assert_int_equal(bus_consumer_open(&config, group, TOPICS, &consumer, &err), OK);
    return consumer;
}

/* ---- publishing ---------------------------------------------------------------------------- */

enum { PUBLISHERS = 4, ROUNDS = 20, ROUND_SIZE = 50 };

static void *publish_rounds(void *argument)
{
    const int number = *(const int *)argument;
    const struct bus_config config = store_bus("tallystick_outbox");
    struct bus_publisher *publisher = NULL;
    struct error err;
    if (bus_publisher_open(&config, &publisher, &err) != OK)
        return NULL;
    for (int round = 0; round < ROUNDS; round++) {
        struct message messages[ROUND_SIZE];
        bool published[ROUND_SIZE];
        for (int at = 0; at < ROUND_SIZE; at++) {
            const int place = number * 7919 + round * 104729 + at * 31; /* some mix of partitions */
            messages[at] = store_message(place % 3 == 0 ? OTHER : TOPIC,
                                         store_key(number, place % 64), round * ROUND_SIZE + at);
        }
        if (bus_publish(publisher, messages, ROUND_SIZE, published, &err) != OK)
            fprintf(stderr, "publishing: %s\n", err.message);
    }
    bus_publisher_close(publisher);
    return NULL;
}

static void test_bus_publish__gapless_offsets(void **state)
{
    (void)state;
    store_run_together(publish_rounds, PUBLISHERS);
    CHECK_EQ("four publishers at once", store_sql("SELECT count(*) FROM bus.bus_message"),
             PUBLISHERS * ROUNDS * ROUND_SIZE);
    CHECK_EQ("partitions whose offsets are not 0, 1, 2 ...",
             store_sql("SELECT count(*) FROM (SELECT head.next_offset <> count(m.id) OR"
                       " head.next_offset <> coalesce(max(m.\"offset\") + 1, 0) AS has_gap"
                       " FROM bus.bus_partition head LEFT JOIN bus.bus_message m"
                       " USING (topic, partition) GROUP BY head.topic, head.partition) AS each"
                       " WHERE has_gap"),
             0);
    CHECK_EQ("messages of a publisher out of order within a key",
             store_sql("SELECT count(*) FROM (SELECT (headers::jsonb->>'ce_sequence')::bigint <"
                       " lag((headers::jsonb->>'ce_sequence')::bigint) OVER (PARTITION BY topic,"
                       " key ORDER BY \"offset\") AS is_late FROM bus.bus_message) AS each"
                       " WHERE is_late"),
             0);
}

static void test_bus_publish__partition_is_the_lane(void **state)
{
    (void)state;
    const struct message messages[] = {
        store_message(TOPIC, store_key(1, 0), 1),
        store_message(TOPIC, store_key(1, 63), 1),
        store_message(TOPIC, store_key(1, 0xc5), 1),
    };
    store_publish(messages, COUNT(messages));
    CHECK_EQ("lane 0", store_sql("SELECT count(*) FROM bus.bus_message WHERE partition = 0"), 1);
    CHECK_EQ("lane 63", store_sql("SELECT count(*) FROM bus.bus_message WHERE partition = 63"), 1);
    CHECK_EQ("more bits", store_sql("SELECT count(*) FROM bus.bus_message WHERE partition = 5"), 1);
}

/* ---- retention ----------------------------------------------------------------------------- */

static int64_t expire_all(int64_t retention_s)
{
    const struct bus_config config = store_bus("tallystick_outbox");
    struct bus_publisher *publisher = NULL;
    struct error err = {.message = ""};
    int64_t deleted = 0, total = 0;
    assert_int_equal(bus_publisher_open(&config, &publisher, &err), OK);
    do {
        if (bus_expire(publisher, retention_s, &deleted, &err) != OK)
            fail_msg("expiring: %s", err.message);
        total += deleted;
    } while (deleted > 0);
    bus_publisher_close(publisher);
    return total;
}

static void test_bus_expire__only_what_is_old_and_read(void **state)
{
    (void)state;
    bus_publish_keys(TOPIC, 1, 300);
    struct bus_consumer *consumer = open_consumer("ledger"), *slow = open_consumer("saga");
    bus_poll_once(consumer, 0, 250);
    bus_confirm_all(consumer);
    bus_poll_once(slow, 0, 1);
    bus_confirm_all(slow);
    CHECK_EQ("young messages", expire_all(3600), 0);
    CHECK_EQ("old ones, as far as the slowest has read", expire_all(0), 1);
    bus_poll_once(slow, 0, 300);
    bus_confirm_all(slow);
    CHECK_EQ("old ones, as far as all have read", expire_all(0), 249);
    CHECK_EQ("the rest is there", bus_poll_once(consumer, 0, 300).count, 50);
    bus_consumer_close(consumer);
    bus_consumer_close(slow);
}

static void test_bus_poll__a_new_group_after_retention(void **state)
{
    (void)state;
    bus_publish_keys(TOPIC, 1, 10);
    store_sql("DELETE FROM bus.bus_message WHERE \"offset\" < 4");
    struct bus_consumer *consumer = open_consumer("ledger");
    CHECK_EQ("a group begins with the oldest there is", bus_poll_once(consumer, 0, 100).count, 6);
    bus_consumer_close(consumer);
    store_sql("UPDATE bus.bus_cursor SET next_offset = 0");
    consumer = open_consumer("ledger");
    CHECK_EQ("a group that retention has passed by", bus_poll_once(consumer, 0, 2).count, 2);
    bus_consumer_close(consumer);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, bus_before_each, bus_after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_bus_publish__gapless_offsets),
        CASE(test_bus_publish__partition_is_the_lane),
        CASE(test_bus_expire__only_what_is_old_and_read),
        CASE(test_bus_poll__a_new_group_after_retention),
    };
    store_need_database();
    return cmocka_run_group_tests_name("store/bus_postgres", tests, NULL, NULL);
}
