#include "bus_contract.h"

#include "platform/clock.h"

#include <stdio.h>
#include <unistd.h>

enum { WAIT_MS = 30000, POLL_MS = 200 };

struct arena *bus_arena;
char bus_topic[64], bus_other_topic[64];

static bool is_on_postgres(void)
{
    return strcmp(store_bus("").settings.kind, "postgres") == 0;
}

bool bus_is_of_queues(void)
{
    return strcmp(store_bus("").settings.kind, "sns-sqs") == 0;
}

void bus_need_server(void)
{
    if (is_on_postgres())
        store_need_database();
}

static const char *group_of_test(const char *group)
{
    return text_format(bus_arena, "%s.%s", bus_topic, group).data;
}

/* The groups that tests open, on both topics. */
static const struct bus_reader *make_readers(void)
{
    static struct bus_reader readers[3];
    readers[0] = (struct bus_reader){group_of_test("ledger"), {bus_topic, bus_other_topic}};
    readers[1] = (struct bus_reader){group_of_test("saga"), {bus_topic, bus_other_topic}};
    return readers;
}

int bus_before_each(void **state)
{
    static int number;
    (void)state;
    if (is_on_postgres())
        store_clean();
    const long long now = (long long)clock_realtime_us();
    snprintf(bus_topic, sizeof bus_topic, "test.%lld.%d.one.v1", now, ++number);
    snprintf(bus_other_topic, sizeof bus_other_topic, "test.%lld.%d.two.v1", now, number);
    bus_arena = arena_new(64 * 1024 * 1024);
    store_readers = make_readers();
    return 0;
}

int bus_after_each(void **state)
{
    (void)state;
    arena_free(bus_arena);
    return 0;
}

struct bus_consumer *bus_open_consumer(const char *group)
{
    const struct bus_config config = store_bus("tallystick_ledger");
    const char *const topics[] = {bus_topic, bus_other_topic, NULL};
    struct bus_consumer *consumer = NULL;
    struct error err = {.message = ""};
    if (bus_consumer_open(&config, group_of_test(group), topics, &consumer, &err) != OK)
        fail_msg("opening: %s", err.message);
    return consumer;
}

struct bus_batch bus_poll_once(struct bus_consumer *consumer, int wait_ms, size_t count_max)
{
    const struct bus_poll wish = {wait_ms, count_max};
    struct bus_batch batch = {NULL, 0};
    struct error err = {.message = ""};
    if (bus_poll(consumer, &wish, bus_arena, &batch, &err) != OK)
        fail_msg("polling: %s", err.message);
    return batch;
}

struct bus_batch bus_poll_until(struct bus_consumer *consumer, size_t count)
{
    const int64_t until_us = clock_monotonic_us() + (int64_t)WAIT_MS * 1000;
    struct bus_batch batch;
    do
        batch = bus_poll_once(consumer, POLL_MS, count);
    while (batch.count < count && clock_monotonic_us() < until_us);
    CHECK_EQ("as many as there are", batch.count, count);
    return batch;
}

void bus_confirm_all(struct bus_consumer *consumer)
{
    struct error err = {.message = ""};
    if (bus_confirm(consumer, &err) != OK)
        fail_msg("confirming: %s", err.message);
}

size_t bus_publish_keys(const char *topic, int keys, int each)
{
    const size_t count = (size_t)keys * (size_t)each;
    struct message *messages = ARENA_NEW_ARRAY(bus_arena, struct message, count);
    size_t at = 0;
    for (int sequence = 1; sequence <= each; sequence++)
        for (int number = 0; number < keys; number++)
            messages[at++] = store_message(topic, store_key(number, number % 64), sequence);
    store_publish(messages, count);
    return count;
}

void bus_see(struct bus_seen *seen, const struct bus_batch *batch)
{
    for (size_t at = 0; at < batch->count; at++) {
        const struct message *message = &batch->messages[at];
        int64_t *last = &seen->last[message->key.bytes[14] % 64];
        if (seen->repeats && message->sequence <= *last)
            continue;
        seen->late += message->sequence != *last + 1;
        *last = message->sequence;
        seen->count++;
    }
}
