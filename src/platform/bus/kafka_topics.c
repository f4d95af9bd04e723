/* Asking to make a topic that exists is answered by "it exists" and costs one round trip for all of
 * them, so that is done first: asking for a topic that does not exist might make brokers of some
 * configurations make it their own way. */
#include "platform/bus/kafka_topics.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/bus/topics.h"
#include "platform/clock.h"
#include "platform/log/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ANSWER_MS = 5000, /* for the brokers to answer one question */
    APPEAR_MS = 5000, /* for all topics that were made to be seen */
    APPEAR_POLL_MS = 20,
    LOOK_AGAIN_MS = 2000,
    TOPICS_ENSURE_MAX = 64,
    DLQ_RETENTION_S = 14 * 24 * 3600,
    ERROR_SIZE = 256,
};

static const int64_t US_PER_MS = 1000;

bool kafka_topic_init(struct kafka_topic *topic, struct text name)
{
    if (name.size > KAFKA_TOPIC_NAME_MAX)
        return false;
    *topic = (struct kafka_topic){.state.status = ERR_NOT_FOUND};
    snprintf(topic->name, sizeof topic->name, "%.*s", TEXT_ARGS(name));
    return true;
}

/* ---- making -------------------------------------------------------------------------------- */

/* Dead letters wait for somebody to look. */
static int64_t retention_s(const struct bus_settings *settings, struct text topic)
{
    const int64_t s = settings->retention_s;
    return topic_is_of_dead_letters(topic) && s < DLQ_RETENTION_S ? DLQ_RETENTION_S : s;
}

static rd_kafka_NewTopic_t *describe(const struct bus_settings *settings,
                                     const struct kafka_topic *topic)
{
    char text[ERROR_SIZE], retention_ms[32];
    rd_kafka_NewTopic_t *made =
        rd_kafka_NewTopic_new(topic->name, (int)settings->kafka_partitions,
                              (int)settings->kafka_replicas, text, sizeof text);
    if (made == NULL)
        return NULL;
    snprintf(retention_ms, sizeof retention_ms, "%" PRId64,
             retention_s(settings, text_of(topic->name)) * 1000);
    rd_kafka_NewTopic_set_config(made, "retention.ms", retention_ms);
    rd_kafka_NewTopic_set_config(made, "cleanup.policy", "delete");
    /* what is acknowledged is on two brokers at least, where there are three */
    rd_kafka_NewTopic_set_config(made, "min.insync.replicas",
                                 settings->kafka_replicas >= 3 ? "2" : "1");
    return made;
}

static rd_kafka_event_t *ask_to_make(struct kafka_client *client, rd_kafka_NewTopic_t **made,
                                     size_t count)
{
    char text[ERROR_SIZE];
    rd_kafka_queue_t *answers = rd_kafka_queue_new(client->rk);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client->rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_MS, text, sizeof text);
    rd_kafka_CreateTopics(client->rk, made, count, options, answers);
    rd_kafka_event_t *answer = rd_kafka_queue_poll(answers, ANSWER_MS + 1000);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(answers);
    return answer;
}

static struct kafka_topic *find(struct kafka_topic *topics, size_t count, const char *name)
{
    for (size_t at = 0; at < count; at++)
        if (strcmp(topics[at].name, name) == 0)
            return &topics[at];
    return NULL;
}

/* Why a topic could not be made stays as its state, until a look finds it there all the same. */
static void note_made(struct kafka_client *client, struct kafka_topic *topic,
                      const rd_kafka_topic_result_t *result)
{
    const struct bus_settings *settings = &client->config.settings;
    const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(result);
    const char *why = rd_kafka_topic_result_error_string(result);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        topic->state.message[0] = '\0';
    else if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_info(NULL, "kafka.topic_made", "topic made", kv_str("topic", topic->name),
                 kv_i64("partitions", settings->kafka_partitions),
                 kv_i64("replicas", settings->kafka_replicas));
        topic->state.message[0] = '\0';
    } else {
        error_set(&topic->state, ERR_NOT_FOUND,
                  "topic '%s' is missing and cannot be made here, make it with %" PRId64
                  " partitions or allow this user to: %s",
                  topic->name, settings->kafka_partitions,
                  why != NULL ? why : rd_kafka_err2str(code));
    }
}

static enum status make_missing(struct kafka_client *client, struct kafka_topic *topics,
                                size_t count, struct error *err)
{
    rd_kafka_NewTopic_t *made[TOPICS_ENSURE_MAX];
    size_t made_count = 0;
    for (size_t at = 0; at < count; at++) {
        if (topics[at].state.status == OK)
            continue;
        made[made_count] = describe(&client->config.settings, &topics[at]);
        if (made[made_count] == NULL)
            return error_set(err, ERR_INVALID,
                             "kafka-partitions and kafka-replicas must be at least 1");
        made_count++;
    }
    rd_kafka_event_t *answer = ask_to_make(client, made, made_count);
    rd_kafka_NewTopic_destroy_array(made, made_count);
    if (answer == NULL || rd_kafka_event_error(answer) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (answer != NULL)
            rd_kafka_event_destroy(answer);
        return kafka_client_is_down(client, err);
    }
    size_t result_count = 0;
    const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(answer), &result_count);
    for (size_t at = 0; at < result_count; at++) {
        struct kafka_topic *topic = find(topics, count, rd_kafka_topic_result_name(results[at]));
        ASSERT(topic != NULL);
        note_made(client, topic, results[at]);
    }
    rd_kafka_event_destroy(answer);
    return OK;
}

/* ---- looking ------------------------------------------------------------------------------- */

static void tell_partitions(const struct bus_settings *settings, const char *topic, int partitions)
{
    if (partitions != settings->kafka_partitions)
        log_warning(NULL, "kafka.topic_differs",
                    "topic has another number of partitions than kafka-partitions says: it is used "
                    "as it is, never change it while messages are in it",
                    kv_str("topic", topic), kv_i64("partitions", partitions),
                    kv_i64("configured", settings->kafka_partitions));
}

/* True when there is no more to learn about the topic. */
static bool note_look(struct kafka_client *client, struct kafka_topic *topic,
                      const struct rd_kafka_metadata_topic *found)
{
    if (found->err == RD_KAFKA_RESP_ERR_NO_ERROR && found->partition_cnt > 0) {
        topic->state.status = OK;
        tell_partitions(&client->config.settings, topic->name, found->partition_cnt);
        return true;
    }
    if (found->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        error_set(&topic->state, ERR_NOT_FOUND,
                  "topic '%s' may not be used by this user of Kafka: make it, with %" PRId64
                  " partitions, if it is missing, and allow to describe, read and write it",
                  topic->name, client->config.settings.kafka_partitions);
        return true;
    }
    return topic->state.message[0] != '\0'; /* it was not made, and it is not there */
}

static enum status look_once(struct kafka_client *client, struct kafka_topic *topic, bool *done_out,
                             struct error *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client->rk, topic->name, NULL);
    ASSERT(handle != NULL);
    const rd_kafka_resp_err_t code = rd_kafka_metadata(client->rk, 0, handle, &metadata, ANSWER_MS);
    rd_kafka_topic_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_client_is_down(client, err);
    *done_out = metadata->topic_cnt == 1 && note_look(client, topic, &metadata->topics[0]);
    rd_kafka_metadata_destroy(metadata);
    return OK;
}

static enum status look(struct kafka_client *client, struct kafka_topic *topic, int64_t until_us,
                        struct error *err)
{
    const struct timespec pause = {.tv_nsec = APPEAR_POLL_MS * 1000000L};
    bool is_done = false;
    for (;;) {
        TRY(look_once(client, topic, &is_done, err));
        if (is_done)
            return OK;
        if (clock_monotonic_us() > until_us)
            break;
        nanosleep(&pause, NULL);
    }
    error_set(&topic->state, ERR_NOT_FOUND, "topic '%s' was made and has not appeared",
              topic->name);
    return OK;
}

enum status kafka_topics_ensure(struct kafka_client *client, struct kafka_topic *topics,
                                size_t count, struct error *err)
{
    const int64_t now_us = clock_monotonic_us();
    size_t missing = 0;
    ASSERT(count <= TOPICS_ENSURE_MAX);
    for (size_t at = 0; at < count; at++)
        missing += topics[at].state.status != OK && topics[at].look_again_us <= now_us;
    if (missing == 0)
        return OK;
    TRY(make_missing(client, topics, count, err));
    const int64_t until_us = clock_monotonic_us() + APPEAR_MS * US_PER_MS;
    for (size_t at = 0; at < count; at++) {
        if (topics[at].state.status == OK)
            continue;
        topics[at].look_again_us = now_us + LOOK_AGAIN_MS * US_PER_MS;
        TRY(look(client, &topics[at], until_us, err));
    }
    return OK;
}
