/* Consuming on Kafka: what was polled is kept until it is confirmed, so that it can be handed over
 * again without asking the brokers for it. Progress is committed after the confirm, one commit on
 * its way at a time and not too often: what is confirmed meanwhile goes with the next one, at the
 * latest when there is nothing to read.
 *
 * The group takes partitions away only within a poll of ours (or after we have hung for so long
 * that it has given us up). Then what is confirmed is committed first, and what is not is dropped:
 * the partition's next reader begins with it.
 *
 * All but the wake happens on the consumer's own thread: the library's callbacks come from its
 * polls and from its close. */
#include "base/arena.h"
#include "base/assert.h"
#include "platform/bus/kafka_message.h"
#include "platform/bus/kafka_topics.h"
#include "platform/bus/part.h"
#include "platform/bus/topics.h"
#include "platform/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REACH_MS = 1000,
    PROBE_MS = 200,        /* at the end */
    COMMIT_WAIT_MS = 2000, /* before a partition is given back */
    COMMIT_EVERY_MS = 50,  /* while there is something to read */
    GROUP_SIZE_MAX = 300,
};

static const int64_t US_PER_MS = 1000;
static const size_t BATCH_BYTES_MAX = 8 * 1024 * 1024;

struct kafka_consumer {
    struct kafka_client client; /* the library's opaque */
    char group[GROUP_SIZE_MAX];
    struct kafka_topic
        topics[2 * BUS_TOPICS_MAX]; /* to read; then their dead letters, to be there */
    size_t topic_count;
    size_t read_count;
    rd_kafka_queue_t *queue; /* messages and callbacks */
    bool is_subscribed;
    struct error trouble; /* told by the group or a topic since the last message; OK: none */

    rd_kafka_message_t **held; /* polled and not confirmed, in order */
    size_t held_count;
    size_t held_capacity;
    size_t handed_count; /* the first of them: those of the last poll */

    rd_kafka_topic_partition_list_t *confirmed; /* next offsets, not sent yet */
    rd_kafka_topic_partition_list_t *sent;      /* on their way; NULL: none */
    intptr_t assignment;                        /* counts; commits of another one do not matter */
    int64_t commit_due_us;                      /* not before, while there is something to read */
    bool is_idle;                               /* a poll waits for a first message */
    atomic_bool is_woken;
};

/* ---- what is held -------------------------------------------------------------------------- */

static void hold(struct kafka_consumer *consumer, rd_kafka_message_t *message)
{
    if (consumer->held_count == consumer->held_capacity) {
        consumer->held_capacity = 2 * consumer->held_capacity + 64;
        consumer->held = realloc(consumer->held, consumer->held_capacity * sizeof *consumer->held);
        ASSERT(consumer->held != NULL);
    }
    consumer->held[consumer->held_count++] = message;
}

static void drop_first(struct kafka_consumer *consumer, size_t count)
{
    for (size_t at = 0; at < count; at++)
        rd_kafka_message_destroy(consumer->held[at]);
    consumer->held_count -= count;
    if (consumer->held_count > 0)
        memmove(consumer->held, consumer->held + count,
                consumer->held_count * sizeof *consumer->held);
    consumer->handed_count = 0;
}

/* ---- progress ------------------------------------------------------------------------------ */

static void set_offset(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition,
                       int64_t offset)
{
    rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_find(list, topic, partition);
    if (entry == NULL)
        entry = rd_kafka_topic_partition_list_add(list, topic, partition);
    if (offset > entry->offset) /* a fresh one's is negative */
        entry->offset = offset;
}

static void merge_offsets(rd_kafka_topic_partition_list_t *into,
                          const rd_kafka_topic_partition_list_t *from)
{
    for (int at = 0; from != NULL && at < from->cnt; at++)
        set_offset(into, from->elems[at].topic, from->elems[at].partition, from->elems[at].offset);
}

static void clear_list(rd_kafka_topic_partition_list_t **list)
{
    if (*list != NULL)
        rd_kafka_topic_partition_list_destroy(*list);
    *list = NULL;
}

static void forget_offsets(struct kafka_consumer *consumer)
{
    clear_list(&consumer->sent);
    clear_list(&consumer->confirmed);
    consumer->confirmed = rd_kafka_topic_partition_list_new(16);
}

/* The group has given these partitions to somebody else, who is handed them again. */
static bool is_lost(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID ||
           code == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
}

static void send_commit(struct kafka_consumer *consumer);

static void note_committed(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                           rd_kafka_topic_partition_list_t *offsets, void *assignment)
{
    struct kafka_consumer *consumer = rd_kafka_opaque(rk);
    (void)offsets;
    if ((intptr_t)assignment != consumer->assignment || consumer->sent == NULL)
        return;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || is_lost(code)) {
        clear_list(&consumer->sent);
        if (consumer->is_idle)
            send_commit(consumer);
        return;
    }
    merge_offsets(consumer->confirmed, consumer->sent); /* the next poll sends them again */
    clear_list(&consumer->sent);
    if (code != RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS)
        error_set(&consumer->trouble, ERR_DOWN, "progress cannot be committed: %s",
                  rd_kafka_err2str(code));
}

static void send_commit(struct kafka_consumer *consumer)
{
    if (consumer->sent != NULL || consumer->confirmed->cnt == 0)
        return;
    const rd_kafka_resp_err_t code =
        rd_kafka_commit_queue(consumer->client.rk, consumer->confirmed, consumer->queue,
                              note_committed, (void *)consumer->assignment);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return; /* the next poll tries again */
    consumer->sent = consumer->confirmed;
    consumer->confirmed = rd_kafka_topic_partition_list_new(16);
    consumer->commit_due_us = clock_monotonic_us() + COMMIT_EVERY_MS * US_PER_MS;
}

static void note_committed_now(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                               rd_kafka_topic_partition_list_t *offsets, void *is_done)
{
    (void)rk;
    (void)code;
    (void)offsets;
    *(bool *)is_done = true;
}

/* The last word about partitions that are given back. If it is not heard, their next reader is
 * handed some messages again, and its inbox knows them. */
static void commit_now(struct kafka_consumer *consumer)
{
    bool is_done = false;
    merge_offsets(consumer->confirmed, consumer->sent);
    if (consumer->confirmed->cnt > 0) {
        rd_kafka_queue_t *answers = rd_kafka_queue_new(consumer->client.rk);
        if (rd_kafka_commit_queue(consumer->client.rk, consumer->confirmed, answers,
                                  note_committed_now, &is_done) == RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_queue_poll_callback(answers, COMMIT_WAIT_MS);
        rd_kafka_queue_destroy(answers);
    }
    forget_offsets(consumer);
}

/* ---- the group ----------------------------------------------------------------------------- */

static void give_up_partitions(struct kafka_consumer *consumer)
{
    forget_offsets(consumer);
    consumer->assignment++;
    drop_first(consumer, consumer->held_count);
    rd_kafka_assign(consumer->client.rk, NULL);
}

static void note_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                           rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct kafka_consumer *consumer = opaque;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        rd_kafka_assign(rk, partitions);
        return;
    }
    if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS && rd_kafka_assignment_lost(rk) == 0)
        commit_now(consumer);
    give_up_partitions(consumer);
}

/* The library asks once where each partition's reader stands. A refusal of the whole question (the
 * group's coordinator is only starting) it tells us, and never asks again: the group is whole and
 * nobody reads (librdkafka issue 5586). Assigned anew, it asks anew. */
static void assign_again(struct kafka_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *partitions = NULL;
    if (rd_kafka_assignment(consumer->client.rk, &partitions) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (partitions->cnt > 0) {
        commit_now(consumer);
        give_up_partitions(consumer);
        for (int at = 0; at < partitions->cnt; at++)
            partitions->elems[at].offset = RD_KAFKA_OFFSET_STORED;
        rd_kafka_assign(consumer->client.rk, partitions);
    }
    rd_kafka_topic_partition_list_destroy(partitions);
}

static enum status start_client(struct kafka_consumer *consumer, struct error *err)
{
    rd_kafka_conf_t *conf = NULL;
    TRY(kafka_make_conf(&consumer->client.config, RD_KAFKA_CONSUMER, &conf, err));
    rd_kafka_conf_set_rebalance_cb(conf, note_rebalance);
    if (rd_kafka_conf_set(conf, "group.id", consumer->group, NULL, 0) != RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, ERR_INVALID, "'%s' cannot be a group", consumer->group);
    }
    TRY(kafka_client_start(&consumer->client, RD_KAFKA_CONSUMER, conf, err));
    consumer->queue = rd_kafka_queue_get_consumer(consumer->client.rk);
    return OK;
}

/* Groups of two installations in one Kafka do not meet. */
static void name_group(struct kafka_consumer *consumer, const char *group)
{
    const char *const prefix = consumer->client.config.topic_prefix;
    snprintf(consumer->group, sizeof consumer->group, "%s%s%s", prefix == NULL ? "" : prefix,
             prefix == NULL ? "" : ".", group);
}

static bool add_topic(struct kafka_consumer *consumer, struct text name)
{
    return kafka_topic_init(&consumer->topics[consumer->topic_count++], name);
}

static enum status add_topics(struct kafka_consumer *consumer, const char *const topics[],
                              struct error *err)
{
    char dead_letters[2 * KAFKA_TOPIC_NAME_MAX];
    for (; topics[consumer->read_count] != NULL; consumer->read_count++) {
        ASSERT(consumer->read_count < BUS_TOPICS_MAX);
        if (!add_topic(consumer, text_of(topics[consumer->read_count])))
            return error_set(err, ERR_INVALID, "topic '%s' has too long a name",
                             topics[consumer->read_count]);
    }
    for (size_t at = 0; at < consumer->read_count; at++) {
        snprintf(dead_letters, sizeof dead_letters, "%s.dlq", consumer->topics[at].name);
        if (!add_topic(consumer, text_of(dead_letters)))
            return error_set(err, ERR_INVALID, "topic '%s' has too long a name", dead_letters);
    }
    return OK;
}

static enum status consumer_open(const struct bus_config *config, const char *group,
                                 const char *const topics[], void **self_out, struct error *err)
{
    struct kafka_consumer *consumer = calloc(1, sizeof *consumer);
    ASSERT(consumer != NULL);
    consumer->client.config = *config;
    name_group(consumer, group);
    enum status status = add_topics(consumer, topics, err);
    if (status == OK)
        status = start_client(consumer, err);
    if (status != OK) {
        free(consumer);
        return status;
    }
    consumer->confirmed = rd_kafka_topic_partition_list_new(16);
    *self_out = consumer;
    return OK;
}

static void consumer_close(void *self)
{
    struct kafka_consumer *consumer = self;
    struct error ignored;
    const bool leave =
        consumer->is_subscribed && kafka_client_reach(&consumer->client, PROBE_MS, &ignored) == OK;
    drop_first(consumer, consumer->held_count);
    if (leave)
        commit_now(consumer);
    rd_kafka_queue_destroy(consumer->queue);
    consumer->queue = NULL;
    if (!kafka_client_stop(&consumer->client, leave))
        return; /* its callbacks may still come */
    clear_list(&consumer->sent);
    clear_list(&consumer->confirmed);
    free(consumer->held);
    free(consumer);
}

static void consumer_wake(void *self)
{
    struct kafka_consumer *consumer = self;
    atomic_store(&consumer->is_woken, true);
    rd_kafka_queue_yield(consumer->queue);
}

/* ---- polling ------------------------------------------------------------------------------- */

static enum status subscribe(struct kafka_consumer *consumer, struct error *err)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)consumer->read_count);
    for (size_t at = 0; at < consumer->read_count; at++)
        rd_kafka_topic_partition_list_add(list, consumer->topics[at].name, RD_KAFKA_PARTITION_UA);
    const rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(err, ERR_BROKEN, "cannot subscribe: %s", rd_kafka_err2str(code));
    consumer->is_subscribed = true;
    return OK;
}

/* Nothing is subscribed to before it is there: the group would not notice for long. Missing dead
 * letters do not stop anybody but the outbox. */
static enum status prepare(struct kafka_consumer *consumer, struct error *err)
{
    if (consumer->is_subscribed)
        return OK;
    TRY(kafka_client_reach(&consumer->client, REACH_MS, err));
    TRY(kafka_topics_ensure(&consumer->client, consumer->topics, consumer->topic_count, err));
    for (size_t at = 0; at < consumer->read_count; at++) {
        const struct error *state = &consumer->topics[at].state;
        if (state->status != OK)
            return error_set(err, state->status, "%s", state->message);
    }
    return subscribe(consumer, err);
}

static void note_trouble(struct kafka_consumer *consumer, const rd_kafka_message_t *told)
{
    if (told->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED)
        return; /* the group has given us up; we join it again */
    error_set(&consumer->trouble, ERR_NOT_FOUND, "group '%s' cannot read%s%s: %s", consumer->group,
              told->rkt == NULL ? "" : " topic ",
              told->rkt == NULL ? "" : rd_kafka_topic_name(told->rkt),
              rd_kafka_message_errstr(told));
    if (told->rkt == NULL)
        assign_again(consumer);
}

/* Whoever finds nothing has time to commit. */
static rd_kafka_message_t *take(struct kafka_consumer *consumer, int64_t until_us)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->client.rk, 0);
    const int64_t left_ms = (until_us - clock_monotonic_us()) / US_PER_MS;
    if (message != NULL || consumer->held_count > 0 || left_ms <= 0)
        return message;
    send_commit(consumer);
    consumer->is_idle = true;
    message = rd_kafka_consumer_poll(consumer->client.rk, (int)left_ms);
    consumer->is_idle = false;
    return message;
}

/* Takes what is there, and waits only for the first. What is held already fills the batch first;
 * one poll all the same, for the group's callbacks. */
static void gather(struct kafka_consumer *consumer, const struct bus_poll *poll)
{
    const int64_t until_us = clock_monotonic_us() + poll->wait_ms * US_PER_MS;
    size_t bytes = 0;
    if (consumer->held_count >= 2 * poll->count_max)
        return;
    do {
        rd_kafka_message_t *message = take(consumer, until_us);
        if (message == NULL) {
            if (consumer->held_count > 0 || atomic_load(&consumer->is_woken) ||
                clock_monotonic_us() >= until_us)
                return;
            continue;
        }
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            note_trouble(consumer, message);
            rd_kafka_message_destroy(message);
            continue;
        }
        consumer->trouble.status = OK;
        bytes += kafka_message_size(message);
        hold(consumer, message);
    } while (consumer->held_count < poll->count_max && bytes < BATCH_BYTES_MAX);
}

/* The topic's text that lives as long as the consumer. */
static struct text topic_of(const struct kafka_consumer *consumer, const rd_kafka_message_t *from)
{
    const char *name = rd_kafka_topic_name(from->rkt);
    for (size_t at = 0; at < consumer->read_count; at++)
        if (strcmp(consumer->topics[at].name, name) == 0)
            return text_of(consumer->topics[at].name);
    UNREACHABLE();
}

static void hand_over(struct kafka_consumer *consumer, size_t count_max, struct arena *arena,
                      struct bus_batch *batch_out)
{
    size_t bytes = 0, count = 0;
    const size_t held = consumer->held_count < count_max ? consumer->held_count : count_max;
    struct message *messages = ARENA_NEW_ARRAY(arena, struct message, held);
    while (count < held && bytes < BATCH_BYTES_MAX) {
        const rd_kafka_message_t *from = consumer->held[count];
        bytes += kafka_message_size(from);
        kafka_read_message(arena, from, topic_of(consumer, from), &messages[count++]);
    }
    consumer->handed_count = count;
    *batch_out = (struct bus_batch){messages, count};
}

/* Nothing was read: is that because there is nothing? */
static enum status explain_silence(struct kafka_consumer *consumer, struct error *err)
{
    TRY(kafka_client_reach(&consumer->client, REACH_MS, err));
    if (consumer->trouble.status == OK)
        return OK;
    const struct error trouble = consumer->trouble;
    consumer->trouble.status = OK; /* told once; it comes again if it lasts */
    return error_set(err, trouble.status, "%s", trouble.message);
}

static enum status consumer_poll(void *self, const struct bus_poll *poll, struct arena *arena,
                                 struct bus_batch *batch_out, struct error *err)
{
    struct kafka_consumer *consumer = self;
    ASSERT(poll->count_max > 0);
    TRY(prepare(consumer, err));
    consumer->handed_count = 0;
    gather(consumer, poll);
    atomic_store(&consumer->is_woken, false);
    if (consumer->held_count == 0)
        TRY(explain_silence(consumer, err));
    hand_over(consumer, poll->count_max, arena, batch_out);
    return OK;
}

static enum status consumer_confirm(void *self, struct error *err)
{
    struct kafka_consumer *consumer = self;
    (void)err;
    for (size_t at = 0; at < consumer->handed_count; at++) {
        const rd_kafka_message_t *message = consumer->held[at];
        set_offset(consumer->confirmed, rd_kafka_topic_name(message->rkt), message->partition,
                   message->offset + 1);
    }
    drop_first(consumer, consumer->handed_count);
    if (clock_monotonic_us() >= consumer->commit_due_us)
        send_commit(consumer);
    return OK;
}

const struct bus_consumer_part BUS_KAFKA_CONSUMER = {
    .open = consumer_open,
    .poll = consumer_poll,
    .confirm = consumer_confirm,
    .wake = consumer_wake,
    .close = consumer_close,
};
