/* The event bus on Kafka beside its contract: messages of others, messages that brokers refuse,
 * topics that are not as they should be, settings. */
#include "bus_contract.h"

#include "platform/clock.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 20000 };

/* ---- a client that is not ours --------------------------------------------------------------- */

static rd_kafka_t *open_other(void)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", getenv("KAFKA_BROKERS"), NULL, 0);
    rd_kafka_conf_set(conf, "message.max.bytes", "3000000", NULL, 0);
    rd_kafka_conf_set(conf, "partitioner", "murmur2_random", NULL, 0);
    rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0); /* keeps them in order */
    rd_kafka_t *other = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    assert_non_null(other);
    return other;
}

static void make_topic(const char *name, int partitions, const char *setting, const char *value)
{
    char text[256];
    rd_kafka_t *other = open_other();
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, text, sizeof text);
    rd_kafka_NewTopic_set_config(topic, setting, value);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(other);
    rd_kafka_CreateTopics(other, &topic, 1, NULL, answers);
    rd_kafka_event_t *answer = rd_kafka_queue_poll(answers, WAIT_MS);
    assert_non_null(answer);
    assert_int_equal(rd_kafka_event_error(answer), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_event_destroy(answer);
    rd_kafka_queue_destroy(answers);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_destroy(other);
}

/* One that is ours in every way. */
static struct message well(int64_t sequence)
{
    return store_message(bus_topic, store_key(1, 1), sequence);
}

static rd_kafka_headers_t *good_headers(void)
{
    static const struct {
        const char *name, *value;
    } HEADERS[] = {
        {"content-type", "application/json"},
        {"ce_specversion", "1.0"},
        {"ce_id", "0192f0c0-0000-7000-8000-000000000001"},
        {"ce_source", "/elsewhere"},
        {"ce_type", "dev.tallystick.test.happened.v1"},
        {"ce_subject", "0192f0c0-0000-7000-8000-000000000002"},
        {"ce_time", "2024-01-01T00:00:00Z"},
        {"ce_partitionkey", "00000000-0000-8000-8000-00000000002a"},
        {"ce_sequence", "1"},
    };
    rd_kafka_headers_t *headers = rd_kafka_headers_new(16);
    for (size_t at = 0; at < COUNT(HEADERS); at++)
        rd_kafka_header_add(headers, HEADERS[at].name, -1, HEADERS[at].value, -1);
    return headers;
}

/* ---- messages of others ---------------------------------------------------------------------- */

static rd_kafka_headers_t *no_headers(void)
{
    return rd_kafka_headers_new(1);
}

static rd_kafka_headers_t *twice_a_header(void)
{
    rd_kafka_headers_t *headers = good_headers();
    rd_kafka_header_add(headers, "ce_id", -1, "0192f0c0-0000-7000-8000-000000000009", -1);
    return headers;
}

static rd_kafka_headers_t *bytes_in_a_header(void)
{
    rd_kafka_headers_t *headers = good_headers();
    rd_kafka_header_add(headers, "bytes", -1, "\0\xff\xfe", 3);
    rd_kafka_header_add(headers, "nothing", -1, NULL, 0);
    return headers;
}

static rd_kafka_headers_t *nil_id(void)
{
    rd_kafka_headers_t *headers = good_headers();
    rd_kafka_header_remove(headers, "ce_id");
    rd_kafka_header_add(headers, "ce_id", -1, "00000000-0000-0000-0000-000000000000", -1);
    return headers;
}

static rd_kafka_headers_t *many_headers(void)
{
    rd_kafka_headers_t *headers = good_headers();
    for (int at = 0; at < 20000; at++)
        rd_kafka_header_add(headers, "again", -1, "and again", -1);
    return headers;
}

static const char KEY[] = "00000000-0000-8000-8000-00000000002a";
static char large_payload[2000000];

static const struct other_case {
    const char *given;
    rd_kafka_headers_t *(*headers)(void);
    const char *key;
    const char *payload;
    size_t payload_size;
    const char *malformed; /* part of why; NULL: it is well */
    const char *payload_read;
} OTHER_CASES[] = {
    {"a message as ours", good_headers, KEY, "{}", 2, NULL, "{}"},
    {"a header twice", twice_a_header, KEY, "{}", 2, NULL, "{}"},
    {"bytes in a header", bytes_in_a_header, KEY, "{}", 2, NULL, "{}"},
    {"no headers", no_headers, KEY, "{}", 2, "ce_specversion", "{}"},
    {"no key", good_headers, NULL, "{}", 2, "key", "{}"},
    {"a key that is no UUID", good_headers, "4711", "{}", 2, "key", "{}"},
    {"a key of zeros", good_headers, "00000000-0000-0000-0000-000000000000", "{}", 2, "key", "{}"},
    {"an id of zeros", nil_id, KEY, "{}", 2, "ce_id", "{}"},
    {"a tombstone", good_headers, KEY, NULL, 0, "payload", ""},
    {"an empty payload", good_headers, KEY, "", 0, NULL, ""},
    {"bytes as payload", good_headers, KEY, "\xff\0{", 3, "no text", "{\"data_base64\":\"/wB7\"}"},
    {"a large payload", good_headers, KEY, large_payload, sizeof large_payload, "too large", ""},
    {"many headers", many_headers, KEY, "{}", 2, "too large", ""},
};

static void produce_other(rd_kafka_t *other, const struct other_case *one)
{
    const size_t key_size = one->key == NULL ? 0 : strlen(one->key);
    const rd_kafka_resp_err_t code = rd_kafka_producev(
        other, RD_KAFKA_V_TOPIC(bus_topic), RD_KAFKA_V_KEY((void *)(uintptr_t)one->key, key_size),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)one->payload, one->payload_size),
        RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_HEADERS(one->headers()), RD_KAFKA_V_END);
    CHECK_EQ(one->given, code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void check_other(const struct other_case *one, const struct message *read)
{
    if (one->malformed == NULL && read->malformed != NULL)
        fail_msg("given %s: malformed: %s", one->given, read->malformed);
    if (one->malformed != NULL)
        CHECK(one->given,
              read->malformed != NULL && strstr(read->malformed, one->malformed) != NULL);
    CHECK(one->given, !uuid_is_nil(&read->id));
    CHECK(one->given, !uuid_is_nil(&read->key));
    CHECK_TEXT(one->given, read->payload, one->payload_read);
    CHECK(one->given, read->headers.size >= 2 && read->headers.data[0] == '{');
}

static void test_bus_poll__messages_of_others(void **state)
{
    (void)state;
    memset(large_payload, 'x', sizeof large_payload);
    make_topic(bus_topic, 4, "max.message.bytes", "4000000");
    rd_kafka_t *other = open_other();
    for (size_t at = 0; at < COUNT(OTHER_CASES); at++)
        produce_other(other, &OTHER_CASES[at]);
    assert_int_equal(rd_kafka_flush(other, WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(other);
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    const struct bus_batch batch = bus_poll_until(consumer, COUNT(OTHER_CASES));
    for (size_t at = 0; at < batch.count; at++)
        check_other(&OTHER_CASES[at], &batch.messages[at]);
    CHECK("the last of two headers counts",
          strstr(text_to_c(bus_arena, batch.messages[1].headers), "000000000009") != NULL);
    CHECK("others' headers are kept",
          strstr(text_to_c(bus_arena, batch.messages[2].headers), "\"nothing\":\"\"") != NULL);
    for (size_t at = 3; at < batch.count; at++)
        for (size_t other_at = 3; other_at < at; other_at++)
            if (OTHER_CASES[at].headers == no_headers &&
                OTHER_CASES[other_at].headers == no_headers)
                CHECK("ids differ",
                      !uuid_equals(&batch.messages[at].id, &batch.messages[other_at].id));
    bus_confirm_all(consumer);
    CHECK_EQ("passed over", bus_poll_once(consumer, 300, 10).count, 0);
    bus_consumer_close(consumer);
}

/* ---- members come and go ----------------------------------------------------------------------
 */

enum { GUESTS = 3, GUEST_KEYS = 60, GUEST_EACH = 100, GUEST_BATCHES = 8 };

static struct {
    pthread_mutex_t mutex;
    struct bus_seen seen;
    int stays;
} guests = {.mutex = PTHREAD_MUTEX_INITIALIZER, .seen.repeats = true};

static bool see_as_guest(const struct bus_batch *batch)
{
    pthread_mutex_lock(&guests.mutex);
    bus_see(&guests.seen, batch);
    const bool is_done = guests.seen.count >= GUEST_KEYS * GUEST_EACH;
    pthread_mutex_unlock(&guests.mutex);
    return is_done;
}

/* Joins, takes some batches, leaves; every other time without confirming the last. */
static bool stay(struct bus_consumer *consumer, struct arena *own, int time)
{
    const struct bus_poll wish = {200, 40};
    bool is_done = false;
    for (int batches = 0; batches < GUEST_BATCHES && !is_done;) {
        struct bus_batch batch = {NULL, 0};
        struct error err;
        if (bus_poll(consumer, &wish, own, &batch, &err) != OK)
            continue;
        is_done = see_as_guest(&batch);
        batches += batch.count > 0;
        if (batches < GUEST_BATCHES || time % 2 == 0)
            is_done = bus_confirm(consumer, &err) != OK || is_done;
        arena_reset(own);
    }
    return is_done;
}

static void *come_and_go(void *unused)
{
    (void)unused;
    const struct bus_config config = store_bus("tallystick_ledger");
    const char *const topics[] = {bus_topic, NULL};
    struct arena *own = arena_new(64 * 1024 * 1024);
    const int64_t until_us = clock_monotonic_us() + 60 * INT64_C(1000000);
    bool is_done = false;
    for (int time = 0; !is_done && clock_monotonic_us() < until_us; time++) {
        struct bus_consumer *consumer = NULL;
        struct error err;
        if (bus_consumer_open(&config, bus_topic, topics, &consumer, &err) != OK)
            break;
        is_done = stay(consumer, own, time);
        bus_consumer_close(consumer);
        pthread_mutex_lock(&guests.mutex);
        guests.stays++;
        pthread_mutex_unlock(&guests.mutex);
    }
    arena_free(own);
    return NULL;
}

static void test_bus_poll__members_come_and_go(void **state)
{
    (void)state;
    bus_publish_keys(bus_topic, GUEST_KEYS, GUEST_EACH);
    store_run_together(come_and_go, GUESTS);
    CHECK_EQ("all of them", guests.seen.count, GUEST_KEYS * GUEST_EACH);
    CHECK_EQ("messages that were not next in their key", guests.seen.late, 0);
    CHECK("there was some coming and going", guests.stays > GUESTS);
}

/* ---- messages that are refused ----------------------------------------------------------------
 */

static struct bus_publisher *open_publisher(const struct bus_config *config)
{
    struct bus_publisher *publisher = NULL;
    struct error err = {.message = ""};
    if (bus_publisher_open(config, &publisher, &err) != OK)
        fail_msg("opening: %s", err.message);
    return publisher;
}

/* `size` bytes of payload. */
static struct message of_size(const char *topic, int key, int64_t sequence, size_t size)
{
    struct message message = store_message(topic, store_key(key, key), sequence);
    char *payload = arena_alloc(bus_arena, size);
    memset(payload, 'x', size);
    message.payload = (struct text){payload, size};
    return message;
}

/* The second and fifth are too large; what follows them under their keys waits. */
static void check_refusal(const char *given, size_t too_large)
{
    const struct bus_config config = store_bus("tallystick_outbox");
    struct bus_publisher *publisher = open_publisher(&config);
    const struct message messages[] = {
        of_size(bus_topic, 1, 1, 10),        of_size(bus_topic, 2, 1, too_large),
        of_size(bus_topic, 1, 2, 10),        of_size(bus_topic, 2, 2, 10),
        of_size(bus_topic, 3, 1, too_large), of_size(bus_other_topic, 4, 1, 10),
        of_size(bus_topic, 5, 1, 10),
    };
    static const bool WANTED[] = {true, false, true, false, false, true, true};
    bool published[COUNT(messages)];
    struct error err = {.message = ""};
    for (int twice = 0; twice < 2; twice++) {
        CHECK_EQ(given, bus_publish(publisher, messages, COUNT(messages), published, &err),
                 ERR_INVALID);
        CHECK(given, strstr(err.message, bus_topic) != NULL);
        for (size_t at = 0; at < COUNT(messages); at++)
            CHECK_EQ(err.message, published[at], WANTED[at]);
    }
    const struct message fine = of_size(bus_topic, 1, 3, 10);
    CHECK_EQ(given, bus_publish(publisher, &fine, 1, published, &err), OK);
    bus_publisher_close(publisher);
}

static void test_bus_publish__too_large_for_the_library(void **state)
{
    (void)state;
    check_refusal("the library's bound", 1100000);
}

static void test_bus_publish__too_large_for_the_topic(void **state)
{
    (void)state;
    make_topic(bus_topic, 1, "max.message.bytes", "20000");
    check_refusal("the topic's bound", 30000);
}

static void test_bus_publish__batches_too_large_for_the_topic(void **state)
{
    (void)state;
    make_topic(bus_topic, 1, "max.message.bytes", "20000");
    const struct bus_config config = store_bus("tallystick_outbox");
    struct bus_publisher *publisher = open_publisher(&config);
    enum { COUNT_ = 40 };
    struct message messages[COUNT_];
    bool published[COUNT_];
    struct error err = {.message = ""};
    for (int at = 0; at < COUNT_; at++)
        messages[at] = of_size(bus_topic, at % 5, at / 5 + 1, 10000);
    if (bus_publish(publisher, messages, COUNT_, published, &err) != OK)
        fail_msg("given messages that fit, but not all in one batch: %s", err.message);
    bus_publisher_close(publisher);
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    struct bus_seen seen = {.repeats = true};
    while (seen.count < COUNT_) {
        const struct bus_batch batch = bus_poll_once(consumer, 5000, 100);
        CHECK("more comes", batch.count > 0);
        bus_see(&seen, &batch);
        bus_confirm_all(consumer);
    }
    CHECK_EQ("in order", seen.late, 0);
    bus_consumer_close(consumer);
}

/* ---- topics ---------------------------------------------------------------------------------- */

static void test_bus_publish__a_topic_that_cannot_be_made(void **state)
{
    (void)state;
    struct bus_config config = store_bus("tallystick_outbox");
    config.settings.kafka_replicas = 3; /* there is one broker */
    make_topic(bus_other_topic, 3, "retention.ms", "3600000");
    struct bus_publisher *publisher = open_publisher(&config);
    const struct message messages[] = {
        store_message(bus_topic, store_key(1, 1), 1),
        store_message(bus_other_topic, store_key(2, 2), 1),
        store_message(bus_other_topic, store_key(1, 1), 1),
    };
    bool published[COUNT(messages)];
    struct error err = {.message = ""};
    CHECK_EQ("one of two topics", bus_publish(publisher, messages, 3, published, &err),
             ERR_NOT_FOUND);
    CHECK(err.message, strstr(err.message, bus_topic) != NULL);
    CHECK(err.message, strstr(err.message, "make it with 4 partitions") != NULL);
    CHECK_EQ("the missing one", published[0], false);
    CHECK_EQ("the other, of another number of partitions", published[1], true);
    CHECK_EQ("the same key", published[2], false);
    bus_publisher_close(publisher);
}

static void test_bus_poll__a_topic_that_cannot_be_made(void **state)
{
    (void)state;
    struct bus_config config = store_bus("tallystick_ledger");
    config.settings.kafka_replicas = 3;
    const char *const topics[] = {bus_topic, NULL};
    const struct bus_poll wish = {100, 1};
    struct bus_consumer *consumer = NULL;
    struct bus_batch batch;
    struct error err = {.message = ""};
    assert_int_equal(bus_consumer_open(&config, "ledger", topics, &consumer, &err), OK);
    CHECK_EQ("missing", bus_poll(consumer, &wish, bus_arena, &batch, &err), ERR_NOT_FOUND);
    CHECK(err.message, strstr(err.message, bus_topic) != NULL);
    make_topic(bus_topic, 4, "retention.ms", "3600000");
    const int64_t until_us = clock_monotonic_us() + WAIT_MS * INT64_C(1000);
    while (bus_poll(consumer, &wish, bus_arena, &batch, &err) != OK &&
           clock_monotonic_us() < until_us)
        continue;
    const struct message message = well(1);
    store_publish(&message, 1);
    bus_poll_until(consumer, 1);
    bus_consumer_close(consumer);
}

/* ---- nobody there ---------------------------------------------------------------------------- */

static void test_bus__no_broker(void **state)
{
    (void)state;
    struct bus_config config = store_bus("tallystick_outbox");
    config.settings.kafka_brokers = "127.0.0.1:1";
    struct bus_publisher *publisher = open_publisher(&config);
    const char *const topics[] = {bus_topic, NULL};
    const struct bus_poll wish = {100, 1};
    const struct message message = well(1);
    struct bus_consumer *consumer = NULL;
    struct bus_batch batch;
    struct error err = {.message = ""};
    bool published = true;
    const int64_t start_us = clock_monotonic_us();
    CHECK_EQ("asking", bus_publish(publisher, NULL, 0, NULL, &err), ERR_DOWN);
    CHECK(err.message, strstr(err.message, "127.0.0.1:1") != NULL);
    CHECK_EQ("publishing", bus_publish(publisher, &message, 1, &published, &err), ERR_DOWN);
    CHECK("it is not published", !published);
    assert_int_equal(bus_consumer_open(&config, "ledger", topics, &consumer, &err), OK);
    CHECK_EQ("polling", bus_poll(consumer, &wish, bus_arena, &batch, &err), ERR_DOWN);
    bus_consumer_close(consumer);
    bus_publisher_close(publisher);
    CHECK("all of it fast", clock_monotonic_us() - start_us < 15 * INT64_C(1000000));
}

/* ---- settings -------------------------------------------------------------------------------- */

static void test_bus_open__kafka_properties(void **state)
{
    (void)state;
    static const struct {
        const char *given, *properties;
        const char *refused; /* part of why; NULL: taken */
    } CASES[] = {
        {"none", NULL, NULL},
        {"nothing", "", NULL},
        {"some", "linger.ms=1\n\n# a comment\r\n  security.protocol = plaintext  \r\n", NULL},
        {"a value with an equals sign", "sasl.password=a=b", NULL},
        {"no such name", "lingerms=1", "lingerms"},
        {"no such value", "linger.ms=soon", "linger.ms"},
        {"no value", "linger.ms", "name=value"},
        {"no name", "=1", "name=value"},
        {"one that promises rest on", "acks=1", "'acks'"},
        {"its other name", "request.required.acks=1", "'request.required.acks'"},
        {"one that orders", "enable.idempotence=false", "'enable.idempotence'"},
        {"an option of its own", "bootstrap.servers=elsewhere", "'bootstrap.servers'"},
        {"a consumer's", "enable.auto.commit=true", "'enable.auto.commit'"},
        {"the other assignor", "partition.assignment.strategy=cooperative-sticky",
         "'partition.assignment.strategy'"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct bus_config config = store_bus("tallystick_outbox");
        struct bus_publisher *publisher = NULL;
        struct error err = {.message = ""};
        config.settings.kafka_properties = CASES[at].properties;
        const enum status status = bus_publisher_open(&config, &publisher, &err);
        if (status == OK)
            bus_publisher_close(publisher);
        CHECK_EQ(CASES[at].given, status, CASES[at].refused == NULL ? OK : ERR_INVALID);
        if (CASES[at].refused != NULL)
            CHECK(err.message, strstr(err.message, CASES[at].refused) != NULL);
        CHECK("no secret is told", strstr(err.message, "a=b") == NULL);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, bus_before_each, bus_after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_bus_poll__messages_of_others),
        CASE(test_bus_poll__members_come_and_go),
        CASE(test_bus_publish__too_large_for_the_library),
        CASE(test_bus_publish__too_large_for_the_topic),
        CASE(test_bus_publish__batches_too_large_for_the_topic),
        CASE(test_bus_publish__a_topic_that_cannot_be_made),
        CASE(test_bus_poll__a_topic_that_cannot_be_made),
        CASE(test_bus__no_broker),
        CASE(test_bus_open__kafka_properties),
    };
    if (getenv("KAFKA_BROKERS") == NULL) {
        fprintf(stderr, "KAFKA_BROKERS is not set: skipped\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests_name("store/bus_kafka", tests, NULL, NULL);
}
