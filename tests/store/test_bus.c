/* The event bus on PostgreSQL: offsets, order, groups, redelivery, retention. */
#include "store.h"

#include "base/arena.h"
#include "platform/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static const char TOPIC[] = "test.one.v1";
static const char OTHER[] = "test.two.v1";
static const char *const TOPICS[] = {TOPIC, OTHER, NULL};

static struct arena *arena;

static int before_each(void **state)
{
    (void)state;
    store_clean();
    arena = arena_new(64 * 1024 * 1024);
    return 0;
}

static int after_each(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct bus_consumer *open_consumer(const char *group)
{
    const struct bus_config config = store_bus("tallystick_ledger");
    struct bus_consumer *consumer = NULL;
    struct error err;
    assert_int_equal(bus_consumer_open(&config, group, TOPICS, &consumer, &err), OK);
    return consumer;
}

static struct bus_batch poll(struct bus_consumer *consumer, int wait_ms, size_t count_max)
{
    const struct bus_poll wish = {wait_ms, count_max};
    struct bus_batch batch = {NULL, 0};
    struct error err = {.message = ""};
    if (bus_poll(consumer, &wish, arena, &batch, &err) != OK)
        fail_msg("polling: %s", err.message);
    return batch;
}

static void confirm(struct bus_consumer *consumer)
{
    struct error err = {.message = ""};
    if (bus_confirm(consumer, &err) != OK)
        fail_msg("confirming: %s", err.message);
}

/* Messages 1 to `each` of every one of `keys` keys, interleaved. */
static size_t publish_keys(const char *topic, int keys, int each)
{
    const size_t count = (size_t)keys * (size_t)each;
    struct message *messages = ARENA_NEW_ARRAY(arena, struct message, count);
    size_t at = 0;
    for (int sequence = 1; sequence <= each; sequence++)
        for (int number = 0; number < keys; number++)
            messages[at++] = store_message(topic, store_key(number, number % 64), sequence);
    store_publish(messages, count);
    return count;
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
    pthread_t threads[PUBLISHERS];
    int numbers[PUBLISHERS];
    for (int at = 0; at < PUBLISHERS; at++) {
        numbers[at] = at;
        assert_int_equal(pthread_create(&threads[at], NULL, publish_rounds, &numbers[at]), 0);
    }
    for (int at = 0; at < PUBLISHERS; at++)
        pthread_join(threads[at], NULL);
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

/* ---- consuming ----------------------------------------------------------------------------- */

static void test_bus_poll__everything_once(void **state)
{
    (void)state;
    const size_t count = publish_keys(TOPIC, 100, 10) + publish_keys(OTHER, 100, 10);
    struct bus_consumer *consumer = open_consumer("ledger");
    size_t got = 0;
    for (struct bus_batch batch = poll(consumer, 0, 70); batch.count > 0;
         batch = poll(consumer, 0, 70)) {
        CHECK("no more than wished for", batch.count <= 70);
        got += batch.count;
        confirm(consumer);
    }
    CHECK_EQ("two topics", got, count);
    bus_consumer_close(consumer);
}

static void test_bus_poll__what_is_not_confirmed_comes_again(void **state)
{
    (void)state;
    publish_keys(TOPIC, 1, 3);
    struct bus_consumer *first = open_consumer("ledger");
    CHECK_EQ("a first poll", poll(first, 0, 2).count, 2);
    const struct bus_batch again = poll(first, 0, 3);
    CHECK_EQ("a second poll without a confirm", again.count, 3);
    CHECK_EQ("from the beginning", again.messages[0].offset, 0);
    bus_consumer_close(first);
    struct bus_consumer *second = open_consumer("ledger");
    CHECK_EQ("the member has left", poll(second, 0, 10).count, 3);
    confirm(second);
    CHECK_EQ("confirmed", poll(second, 0, 10).count, 0);
    bus_consumer_close(second);
}

static void test_bus_poll__each_group_reads_all(void **state)
{
    (void)state;
    publish_keys(TOPIC, 30, 1);
    static const char *const GROUPS[] = {"ledger", "saga"};
    for (size_t at = 0; at < COUNT(GROUPS); at++) {
        struct bus_consumer *consumer = open_consumer(GROUPS[at]);
        CHECK_EQ(GROUPS[at], poll(consumer, 0, 100).count, 30);
        confirm(consumer);
        bus_consumer_close(consumer);
    }
}

static void test_bus_poll__members_share(void **state)
{
    (void)state;
    publish_keys(TOPIC, 64, 1);
    struct bus_consumer *one = open_consumer("ledger"), *two = open_consumer("ledger");
    const struct bus_batch first = poll(one, 0, 1000), second = poll(two, 0, 1000);
    bool is_taken[64] = {false};
    CHECK_EQ("one member", first.count, 32);
    CHECK_EQ("the other", second.count, 32);
    for (size_t at = 0; at < first.count; at++)
        is_taken[first.messages[at].partition] = true;
    for (size_t at = 0; at < second.count; at++)
        CHECK("no partition is held twice", !is_taken[second.messages[at].partition]);
    confirm(one);
    bus_consumer_close(two); /* without a confirm: its half comes again */
    CHECK_EQ("the half of the one that left", poll(one, 0, 1000).count, 32);
    bus_consumer_close(one);
}

/* What two members of a group have seen, in the order they saw it. */
static struct {
    pthread_mutex_t mutex;
    int64_t last[64]; /* sequence of each key */
    int late;
    size_t count;
} seen = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void see(const struct bus_batch *batch)
{
    pthread_mutex_lock(&seen.mutex);
    for (size_t at = 0; at < batch->count; at++) {
        const struct message *message = &batch->messages[at];
        int64_t *last = &seen.last[message->key.bytes[14] % 64];
        seen.late += message->sequence != *last + 1;
        *last = message->sequence;
        seen.count++;
    }
    pthread_mutex_unlock(&seen.mutex);
}

static void *consume_all(void *argument)
{
    (void)argument;
    const struct bus_config config = store_bus("tallystick_ledger");
    struct arena *own = arena_new(64 * 1024 * 1024);
    struct bus_consumer *consumer = NULL;
    struct bus_batch batch = {NULL, 0};
    const struct bus_poll wish = {200, 17};
    struct error err = {.message = ""};
    if (bus_consumer_open(&config, "ledger", TOPICS, &consumer, &err) != OK)
        return NULL;
    do {
        if (bus_poll(consumer, &wish, own, &batch, &err) != OK)
            break;
        see(&batch);
        if (bus_confirm(consumer, &err) != OK)
            break;
    } while (batch.count > 0);
    if (err.message[0] != '\0')
        fprintf(stderr, "consuming: %s\n", err.message);
    bus_consumer_close(consumer);
    arena_free(own);
    return NULL;
}

static void test_bus_poll__order_per_key_with_two_members(void **state)
{
    (void)state;
    const size_t count = publish_keys(TOPIC, 64, 30);
    pthread_t threads[2];
    for (size_t at = 0; at < COUNT(threads); at++)
        assert_int_equal(pthread_create(&threads[at], NULL, consume_all, NULL), 0);
    for (size_t at = 0; at < COUNT(threads); at++)
        pthread_join(threads[at], NULL);
    CHECK_EQ("all of them", seen.count, count);
    CHECK_EQ("messages that were not next in their key", seen.late, 0);
}

static void test_bus_poll__malformed_headers_are_told(void **state)
{
    (void)state;
    struct message message = store_message(TOPIC, store_key(1, 1), 1);
    message.headers = TEXT("{\"ce_specversion\":\"1.0\"}");
    store_publish(&message, 1);
    struct bus_consumer *consumer = open_consumer("ledger");
    const struct bus_batch batch = poll(consumer, 0, 1);
    assert_int_equal(batch.count, 1);
    CHECK("why", batch.messages[0].malformed != NULL);
    CHECK("the key is known", uuid_equals(&batch.messages[0].key, &message.key));
    CHECK("so is the id", uuid_equals(&batch.messages[0].id, &message.id));
    bus_consumer_close(consumer);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void *publish_soon(void *argument)
{
    (void)argument;
    const struct message message = store_message(TOPIC, store_key(1, 1), 1);
    const struct timespec pause = {.tv_nsec = 100 * 1000000};
    nanosleep(&pause, NULL);
    store_publish(&message, 1);
    return NULL;
}

static void *wake_soon(void *consumer)
{
    const struct timespec pause = {.tv_nsec = 100 * 1000000};
    nanosleep(&pause, NULL);
    bus_consumer_wake(consumer);
    return NULL;
}

static void test_bus_poll__waiting_ends_early(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        void *(*act)(void *consumer);
        size_t then;
    } CASES[] = {
        {"a message", publish_soon, 1},
        {"a wake", wake_soon, 0},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct bus_consumer *consumer = open_consumer("ledger");
        pthread_t thread;
        CHECK_EQ("nothing yet", poll(consumer, 0, 1).count, 0);
        assert_int_equal(pthread_create(&thread, NULL, CASES[at].act, consumer), 0);
        const int64_t start_us = clock_monotonic_us();
        CHECK_EQ(CASES[at].given, poll(consumer, 20000, 1).count, CASES[at].then);
        CHECK(CASES[at].given, clock_monotonic_us() - start_us < 5 * 1000000);
        confirm(consumer);
        pthread_join(thread, NULL);
        bus_consumer_close(consumer);
    }
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
    publish_keys(TOPIC, 1, 300);
    struct bus_consumer *consumer = open_consumer("ledger"), *slow = open_consumer("saga");
    poll(consumer, 0, 250);
    confirm(consumer);
    poll(slow, 0, 1);
    confirm(slow);
    CHECK_EQ("young messages", expire_all(3600), 0);
    CHECK_EQ("old ones, as far as the slowest has read", expire_all(0), 1);
    poll(slow, 0, 300);
    confirm(slow);
    CHECK_EQ("old ones, as far as all have read", expire_all(0), 249);
    CHECK_EQ("the rest is there", poll(consumer, 0, 300).count, 50);
    bus_consumer_close(consumer);
    bus_consumer_close(slow);
}

static void test_bus_poll__a_new_group_after_retention(void **state)
{
    (void)state;
    publish_keys(TOPIC, 1, 10);
    store_sql("DELETE FROM bus.bus_message WHERE \"offset\" < 4");
    struct bus_consumer *consumer = open_consumer("ledger");
    CHECK_EQ("a group begins with the oldest there is", poll(consumer, 0, 100).count, 6);
    bus_consumer_close(consumer);
    store_sql("UPDATE bus.bus_cursor SET next_offset = 0");
    consumer = open_consumer("ledger");
    CHECK_EQ("a group that retention has passed by", poll(consumer, 0, 2).count, 2);
    bus_consumer_close(consumer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bus_publish__gapless_offsets, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_bus_publish__partition_is_the_lane, before_each,
                                        after_each),
        cmocka_unit_test_setup_teardown(test_bus_poll__everything_once, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_bus_poll__what_is_not_confirmed_comes_again,
                                        before_each, after_each),
        cmocka_unit_test_setup_teardown(test_bus_poll__each_group_reads_all, before_each,
                                        after_each),
        cmocka_unit_test_setup_teardown(test_bus_poll__members_share, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_bus_poll__order_per_key_with_two_members, before_each,
                                        after_each),
        cmocka_unit_test_setup_teardown(test_bus_poll__malformed_headers_are_told, before_each,
                                        after_each),
        cmocka_unit_test_setup_teardown(test_bus_poll__waiting_ends_early, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_bus_expire__only_what_is_old_and_read, before_each,
                                        after_each),
        cmocka_unit_test_setup_teardown(test_bus_poll__a_new_group_after_retention, before_each,
                                        after_each),
    };
    store_need_database();
    return cmocka_run_group_tests_name("store/bus", tests, NULL, NULL);
}
