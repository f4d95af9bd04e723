/* The contract of the event bus, the same for every kind: TALLYSTICK_TEST_BUS names the kind that
 * this run is about. */
#include "bus_contract.h"

#include "platform/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

/* ---- publishing ---------------------------------------------------------------------------- */

enum { PUBLISHERS = 4, ROUNDS = 20, ROUND_SIZE = 50 };

/* Moto is slow, and order shows in less as well. */
static int rounds(void)
{
    return bus_is_of_queues() ? 2 : ROUNDS;
}

/* Each publisher has keys of its own, some of every partition. */
static void *publish_rounds(void *argument)
{
    const int number = *(const int *)argument;
    const struct bus_config config = store_bus("tallystick_outbox");
    struct bus_publisher *publisher = NULL;
    struct error err;
    if (bus_publisher_open(&config, &publisher, &err) != OK)
        return NULL;
    for (int round = 0; round < rounds(); round++) {
        struct message messages[ROUND_SIZE];
        bool published[ROUND_SIZE];
        for (int at = 0; at < ROUND_SIZE; at++) {
            const int key = number * 10 + at % 10;
            messages[at] =
                store_message(bus_topic, store_key(key, key * 7), 1 + round * 5 + at / 10);
        }
        if (bus_publish(publisher, messages, ROUND_SIZE, published, &err) != OK)
            fprintf(stderr, "publishing: %s\n", err.message);
    }
    bus_publisher_close(publisher);
    return NULL;
}

static void consume_all(struct bus_consumer *consumer, struct bus_seen *seen, size_t count)
{
    const int64_t until_us = clock_monotonic_us() + 30 * INT64_C(1000000);
    while (seen->count < count && clock_monotonic_us() < until_us) {
        const struct bus_batch batch = bus_poll_once(consumer, 200, 70);
        CHECK("no more than wished for", batch.count <= 70);
        bus_see(seen, &batch);
        bus_confirm_all(consumer);
    }
    CHECK_EQ("all of them", seen->count, count);
}

static void test_bus_publish__order_per_key_with_four_publishers(void **state)
{
    (void)state;
    store_run_together(publish_rounds, PUBLISHERS);
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    struct bus_seen seen = {.late = 0};
    consume_all(consumer, &seen, (size_t)(PUBLISHERS * rounds() * ROUND_SIZE));
    CHECK_EQ("messages that were not next in their key", seen.late, 0);
    CHECK_EQ("none twice", bus_poll_once(consumer, 500, 10).count, 0);
    bus_consumer_close(consumer);
}

static void test_bus_publish__what_goes_in_comes_out(void **state)
{
    (void)state;
    struct message in = store_message(bus_topic, store_key(1, 0x2a), 7);
    in.saga_id = uuid_make_v7();
    in.command_id = uuid_make_v7();
    in.origin_traceparent = TEXT("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01");
    in.payload = TEXT("{\"name\":\"\xc3\xa9\",\"n\":99.990,\"s\":\"\\u0001\\\"\"}");
    store_publish(&in, 1);
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    const struct message out = bus_poll_until(consumer, 1).messages[0];
    const struct text headers = message_write_headers(bus_arena, &in);
    CHECK("it is ours", out.malformed == NULL);
    CHECK("the topic", text_equals_c(out.topic, bus_topic));
    CHECK("the key", uuid_equals(&out.key, &in.key));
    CHECK("the id", uuid_equals(&out.id, &in.id));
    CHECK("the saga", uuid_equals(&out.saga_id, &in.saga_id));
    CHECK("the command", uuid_equals(&out.command_id, &in.command_id));
    CHECK("the payload", text_equals(out.payload, in.payload));
    CHECK_EQ("the sequence", out.sequence, 7);
    CHECK_TEXT("the headers, one by one in their order", out.headers,
               text_to_c(bus_arena, headers));
    CHECK("a time of today", out.published_us > in.time_us);
    bus_consumer_close(consumer);
}

static void test_bus_publish__given_headers_are_kept(void **state)
{
    (void)state;
    struct message in = store_message(bus_topic, store_key(1, 1), 1);
    in.headers = message_write_headers(bus_arena, &in);
    in.headers = text_format(bus_arena, "%.*s,\"x-dlq-attempts\":\"3\"}", (int)in.headers.size - 1,
                             in.headers.data);
    store_publish(&in, 1);
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    const struct message out = bus_poll_until(consumer, 1).messages[0];
    CHECK("it is ours", out.malformed == NULL);
    CHECK_TEXT("a dead letter's headers", out.headers, text_to_c(bus_arena, in.headers));
    bus_consumer_close(consumer);
}

static void test_bus_publish__none(void **state)
{
    (void)state;
    const struct bus_config config = store_bus("tallystick_outbox");
    struct bus_publisher *publisher = NULL;
    struct error err = {.message = ""};
    assert_int_equal(bus_publisher_open(&config, &publisher, &err), OK);
    assert_int_equal(bus_publish(publisher, NULL, 0, NULL, &err), OK);
    bus_publisher_close(publisher);
}

/* ---- consuming ----------------------------------------------------------------------------- */

static void test_bus_poll__everything_once(void **state)
{
    (void)state;
    const size_t count =
        bus_publish_keys(bus_topic, 50, 10) + bus_publish_keys(bus_other_topic, 1, 10);
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    struct bus_seen seen = {.late = 0};
    consume_all(consumer, &seen, count);
    CHECK_EQ("none twice", bus_poll_once(consumer, 500, 10).count, 0);
    bus_consumer_close(consumer);
}

static void test_bus_poll__what_is_not_confirmed_comes_again(void **state)
{
    (void)state;
    bus_publish_keys(bus_topic, 1, 3);
    struct bus_consumer *first = bus_open_consumer("ledger");
    const size_t first_count = bus_is_of_queues() ? 3 : 2;
    CHECK_EQ("a first poll", bus_poll_until(first, first_count).count, first_count);
    const struct bus_batch again = bus_poll_until(first, 3);
    CHECK_EQ("a second poll without a confirm, from the beginning", again.messages[0].sequence, 1);
    CHECK_EQ("and on", again.messages[2].sequence, 3);
    CHECK_EQ("no more than wished for", bus_poll_once(first, 200, 1).count, 1);
    bus_consumer_close(first);
    struct bus_consumer *second = bus_open_consumer("ledger");
    CHECK_EQ("the member has left", bus_poll_until(second, 3).messages[0].sequence, 1);
    bus_confirm_all(second);
    CHECK_EQ("confirmed", bus_poll_once(second, 300, 10).count, 0);
    bus_consumer_close(second);
    struct bus_consumer *third = bus_open_consumer("ledger");
    bus_publish_keys(bus_topic, 1, 1);
    const int64_t offset = bus_is_of_queues() ? -1 : again.messages[2].offset + 1;
    CHECK_EQ("a new member goes on where the last one stopped",
             bus_poll_until(third, 1).messages[0].offset, offset);
    bus_consumer_close(third);
}

static void test_bus_poll__a_part_is_confirmed(void **state)
{
    (void)state;
    bus_publish_keys(bus_topic, 1, 10);
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    bus_poll_until(consumer, 4);
    bus_confirm_all(consumer);
    CHECK_EQ("the rest", bus_poll_until(consumer, 6).messages[0].sequence, 5);
    bus_poll_once(consumer, 0, 2);
    bus_confirm_all(consumer); /* of the last poll, not of the larger one before */
    bus_consumer_close(consumer);
    consumer = bus_open_consumer("ledger");
    CHECK_EQ("what the last poll did not hand over",
             bus_poll_until(consumer, 4).messages[0].sequence, 7);
    bus_consumer_close(consumer);
}

static void test_bus_poll__each_group_reads_all(void **state)
{
    (void)state;
    bus_publish_keys(bus_topic, 30, 1);
    static const char *const GROUPS[] = {"ledger", "saga"};
    for (size_t at = 0; at < COUNT(GROUPS); at++) {
        struct bus_consumer *consumer = bus_open_consumer(GROUPS[at]);
        CHECK_EQ(GROUPS[at], bus_poll_until(consumer, 30).count, 30);
        bus_confirm_all(consumer);
        bus_consumer_close(consumer);
    }
}

/* Polls both until they have found `count` messages between them, and each some. */
static void poll_both(struct bus_consumer *one, struct bus_consumer *two, size_t count,
                      struct bus_batch batches[static 2])
{
    const int64_t until_us = clock_monotonic_us() + 30 * INT64_C(1000000);
    const size_t wish = bus_is_of_queues() ? count / 2 : 1000;
    do {
        batches[0] = bus_poll_once(one, 100, wish);
        batches[1] = bus_poll_once(two, 100, wish);
    } while ((batches[0].count + batches[1].count != count || batches[0].count == 0 ||
              batches[1].count == 0) &&
             clock_monotonic_us() < until_us);
    CHECK_EQ("two members", batches[0].count + batches[1].count, count);
    CHECK("the first has some", batches[0].count > 0);
    CHECK("so has the second", batches[1].count > 0);
}

static void test_bus_poll__members_share(void **state)
{
    (void)state;
    bus_publish_keys(bus_topic, 64, 1);
    struct bus_consumer *one = bus_open_consumer("ledger"), *two = bus_open_consumer("ledger");
    struct bus_batch batches[2];
    bool is_taken[BUS_PARTITIONS] = {false};
    poll_both(one, two, 64, batches);
    for (size_t at = 0; at < batches[0].count; at++)
        is_taken[batches[0].messages[at].partition] = true;
    for (size_t at = 0; at < batches[1].count; at++)
        CHECK("no partition is held twice", !is_taken[batches[1].messages[at].partition]);
    bus_confirm_all(one);
    bus_consumer_close(two); /* without a confirm: its share comes again */
    bus_poll_until(one, batches[1].count);
    bus_confirm_all(one);
    CHECK_EQ("and nothing else", bus_poll_once(one, 300, 100).count, 0);
    bus_consumer_close(one);
}

/* What two members of a group have seen, in the order they saw it. A partition that changes hands
 * may come with what was not known to be confirmed. */
static struct {
    pthread_mutex_t mutex;
    struct bus_seen seen;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER, .seen.repeats = true};

enum { SHARED_KEYS = 64, SHARED_EACH = 30 };

static int shared_each(void)
{
    return bus_is_of_queues() ? 4 : SHARED_EACH;
}

static void *consume_shared(void *argument)
{
    struct bus_consumer *consumer = argument;
    struct arena *own = arena_new(64 * 1024 * 1024);
    const struct bus_poll wish = {200, 17};
    const int64_t until_us = clock_monotonic_us() + 30 * INT64_C(1000000);
    struct error err = {.message = ""};
    bool is_done = false;
    while (!is_done && clock_monotonic_us() < until_us) {
        struct bus_batch batch = {NULL, 0};
        if (bus_poll(consumer, &wish, own, &batch, &err) != OK)
            break;
        pthread_mutex_lock(&shared.mutex);
        bus_see(&shared.seen, &batch);
        is_done = shared.seen.count >= (size_t)(SHARED_KEYS * shared_each());
        pthread_mutex_unlock(&shared.mutex);
        if (bus_confirm(consumer, &err) != OK)
            break;
        arena_reset(own);
    }
    if (err.message[0] != '\0')
        fprintf(stderr, "consuming: %s\n", err.message);
    arena_free(own);
    return NULL;
}

static void test_bus_poll__order_per_key_with_two_members(void **state)
{
    (void)state;
    const size_t count = bus_publish_keys(bus_topic, SHARED_KEYS, shared_each());
    pthread_t threads[2];
    struct bus_consumer *consumers[2];
    for (size_t at = 0; at < COUNT(threads); at++) {
        consumers[at] = bus_open_consumer("ledger");
        assert_int_equal(pthread_create(&threads[at], NULL, consume_shared, consumers[at]), 0);
    }
    for (size_t at = 0; at < COUNT(threads); at++) {
        pthread_join(threads[at], NULL);
        bus_consumer_close(consumers[at]);
    }
    CHECK_EQ("all of them", shared.seen.count, count);
    CHECK_EQ("messages that were not next in their key", shared.seen.late, 0);
}

static void test_bus_poll__malformed_headers_are_told(void **state)
{
    (void)state;
    struct message messages[2] = {store_message(bus_topic, store_key(1, 1), 1),
                                  store_message(bus_topic, store_key(1, 1), 2)};
    messages[0].headers = TEXT("{\"ce_specversion\":\"1.0\",\"other\":\"kept\"}");
    store_publish(messages, 2);
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    const struct bus_batch batch = bus_poll_until(consumer, 2);
    CHECK("why", batch.messages[0].malformed != NULL);
    CHECK("the key is known", uuid_equals(&batch.messages[0].key, &messages[0].key));
    CHECK("it has an id", !uuid_is_nil(&batch.messages[0].id));
    CHECK_TEXT("its payload", batch.messages[0].payload, "{\"test\":true}");
    CHECK("the next one is well", batch.messages[1].malformed == NULL);
    const struct uuid id = batch.messages[0].id;
    const struct bus_batch again = bus_poll_until(consumer, 2);
    CHECK("its id is the same every time", uuid_equals(&again.messages[0].id, &id));
    bus_consumer_close(consumer);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void *publish_soon(void *argument)
{
    (void)argument;
    const struct message message = store_message(bus_topic, store_key(1, 1), 1);
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
        struct bus_consumer *consumer = bus_open_consumer("ledger");
        pthread_t thread;
        CHECK_EQ("nothing yet", bus_poll_once(consumer, 0, 1).count, 0);
        assert_int_equal(pthread_create(&thread, NULL, CASES[at].act, consumer), 0);
        const int64_t start_us = clock_monotonic_us();
        CHECK_EQ(CASES[at].given, bus_poll_once(consumer, 30000, 1).count, CASES[at].then);
        CHECK(CASES[at].given, clock_monotonic_us() - start_us < 15 * 1000000);
        bus_confirm_all(consumer);
        pthread_join(thread, NULL);
        bus_consumer_close(consumer);
    }
}

static void test_bus_poll__waits_no_longer_than_told(void **state)
{
    (void)state;
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    bus_poll_once(consumer, 0, 1); /* the first one makes what is missing */
    const int64_t start_us = clock_monotonic_us();
    CHECK_EQ("nothing there", bus_poll_once(consumer, 300, 1).count, 0);
    const int64_t took_us = clock_monotonic_us() - start_us;
    CHECK("it has waited", took_us >= 250 * 1000);
    CHECK("and come back", took_us < 5 * 1000000);
    bus_consumer_close(consumer);
}

/* ---- opening ------------------------------------------------------------------------------- */

static void test_bus_open__an_unknown_kind(void **state)
{
    (void)state;
    const struct bus_config config = {.settings.kind = "pigeons"};
    struct bus_publisher *publisher = NULL;
    struct error err;
    assert_int_equal(bus_publisher_open(&config, &publisher, &err), ERR_INVALID);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, bus_before_each, bus_after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_bus_publish__order_per_key_with_four_publishers),
        CASE(test_bus_publish__what_goes_in_comes_out),
        CASE(test_bus_publish__given_headers_are_kept),
        CASE(test_bus_publish__none),
        CASE(test_bus_poll__everything_once),
        CASE(test_bus_poll__what_is_not_confirmed_comes_again),
        CASE(test_bus_poll__a_part_is_confirmed),
        CASE(test_bus_poll__each_group_reads_all),
        CASE(test_bus_poll__members_share),
        CASE(test_bus_poll__order_per_key_with_two_members),
        CASE(test_bus_poll__malformed_headers_are_told),
        CASE(test_bus_poll__waiting_ends_early),
        CASE(test_bus_poll__waits_no_longer_than_told),
        CASE(test_bus_open__an_unknown_kind),
    };
    bus_need_server();
    return cmocka_run_group_tests_name("store/bus", tests, NULL, NULL);
}
