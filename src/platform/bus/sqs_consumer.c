/* Consuming from SQS: a poll gathers what several ReceiveMessage calls give, holds it in memory and
 * keeps it from others until the confirm deletes it. Unconfirmed messages are handed over again
 * from memory: to receive them anew would count towards their dead-letter queue.
 *
 * A FIFO queue hands out nothing more of a message group while some of it is held; so order per key
 * needs no care here, neither between calls nor between members. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "base/sha256.h"
#include "platform/bus/message_structured.h"
#include "platform/bus/part.h"
#include "platform/bus/sns_call.h"
#include "platform/bus/sqs_calls.h"
#include "platform/bus/sqs_keeper.h"
#include "platform/bus/sqs_setup.h"
#include "platform/clock.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    CALLS_MAX = 8,        /* ReceiveMessage at once */
    WAIT_SLICE_MS = 1000, /* of a long poll: how late a wake is seen; one that is broken off would
                             keep its messages from everybody for the visibility timeout */
    VISIBILITY_MAX_S = 12 * 3600, /* SQS's own bound */
    DELETE_WAIT_MS = 10000,
    RELEASE_WAIT_MS = 3000,
    TRIES_MAX = 3,
    NO_OFFSET = -1, /* a queue has none */
};

static const size_t ARENA_SIZE_MAX = 256u * 1024 * 1024;
static const size_t HOLD_SIZE_MAX = 16u * 1024 * 1024; /* of bodies; no more calls above it */
static const int64_t DEAD_EVERY_US = 5 * 1000000;

struct consumer {
    struct bus_config config;
    const char *group;
    struct text topics[BUS_TOPICS_MAX];
    size_t topic_count;
    struct aws_client *sqs;
    struct sqs_keeper *keeper;
    struct arena *names; /* of the queues */
    struct sqs_group queues;
    bool has_queues;
    int64_t dead_due_us; /* when to look into the dead-letter queue again */
    atomic_bool is_woken;

    struct arena *arena; /* of what is held */
    const struct sqs_queue *source;
    struct sqs_list held;
    size_t held_size;    /* of their bodies */
    size_t handed_count; /* by the last poll: the first of them */
};

static enum status open_clients(struct consumer *consumer, struct error *err)
{
    const struct aws_client_config sqs = {.service = AWS_SQS, .tries_max = TRIES_MAX};
    const int64_t visibility_s = consumer->config.settings.sqs_visibility_s;
    if (visibility_s < 1 || visibility_s > VISIBILITY_MAX_S)
        return error_set(err, ERR_INVALID, "sqs-visibility-s must be from 1 to %d",
                         VISIBILITY_MAX_S);
    TRY(aws_client_new(&sqs, &consumer->sqs, err));
    return sqs_keeper_start(visibility_s, &consumer->keeper, err);
}

static void free_consumer(struct consumer *consumer)
{
    sqs_keeper_stop(consumer->keeper);
    aws_client_free(consumer->sqs);
    arena_free(consumer->names);
    arena_free(consumer->arena);
    free(consumer);
}

static enum status consumer_open(const struct bus_config *config, const char *group,
                                 const char *const topics[], void **self_out, struct error *err)
{
    struct consumer *consumer = calloc(1, sizeof *consumer);
    ASSERT(consumer != NULL);
    consumer->config = *config;
    consumer->group = group;
    consumer->names = arena_new(ARENA_SIZE_MAX);
    consumer->arena = arena_new(ARENA_SIZE_MAX);
    for (; topics[consumer->topic_count] != NULL; consumer->topic_count++) {
        ASSERT(consumer->topic_count < BUS_TOPICS_MAX);
        consumer->topics[consumer->topic_count] = text_of(topics[consumer->topic_count]);
    }
    const enum status status = open_clients(consumer, err);
    if (status == OK)
        *self_out = consumer;
    else
        free_consumer(consumer);
    return status;
}

static void consumer_wake(void *self)
{
    struct consumer *consumer = self;
    atomic_store(&consumer->is_woken, true);
}

/* ---- what is held -------------------------------------------------------------------------- */

static struct text *list_receipts(const struct consumer *consumer)
{
    struct text *receipts = ARENA_NEW_ARRAY(consumer->arena, struct text, consumer->held.count);
    for (size_t at = 0; at < consumer->held.count; at++)
        receipts[at] = consumer->held.messages[at].receipt;
    return receipts;
}

static void hold(struct consumer *consumer)
{
    if (consumer->held.count == 0)
        sqs_keeper_let_go(consumer->keeper);
    else
        sqs_keeper_hold(consumer->keeper, consumer->source->url, list_receipts(consumer),
                        consumer->held.count);
}

/* What comes after a lost one in its group must not overtake it. */
static void lose_followers(const struct consumer *consumer, bool *is_lost)
{
    const struct sqs_message *held = consumer->held.messages;
    for (size_t at = 0; at < consumer->held.count; at++)
        for (size_t later = at + 1; is_lost[at] && later < consumer->held.count; later++)
            is_lost[later] |= text_equals(held[at].group, held[later].group);
}

/* Those that others may have by now come again, from SQS. */
static void drop_lost(struct consumer *consumer)
{
    bool *is_lost = ARENA_NEW_ARRAY(consumer->arena, bool, consumer->held.count);
    size_t kept = 0;
    sqs_keeper_hold_on(consumer->keeper, is_lost);
    lose_followers(consumer, is_lost);
    for (size_t at = 0; at < consumer->held.count; at++)
        if (!is_lost[at])
            consumer->held.messages[kept++] = consumer->held.messages[at];
    if (kept == consumer->held.count)
        return;
    consumer->held.count = kept;
    hold(consumer);
}

/* ---- receiving ----------------------------------------------------------------------------- */

static enum status find_queues(struct consumer *consumer, struct error *err)
{
    const struct sqs_setup setup = {consumer->sqs, &consumer->config};
    if (consumer->has_queues)
        return OK;
    arena_reset(consumer->names);
    TRY(sqs_setup_group(&setup, consumer->names, consumer->group, &consumer->queues, err));
    consumer->has_queues = true;
    return OK;
}

static void begin_hold(struct consumer *consumer, const struct sqs_queue *source, size_t count_max)
{
    arena_reset(consumer->arena);
    consumer->source = source;
    consumer->held = (struct sqs_list){
        .messages = ARENA_NEW_ARRAY(consumer->arena, struct sqs_message, count_max),
        .capacity = count_max,
    };
    consumer->held_size = 0;
    consumer->handed_count = 0;
}

static void count_size(struct consumer *consumer, size_t first)
{
    for (size_t at = first; at < consumer->held.count; at++)
        consumer->held_size += consumer->held.messages[at].body.size;
}

/* Several calls at once. What one of them gives is held even where another fails. */
static enum status receive(struct consumer *consumer, size_t calls_wished, size_t count_max,
                           int64_t wait_s, struct error *err)
{
    struct aws_call calls[CALLS_MAX], *list[CALLS_MAX];
    const size_t first = consumer->held.count;
    size_t left = count_max - first, call_count = 0;
    for (; call_count < calls_wished && left > 0; call_count++) {
        const size_t share = left < SQS_BATCH_MAX ? left : SQS_BATCH_MAX;
        const struct sqs_receive wish = {consumer->source->url, (int64_t)share, wait_s,
                                         consumer->config.settings.sqs_visibility_s};
        calls[call_count] = sqs_receive_call(consumer->arena, &wish);
        list[call_count] = &calls[call_count];
        left -= share;
    }
    const int64_t deadline_us = clock_monotonic_us() + calls[0].timeout_ms * 1000LL;
    const struct aws_batch batch = {list, call_count, deadline_us};
    TRY(sns_run_all(consumer->sqs, consumer->arena, &batch, err));
    enum status status = OK;
    for (size_t at = 0; at < call_count; at++) {
        const enum status read =
            sqs_read_received(consumer->arena, &calls[at], &consumer->held, err);
        status = read != OK ? read : status;
    }
    count_size(consumer, first);
    return consumer->held.count > first ? OK : status;
}

/* More at once, as long as every call comes back full. */
static enum status receive_more(struct consumer *consumer, size_t count_max, struct error *err)
{
    size_t before = 0, calls = 2;
    while (consumer->held.count < count_max && consumer->held_size < HOLD_SIZE_MAX &&
           (consumer->held.count - before) % SQS_BATCH_MAX == 0 && consumer->held.count > before) {
        before = consumer->held.count;
        TRY(receive(consumer, calls, count_max, 0, err));
        calls = calls * 2 < CALLS_MAX ? calls * 2 : CALLS_MAX;
    }
    return OK;
}

/* What SQS has given up is as good as any message: its group decides what becomes of it. */
static enum status receive_dead(struct consumer *consumer, size_t count_max, struct error *err)
{
    const int64_t now_us = clock_monotonic_us();
    if (now_us < consumer->dead_due_us)
        return OK;
    begin_hold(consumer, &consumer->queues.dead, count_max);
    TRY(receive(consumer, 1, count_max, 0, err));
    if (consumer->held.count == 0)
        consumer->dead_due_us = now_us + DEAD_EVERY_US;
    return OK;
}

static enum status receive_some(struct consumer *consumer, const struct bus_poll *poll,
                                struct error *err)
{
    const int64_t until_us = clock_monotonic_us() + (int64_t)poll->wait_ms * 1000;
    int64_t left_ms = poll->wait_ms;
    TRY(find_queues(consumer, err));
    TRY(receive_dead(consumer, poll->count_max, err));
    if (consumer->held.count > 0)
        return OK;
    begin_hold(consumer, &consumer->queues.queue, poll->count_max);
    do {
        const int64_t slice_ms = left_ms < WAIT_SLICE_MS ? left_ms : WAIT_SLICE_MS;
        TRY(receive(consumer, 1, poll->count_max, (slice_ms + 999) / 1000, err));
        left_ms = (until_us - clock_monotonic_us()) / 1000;
    } while (consumer->held.count == 0 && left_ms > 0 &&
             !atomic_exchange(&consumer->is_woken, false));
    return receive_more(consumer, poll->count_max, err);
}

/* ---- handing over -------------------------------------------------------------------------- */

static bool find_topic(const struct consumer *consumer, struct text topic, struct text *topic_out)
{
    for (size_t at = 0; at < consumer->topic_count; at++)
        if (text_equals(consumer->topics[at], topic)) {
            *topic_out = consumer->topics[at];
            return true;
        }
    return false;
}

/* What is no id of ours is one by its digest, the same each time. */
static struct uuid id_of(struct text text)
{
    struct uuid id;
    if (uuid_parse(text, &id))
        return id;
    const struct sha256 digest = sha256_of(text);
    return uuid_from_digest(digest.bytes);
}

/* Of a message whose headers are not ours: what they say all the same, or the queue's own id. */
static struct uuid id_of_malformed(struct arena *arena, const struct message *message,
                                   const struct sqs_message *received)
{
    struct json_value headers;
    struct uuid id;
    struct error ignored;
    if (json_parse(arena, message->headers, &headers, &ignored) == OK &&
        json_get_uuid(&headers, "ce_id", &id))
        return id;
    return id_of(received->deduplication);
}

static const char *why_given_up(const struct consumer *consumer, struct arena *arena,
                                const struct sqs_message *received)
{
    if (consumer->source != &consumer->queues.dead)
        return NULL;
    return text_format(arena, "SQS gave it up: received %lld times and never confirmed",
                       (long long)received->receives)
        .data;
}

/* The queue's own words hold even where the body is not ours. */
static struct message make_message(const struct consumer *consumer, struct arena *arena,
                                   const struct sqs_message *received)
{
    struct error err;
    struct message message = {
        .topic = consumer->topics[0],
        .headers = TEXT("{}"),
        .payload = text_copy(arena, received->body),
        .offset = NO_OFFSET,
        .published_us = received->sent_us,
        .given_up = why_given_up(consumer, arena, received),
    };
    if (message_parse_structured(arena, message.payload, &message, &err) != OK)
        message.malformed = text_to_c(arena, text_of(err.message));
    else if (!find_topic(consumer, received->topic, &message.topic))
        message.malformed = "its attribute 'topic' names none that this group reads";
    message.key = id_of(received->group);
    message.partition = bus_partition_of(&message.key); /* its lane: what is in order for sure */
    if (message.malformed != NULL)
        message.id = id_of_malformed(arena, &message, received);
    return message;
}

static void hand_over(struct consumer *consumer, size_t count_max, struct arena *arena,
                      struct bus_batch *batch_out)
{
    const size_t count = consumer->held.count < count_max ? consumer->held.count : count_max;
    struct message *messages = ARENA_NEW_ARRAY(arena, struct message, count);
    for (size_t at = 0; at < count; at++)
        messages[at] = make_message(consumer, arena, &consumer->held.messages[at]);
    consumer->handed_count = count;
    *batch_out = (struct bus_batch){messages, count};
}

static enum status consumer_poll(void *self, const struct bus_poll *poll, struct arena *arena,
                                 struct bus_batch *batch_out, struct error *err)
{
    struct consumer *consumer = self;
    ASSERT(poll->count_max > 0);
    if (consumer->held.count > 0)
        drop_lost(consumer);
    if (consumer->held.count == 0) {
        const enum status status = receive_some(consumer, poll, err);
        if (status == ERR_NOT_FOUND)
            consumer->has_queues = false;
        hold(consumer);
        if (status != OK)
            return status == ERR_NOT_FOUND
                       ? error_set(err, ERR_DOWN, "the queue is gone; it is made again")
                       : status;
    }
    hand_over(consumer, poll->count_max, arena, batch_out);
    return OK;
}

/* ---- the end of what is held --------------------------------------------------------------- */

/* What could not be deleted stays held, before what was not handed over. */
static size_t keep_rest(struct consumer *consumer, const enum sqs_fate *fates)
{
    size_t kept = 0, failed = 0;
    for (size_t at = 0; at < consumer->held.count; at++) {
        const bool is_rest = at >= consumer->handed_count;
        if (!is_rest && fates[at] != SQS_FAILED)
            continue; /* lost: it comes again, and the inbox knows it */
        failed += !is_rest;
        consumer->held.messages[kept++] = consumer->held.messages[at];
    }
    consumer->held.count = kept;
    consumer->handed_count = 0;
    hold(consumer);
    return failed;
}

static enum status consumer_confirm(void *self, struct error *err)
{
    struct consumer *consumer = self;
    const size_t count = consumer->handed_count;
    if (count == 0)
        return OK;
    enum sqs_fate *fates = ARENA_NEW_ARRAY(consumer->arena, enum sqs_fate, count);
    const struct sqs_change change = {
        .url = consumer->source->url,
        .receipts = list_receipts(consumer),
        .count = count,
        .visibility_s = SQS_DELETE,
        .wait_ms = DELETE_WAIT_MS,
    };
    TRY(sqs_change(consumer->sqs, consumer->arena, &change, fates, err));
    const size_t failed = keep_rest(consumer, fates);
    if (failed > 0)
        return error_set(err, ERR_DOWN, "%zu of %zu messages could not be deleted", failed, count);
    return OK;
}

/* Others may have them at once; the last first, so that no message of a group is to be had before
 * those in front of it. */
static void release(struct consumer *consumer)
{
    struct error ignored;
    const size_t count = consumer->held.count;
    struct text *receipts = list_receipts(consumer);
    for (size_t at = 0; at < count / 2; at++) {
        const struct text first = receipts[at];
        receipts[at] = receipts[count - 1 - at];
        receipts[count - 1 - at] = first;
    }
    enum sqs_fate *fates = ARENA_NEW_ARRAY(consumer->arena, enum sqs_fate, count);
    const struct sqs_change change = {
        .url = consumer->source->url,
        .receipts = receipts,
        .count = count,
        .visibility_s = 0,
        .wait_ms = RELEASE_WAIT_MS,
    };
    const enum status status = sqs_change(consumer->sqs, consumer->arena, &change, fates, &ignored);
    (void)status; /* what is not released comes back after the visibility timeout */
}

static void consumer_close(void *self)
{
    struct consumer *consumer = self;
    sqs_keeper_let_go(consumer->keeper);
    if (consumer->held.count > 0)
        release(consumer);
    free_consumer(consumer);
}

const struct bus_consumer_part BUS_SQS_CONSUMER = {
    .open = consumer_open,
    .poll = consumer_poll,
    .confirm = consumer_confirm,
    .wake = consumer_wake,
    .close = consumer_close,
};
