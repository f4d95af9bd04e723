/* The event bus on Kafka while its broker is killed, hangs, or is away: nothing is lost, nothing
 * comes out of order, nothing waits for ever. The broker is this program's own:
 * TALLYSTICK_TEST_KAFKA_PROCESS is the file with its process id, TALLYSTICK_TEST_KAFKA_START the
 * command that starts it again. */
#include "bus_contract.h"

#include "platform/clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KEYS = 20, BATCH = 100, KILLS = 2 };

/* ---- the broker ------------------------------------------------------------------------------ */

static pid_t broker(void)
{
    long process = 0;
    FILE *file = fopen(getenv("TALLYSTICK_TEST_KAFKA_PROCESS"), "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &process), 1);
    fclose(file);
    return (pid_t)process;
}

static void signal_broker(int number)
{
    assert_int_equal(kill(broker(), number), 0);
}

/* Its port is free a moment after its end. */
static void start_broker(void)
{
    const struct timespec pause = {.tv_nsec = 100 * 1000000};
    for (int tries = 0; tries < 50; tries++) {
        if (system(getenv("TALLYSTICK_TEST_KAFKA_START")) == 0)
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("the broker does not start");
}

/* ---- who publishes as a relay does ----------------------------------------------------------- */

static struct {
    atomic_llong acknowledged; /* of all keys together */
    atomic_llong failures;
    atomic_bool is_stopping;
    int64_t last[KEYS]; /* acknowledged, of each key */
} published;

/* The next of each key, from the first that is not acknowledged. */
static void make_batch(struct message *messages)
{
    for (int at = 0; at < BATCH; at++) {
        const int key = at % KEYS;
        messages[at] =
            store_message(bus_topic, store_key(key, key), published.last[key] + 1 + at / KEYS);
    }
}

static void *publish_until_told(void *unused)
{
    (void)unused;
    const struct bus_config config = store_bus("tallystick_outbox");
    struct bus_publisher *publisher = NULL;
    struct message messages[BATCH];
    bool is_published[BATCH];
    struct error err;
    if (bus_publisher_open(&config, &publisher, &err) != OK)
        return NULL;
    while (!atomic_load(&published.is_stopping)) {
        make_batch(messages);
        const enum status status = bus_publish(publisher, messages, BATCH, is_published, &err);
        atomic_fetch_add(&published.failures, status != OK);
        for (int at = 0; at < BATCH; at++) {
            int64_t *last = &published.last[at % KEYS];
            if (is_published[at] && messages[at].sequence == *last + 1)
                *last = messages[at].sequence;
            atomic_fetch_add(&published.acknowledged, is_published[at]);
        }
    }
    bus_publisher_close(publisher);
    return NULL;
}

static pthread_t start_publishing(void)
{
    pthread_t thread;
    memset(&published, 0, sizeof published);
    assert_int_equal(pthread_create(&thread, NULL, publish_until_told, NULL), 0);
    return thread;
}

static void wait_for_more(long long more)
{
    const long long wanted = atomic_load(&published.acknowledged) + more;
    const int64_t until_us = clock_monotonic_us() + 60 * INT64_C(1000000);
    const struct timespec pause = {.tv_nsec = 2 * 1000000};
    while (atomic_load(&published.acknowledged) < wanted && clock_monotonic_us() < until_us)
        nanosleep(&pause, NULL);
    CHECK("publishing goes on", atomic_load(&published.acknowledged) >= wanted);
}

static void stop_publishing(pthread_t thread)
{
    atomic_store(&published.is_stopping, true);
    pthread_join(thread, NULL);
}

/* Reads until every key has come as far as was acknowledged. */
static void check_all_there(void)
{
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    struct bus_seen seen = {.repeats = true};
    const int64_t until_us = clock_monotonic_us() + 60 * INT64_C(1000000);
    int behind = KEYS;
    while (behind > 0 && clock_monotonic_us() < until_us) {
        const struct bus_batch batch = bus_poll_once(consumer, 500, 500);
        bus_see(&seen, &batch);
        bus_confirm_all(consumer);
        arena_reset(bus_arena);
        behind = 0;
        for (int key = 0; key < KEYS; key++)
            behind += seen.last[key] < published.last[key];
    }
    CHECK_EQ("keys that miss messages that were acknowledged", behind, 0);
    CHECK_EQ("messages that were not next in their key", seen.late, 0);
    bus_consumer_close(consumer);
}

/* ---- publishing ------------------------------------------------------------------------------ */

static void test_bus_publish__broker_killed(void **state)
{
    (void)state;
    const pthread_t thread = start_publishing();
    for (int times = 0; times < KILLS; times++) {
        wait_for_more(20 * BATCH);
        signal_broker(SIGKILL);
        start_broker();
    }
    wait_for_more(20 * BATCH);
    stop_publishing(thread);
    CHECK("it was noticed", atomic_load(&published.failures) > 0);
    check_all_there();
}

/* Longer than a batch's deadline: the client is forgotten with requests on their way, which the
 * broker takes when it goes on. */
static void test_bus_publish__broker_hangs(void **state)
{
    (void)state;
    const pthread_t thread = start_publishing();
    wait_for_more(20 * BATCH);
    signal_broker(SIGSTOP);
    const int64_t until_us = clock_monotonic_us() + 30 * INT64_C(1000000);
    const struct timespec pause = {.tv_nsec = 10 * 1000000};
    while (atomic_load(&published.failures) == 0 && clock_monotonic_us() < until_us)
        nanosleep(&pause, NULL);
    CHECK("a deadline has passed", atomic_load(&published.failures) > 0);
    signal_broker(SIGCONT);
    wait_for_more(20 * BATCH);
    stop_publishing(thread);
    check_all_there();
}

/* ---- consuming ------------------------------------------------------------------------------- */

/* The 51st of each key, once. */
static void publish_more(void)
{
    struct message messages[20];
    for (int key = 0; key < 20; key++)
        messages[key] = store_message(bus_topic, store_key(key, key), 51);
    store_publish(messages, 20);
}

static void check_comes_back(int strike, void (*mend)(void))
{
    bus_publish_keys(bus_topic, 20, 50);
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    struct bus_seen seen = {.repeats = true};
    const struct bus_poll wish = {100, 10};
    struct bus_batch batch = bus_poll_until(consumer, 10);
    struct error err = {.message = ""};
    bool was_down = false;
    bus_see(&seen, &batch);
    bus_confirm_all(consumer);
    signal_broker(strike);
    const int64_t until_us = clock_monotonic_us() + 90 * INT64_C(1000000);
    while (!was_down && clock_monotonic_us() < until_us) {
        was_down = bus_poll(consumer, &wish, bus_arena, &batch, &err) == ERR_DOWN;
        if (!was_down) { /* what was fetched before */
            bus_see(&seen, &batch);
            bus_confirm_all(consumer);
        }
    }
    CHECK("it is told", was_down);
    mend();
    bool has_more = false;
    while (seen.count < 1020 && clock_monotonic_us() < until_us) {
        if (seen.count == 1000 && !has_more) {
            publish_more();
            has_more = true;
        }
        if (bus_poll(consumer, &wish, bus_arena, &batch, &err) != OK)
            continue;
        bus_see(&seen, &batch);
        bus_confirm_all(consumer);
    }
    CHECK_EQ("all of them", seen.count, 1020);
    CHECK_EQ("messages that were not next in their key", seen.late, 0);
    bus_consumer_close(consumer);
}

static void test_bus_poll__broker_killed(void **state)
{
    (void)state;
    check_comes_back(SIGKILL, start_broker);
}

static void go_on(void)
{
    signal_broker(SIGCONT);
}

/* Until a connection that says nothing is given up. */
static void test_bus_poll__broker_hangs(void **state)
{
    (void)state;
    check_comes_back(SIGSTOP, go_on);
}

static void test_bus_close__broker_hangs(void **state)
{
    (void)state;
    const struct bus_config config = store_bus("tallystick_outbox");
    const struct message message = store_message(bus_topic, store_key(1, 1), 1);
    struct bus_publisher *publisher = NULL;
    struct error err = {.message = ""};
    bool is_published = false;
    bus_publish_keys(bus_topic, 1, 10);
    assert_int_equal(bus_publisher_open(&config, &publisher, &err), OK);
    assert_int_equal(bus_publish(publisher, &message, 1, &is_published, &err), OK);
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    bus_poll_until(consumer, 5);
    signal_broker(SIGSTOP);
    const int64_t start_us = clock_monotonic_us();
    bus_confirm_all(consumer);
    bus_consumer_close(consumer);
    bus_publisher_close(publisher);
    const int64_t took_us = clock_monotonic_us() - start_us;
    signal_broker(SIGCONT);
    CHECK("closing ends all the same", took_us < 20 * INT64_C(1000000));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, bus_before_each, bus_after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_bus_publish__broker_killed), CASE(test_bus_publish__broker_hangs),
        CASE(test_bus_poll__broker_killed),    CASE(test_bus_poll__broker_hangs),
        CASE(test_bus_close__broker_hangs),
    };
    if (getenv("TALLYSTICK_TEST_KAFKA_START") == NULL) {
        fprintf(stderr, "TALLYSTICK_TEST_KAFKA_START is not set: skipped\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests_name("store/bus_kafka_faults", tests, NULL, NULL);
}
