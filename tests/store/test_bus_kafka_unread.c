/* A group on Kafka that is whole and reads nothing: the client library asked where its readers
 * stand, was refused by a coordinator that was only starting, and does not ask again (librdkafka
 * issue 5586). It needs a broker that went away at the worst moment; here the refusal is put in
 * front of the library's own messages, and the first assignment reads nothing. The rest is a real
 * broker. */
#include "bus_contract.h"

#include "platform/clock.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    bool is_still; /* the partitions are assigned, and nothing comes of it */
    bool is_told;
} refusal;

static rd_kafka_message_t refused = {.err = RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                                     .payload = "Broker: Not coordinator",
                                     .len = sizeof "Broker: Not coordinator" - 1};

rd_kafka_resp_err_t __real_rd_kafka_assign(rd_kafka_t *rk,
                                           const rd_kafka_topic_partition_list_t *partitions);
rd_kafka_resp_err_t __wrap_rd_kafka_assign(rd_kafka_t *rk,
                                           const rd_kafka_topic_partition_list_t *partitions);
rd_kafka_message_t *__real_rd_kafka_consumer_poll(rd_kafka_t *rk, int timeout_ms);
rd_kafka_message_t *__wrap_rd_kafka_consumer_poll(rd_kafka_t *rk, int timeout_ms);
void __real_rd_kafka_message_destroy(rd_kafka_message_t *message);
void __wrap_rd_kafka_message_destroy(rd_kafka_message_t *message);

/* The first time everybody stands at the end, where there is nothing to read. */
rd_kafka_resp_err_t __wrap_rd_kafka_assign(rd_kafka_t *rk,
                                           const rd_kafka_topic_partition_list_t *partitions)
{
    if (refusal.is_still || partitions == NULL)
        return __real_rd_kafka_assign(rk, partitions);
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_copy(partitions);
    for (int at = 0; at < ends->cnt; at++)
        ends->elems[at].offset = RD_KAFKA_OFFSET_END;
    const rd_kafka_resp_err_t code = __real_rd_kafka_assign(rk, ends);
    rd_kafka_topic_partition_list_destroy(ends);
    refusal.is_still = true;
    return code;
}

rd_kafka_message_t *__wrap_rd_kafka_consumer_poll(rd_kafka_t *rk, int timeout_ms)
{
    if (!refusal.is_still || refusal.is_told)
        return __real_rd_kafka_consumer_poll(rk, timeout_ms);
    refusal.is_told = true;
    return &refused;
}

void __wrap_rd_kafka_message_destroy(rd_kafka_message_t *message)
{
    if (message != &refused)
        __real_rd_kafka_message_destroy(message);
}

static void test_bus_poll__readers_refused(void **state)
{
    (void)state;
    bus_publish_keys(bus_topic, 5, 4);
    struct bus_consumer *consumer = bus_open_consumer("ledger");
    const struct bus_poll wish = {100, 20};
    const int64_t until_us = clock_monotonic_us() + 60 * INT64_C(1000000);
    struct bus_seen seen = {.late = 0};
    bool was_told = false;
    while (seen.count < 20 && clock_monotonic_us() < until_us) {
        struct bus_batch batch = {NULL, 0};
        struct error err = {.message = ""};
        if (bus_poll(consumer, &wish, bus_arena, &batch, &err) != OK) {
            was_told = strstr(err.message, "Not coordinator") != NULL;
            continue;
        }
        bus_see(&seen, &batch);
        bus_confirm_all(consumer);
    }
    CHECK("the refusal is told", was_told);
    CHECK_EQ("all of them", seen.count, 20);
    CHECK_EQ("messages that were not next in their key", seen.late, 0);
    bus_consumer_close(consumer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bus_poll__readers_refused, bus_before_each,
                                        bus_after_each),
    };
    bus_need_server();
    return cmocka_run_group_tests_name("store/bus_kafka_unread", tests, NULL, NULL);
}
