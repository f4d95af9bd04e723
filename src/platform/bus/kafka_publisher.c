/* Publishing on Kafka: a batch is handed to the library in order and waited for. The library
 * retries by itself, without repeating or reordering, and never gives up by itself; we do, at a
 * deadline of ours, and then forget the whole client: what was not acknowledged is published again
 * by a new one, beginning with the first, under the same ids.
 *
 * A message that is refused stops its key. The library then refuses everything after it, whatever
 * its key (a "gapless" client has ended), and brokers refuse whole batches for one message in them;
 * so what is left goes once more, through a new client that sends each message alone. */
#include "base/arena.h"
#include "base/assert.h"
#include "platform/bus/kafka_message.h"
#include "platform/bus/kafka_topics.h"
#include "platform/bus/part.h"
#include "platform/bus/topics.h"
#include "platform/clock.h"

#include <stdlib.h>

enum {
    ARENA_SIZE_MAX = 64 * 1024 * 1024,
    TOPICS_KNOWN_MAX = 64,
    REACH_MS = 1000,    /* for a sign of life */
    PUBLISH_MS = 10000, /* for a batch */
    FLUSH_SLICE_MS = 50,
    PURGE_MS = 500,
    ROUNDS_MAX = 16, /* each finds at least one message that is refused */
    PRODUCE_FIELDS = 6,
};

static const int64_t US_PER_MS = 1000;

enum outcome {
    OUTCOME_OPEN, /* not published yet, or not known to be */
    OUTCOME_PUBLISHED,
    OUTCOME_REFUSED,
};

/* One call of bus_publish. */
struct publication {
    const struct message *messages;
    size_t count;
    enum outcome *outcomes;
    size_t waiting; /* handed to the library, not reported yet */
    size_t refused;
    size_t published;
    bool has_refused_batch; /* a message in it is to be found */
    struct error refusal;   /* the last one's */
    int64_t until_us;
};

struct kafka_publisher {
    struct kafka_client client; /* the library's opaque */
    struct arena *arena;        /* of one batch */
    struct arena *headers;      /* of one message */
    bool sends_alone;           /* each message by itself: a refusal is the message's own */
    struct kafka_topic topics[TOPICS_KNOWN_MAX];
    size_t topic_count;
    struct publication *publication; /* the one that reports belong to */
};

/* ---- reports ------------------------------------------------------------------------------- */

static void refuse(struct publication *p, size_t at, const struct error *why)
{
    ASSERT(p->outcomes[at] == OUTCOME_OPEN);
    p->outcomes[at] = OUTCOME_REFUSED;
    p->refused++;
    p->refusal = *why;
}

static void refuse_code(struct publication *p, size_t at, rd_kafka_resp_err_t code)
{
    struct error why;
    char id[UUID_TEXT_SIZE + 1];
    uuid_format(&p->messages[at].id, id);
    error_set(&why, ERR_INVALID, "message '%s' to topic '%.*s' is refused: %s", id,
              TEXT_ARGS(p->messages[at].topic), rd_kafka_err2str(code));
    refuse(p, at, &why);
}

/* What only says that the client has ended, or that we have given up: the message itself may be
 * well. */
static bool is_about_client(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FATAL || code == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
           code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT || code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ||
           code == RD_KAFKA_RESP_ERR__DESTROY || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
           code == RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE ||
           code == RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

static void note_report(rd_kafka_t *rk, const rd_kafka_message_t *report, void *opaque)
{
    struct kafka_publisher *publisher = opaque;
    struct publication *p = publisher->publication;
    const size_t at = (size_t)(uintptr_t)report->_private;
    (void)rk;
    ASSERT(p != NULL && at < p->count && p->waiting > 0);
    p->waiting--;
    if (report->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        p->outcomes[at] = OUTCOME_PUBLISHED;
        p->published++;
    } else if (is_about_client(report->err)) {
        return;
    } else if (publisher->sends_alone) {
        refuse_code(p, at, report->err);
    } else {
        p->has_refused_batch = true;
    }
}

/* ---- the client ---------------------------------------------------------------------------- */

static enum status make_conf(const struct bus_config *config, bool sends_alone,
                             rd_kafka_conf_t **conf_out, struct error *err)
{
    TRY(kafka_make_conf(config, RD_KAFKA_PRODUCER, conf_out, err));
    rd_kafka_conf_set_dr_msg_cb(*conf_out, note_report);
    if (sends_alone)
        rd_kafka_conf_set(*conf_out, "batch.num.messages", "1", NULL, 0);
    return OK;
}

/* A client that has a fatal error is as good as none. */
static enum status start_client(struct kafka_publisher *publisher, struct error *err)
{
    struct kafka_client *client = &publisher->client;
    rd_kafka_conf_t *conf = NULL;
    if (client->rk != NULL && rd_kafka_fatal_error(client->rk, NULL, 0) != 0)
        kafka_client_stop(client, false);
    if (client->rk != NULL)
        return OK;
    TRY(make_conf(&client->config, publisher->sends_alone, &conf, err));
    return kafka_client_start(client, RD_KAFKA_PRODUCER, conf, err);
}

/* Fails fast while nobody answers: whoever publishes holds an SQL transaction open. */
static enum status reach(struct kafka_publisher *publisher, struct error *err)
{
    TRY(start_client(publisher, err));
    return kafka_client_reach(&publisher->client, REACH_MS, err);
}

static enum status publisher_open(const struct bus_config *config, void **self_out,
                                  struct error *err)
{
    rd_kafka_conf_t *conf = NULL;
    TRY(make_conf(config, false, &conf, err)); /* what is wrong with it is told now */
    rd_kafka_conf_destroy(conf);
    struct kafka_publisher *publisher = calloc(1, sizeof *publisher);
    ASSERT(publisher != NULL);
    publisher->client.config = *config;
    publisher->arena = arena_new(ARENA_SIZE_MAX);
    publisher->headers = arena_new(ARENA_SIZE_MAX);
    *self_out = publisher;
    return OK;
}

static void publisher_close(void *self)
{
    struct kafka_publisher *publisher = self;
    if (!kafka_client_stop(&publisher->client, false))
        return; /* its callbacks may still come */
    arena_free(publisher->arena);
    arena_free(publisher->headers);
    free(publisher);
}

/* ---- topics -------------------------------------------------------------------------------- */

static struct kafka_topic *find_topic(struct kafka_publisher *publisher, struct text name)
{
    for (size_t at = 0; at < publisher->topic_count; at++)
        if (text_equals_c(name, publisher->topics[at].name))
            return &publisher->topics[at];
    return NULL;
}

static void add_topic(struct kafka_publisher *publisher, struct text name)
{
    if (publisher->topic_count < TOPICS_KNOWN_MAX && find_topic(publisher, name) == NULL &&
        kafka_topic_init(&publisher->topics[publisher->topic_count], name))
        publisher->topic_count++;
}

/* All there are, so that others can subscribe to them, and those of the messages. */
static enum status ensure_topics(struct kafka_publisher *publisher, const struct message *messages,
                                 size_t count, struct error *err)
{
    const char *const prefix = publisher->client.config.topic_prefix;
    if (publisher->topic_count == 0 && prefix != NULL) {
        const struct topic_list all = topics_all(publisher->arena, prefix);
        for (size_t at = 0; at < all.count; at++)
            add_topic(publisher, all.names[at]);
    }
    for (size_t at = 0; at < count; at++)
        if (at == 0 || !text_equals(messages[at].topic, messages[at - 1].topic))
            add_topic(publisher, messages[at].topic);
    return kafka_topics_ensure(&publisher->client, publisher->topics, publisher->topic_count, err);
}

static void refuse_without_topic(struct kafka_publisher *publisher, struct publication *p)
{
    static const struct error NO_PLACE = {.status = ERR_INVALID,
                                          .message = "too many topics, or too long a name"};
    for (size_t at = 0; at < p->count; at++) {
        const struct kafka_topic *topic = find_topic(publisher, p->messages[at].topic);
        if (topic == NULL)
            refuse(p, at, &NO_PLACE);
        else if (topic->state.status != OK)
            refuse(p, at, &topic->state);
    }
}

/* ---- a round ------------------------------------------------------------------------------- */

/* A few messages are refused, if any. */
static bool is_behind_refused(const struct publication *p, size_t at)
{
    if (p->refused == 0)
        return false;
    for (size_t before = 0; before < at; before++)
        if (p->outcomes[before] == OUTCOME_REFUSED &&
            uuid_equals(&p->messages[before].key, &p->messages[at].key))
            return true;
    return false;
}

static rd_kafka_resp_err_t produce(struct kafka_publisher *publisher, size_t at)
{
    const struct message *message = &publisher->publication->messages[at];
    const struct kafka_topic *topic = find_topic(publisher, message->topic);
    char key[UUID_TEXT_SIZE + 1];
    uuid_format(&message->key, key);
    arena_reset(publisher->headers);
    rd_kafka_headers_t *headers = kafka_write_headers(publisher->headers, message);
    const rd_kafka_vu_t fields[PRODUCE_FIELDS] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic->name},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {key, UUID_TEXT_SIZE}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {(void *)(uintptr_t)message->payload.data, message->payload.size}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)at},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(publisher->client.rk, fields, PRODUCE_FIELDS);
    if (error == NULL)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    rd_kafka_headers_destroy(headers);
    return code;
}

/* Hands over in order, up to what the library has no place for. */
static void produce_open(struct kafka_publisher *publisher, struct publication *p)
{
    for (size_t at = 0; at < p->count; at++) {
        if (p->outcomes[at] != OUTCOME_OPEN || is_behind_refused(p, at))
            continue;
        const rd_kafka_resp_err_t code = produce(publisher, at);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            p->waiting++;
        else if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL || is_about_client(code))
            return;
        else
            refuse_code(p, at, code);
    }
}

/* Until all is reported, the client has ended, no broker is there, or it is too late. */
static enum status wait_for_reports(struct kafka_publisher *publisher, struct publication *p,
                                    struct error *err)
{
    rd_kafka_t *rk = publisher->client.rk;
    while (p->waiting > 0 && rd_kafka_fatal_error(rk, NULL, 0) == 0) {
        rd_kafka_flush(rk, FLUSH_SLICE_MS);
        if (p->waiting == 0)
            return OK;
        TRY(kafka_client_reach(&publisher->client, REACH_MS, err));
        if (clock_monotonic_us() >= p->until_us)
            return error_set(err, ERR_UNKNOWN, "Kafka has not acknowledged %zu of %zu messages",
                             p->waiting, p->count);
    }
    return OK;
}

/* What is still waiting may have been published; its reports do not matter any more. */
static void forget_client(struct kafka_publisher *publisher, struct publication *p)
{
    rd_kafka_purge(publisher->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(publisher->client.rk, PURGE_MS);
    kafka_client_stop(&publisher->client, false);
    p->waiting = 0;
}

static size_t count_ready(const struct publication *p)
{
    size_t ready = 0;
    for (size_t at = 0; at < p->count; at++)
        ready += p->outcomes[at] == OUTCOME_OPEN && !is_behind_refused(p, at);
    return ready;
}

static enum status publish_round(struct kafka_publisher *publisher, struct publication *p,
                                 struct error *err)
{
    const size_t refused = p->refused, published = p->published;
    TRY(reach(publisher, err));
    produce_open(publisher, p);
    const enum status status = wait_for_reports(publisher, p, err);
    if (status != OK || rd_kafka_fatal_error(publisher->client.rk, NULL, 0) != 0)
        forget_client(publisher, p);
    if (status != OK || count_ready(p) == 0)
        return status;
    const bool has_refused_batch = p->has_refused_batch && !publisher->sends_alone;
    if (p->refused == refused && p->published == published && !has_refused_batch)
        return error_set(err, ERR_UNKNOWN, "Kafka has not acknowledged %zu of %zu messages",
                         count_ready(p), p->count);
    if (has_refused_batch) {
        kafka_client_stop(&publisher->client, false);
        publisher->sends_alone = true;
    }
    return OK;
}

/* Rounds go on while each finds what is refused, or publishes something. */
static enum status publish_rounds(struct kafka_publisher *publisher, struct publication *p,
                                  struct error *err)
{
    for (int round = 0; round < ROUNDS_MAX && count_ready(p) > 0; round++)
        TRY(publish_round(publisher, p, err));
    if (p->refused == 0)
        return OK;
    return error_set(err, p->refusal.status, "%s", p->refusal.message);
}

/* A client that sends alone is for one batch. */
static void end_rounds(struct kafka_publisher *publisher)
{
    if (publisher->sends_alone)
        kafka_client_stop(&publisher->client, false);
    publisher->sends_alone = false;
}

static enum status publish_all(struct kafka_publisher *publisher, struct publication *p,
                               struct error *err)
{
    TRY(reach(publisher, err));
    TRY(ensure_topics(publisher, p->messages, p->count, err));
    refuse_without_topic(publisher, p);
    const enum status status = publish_rounds(publisher, p, err);
    end_rounds(publisher);
    return status;
}

/* An acknowledged message counts as published unless one before it under its key does not: both go
 * again then. */
static void tell_published(const struct publication *p, bool *published_out)
{
    for (size_t at = 0; at < p->count; at++) {
        bool is_first = true;
        published_out[at] = p->outcomes[at] == OUTCOME_PUBLISHED;
        if (p->published == p->count)
            continue;
        for (size_t before = 0; before < at && is_first; before++)
            is_first = published_out[before] ||
                       !uuid_equals(&p->messages[before].key, &p->messages[at].key);
        published_out[at] = published_out[at] && is_first;
    }
}

static enum status publisher_publish(void *self, const struct message *messages, size_t count,
                                     bool *published_out, struct error *err)
{
    struct kafka_publisher *publisher = self;
    arena_reset(publisher->arena);
    if (count == 0) {
        TRY(reach(publisher, err));
        return ensure_topics(publisher, NULL, 0, err);
    }
    struct publication publication = {
        .messages = messages,
        .count = count,
        .outcomes = ARENA_NEW_ARRAY(publisher->arena, enum outcome, count),
        .until_us = clock_monotonic_us() + PUBLISH_MS * US_PER_MS,
    };
    publisher->publication = &publication;
    const enum status status = publish_all(publisher, &publication, err);
    publisher->publication = NULL;
    tell_published(&publication, published_out);
    return status;
}

/* Kafka forgets by itself: the retention of a topic. */
static enum status publisher_expire(void *self, int64_t retention_s, int64_t *deleted_out,
                                    struct error *err)
{
    (void)self;
    (void)retention_s;
    (void)err;
    *deleted_out = 0;
    return OK;
}

const struct bus_publisher_part BUS_KAFKA_PUBLISHER = {
    .open = publisher_open,
    .publish = publisher_publish,
    .expire = publisher_expire,
    .close = publisher_close,
};
