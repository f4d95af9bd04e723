/* Publishing on SNS: each topic of ours is a FIFO topic, a key is a message group, the event's id
 * keeps SNS from taking a message twice within five minutes. What has no headers carries the whole
 * message in its body. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/sha256.h"
#include "platform/bus/message_structured.h"
#include "platform/bus/part.h"
#include "platform/bus/sns_sender.h"
#include "platform/bus/sns_topology.h"
#include "platform/bus/topics.h"

#include <stdlib.h>

enum { ARENA_SIZE_MAX = 256 * 1024 * 1024, DIGEST_TEXT_SIZE = 16 };

struct publisher {
    struct sns_topology *topology;
    struct arena *arena; /* of one batch */
    bool is_ready;       /* all topics with readers were there once */
};

static enum status publisher_open(const struct bus_config *config, void **self_out,
                                  struct error *err)
{
    struct sns_topology *topology = NULL;
    TRY(sns_topology_new(config, &topology, err));
    struct publisher *publisher = calloc(1, sizeof *publisher);
    ASSERT(publisher != NULL);
    publisher->topology = topology;
    publisher->arena = arena_new(ARENA_SIZE_MAX);
    *self_out = publisher;
    return OK;
}

static void publisher_close(void *self)
{
    struct publisher *publisher = self;
    sns_topology_free(publisher->topology);
    arena_free(publisher->arena);
    free(publisher);
}

/* A dead letter has its message's id, and a message may die twice: what is said of it tells them
 * apart. */
static struct text deduplication_of(struct arena *arena, const struct message *message)
{
    const struct text id = uuid_to_text(arena, &message->id);
    if (!topic_is_of_dead_letters(message->topic))
        return id;
    const struct sha256 digest = sha256_of(message->headers);
    const struct text digits = sha256_to_hex(arena, &digest);
    return text_format(arena, "%.*s:%.*s", TEXT_ARGS(id), DIGEST_TEXT_SIZE, digits.data);
}

/* A message that cannot be written has no body, and stops its key as one that was refused. */
static enum status make_entry(struct arena *arena, const struct message *message,
                              struct sns_entry *entry, struct error *err)
{
    const struct text key = uuid_to_text(arena, &message->key);
    *entry = (struct sns_entry){
        .group = key,
        .deduplication = deduplication_of(arena, message),
        .attributes = {{"topic", message->topic},
                       {"event_type", message_event_name(message->type)},
                       {"key", key},
                       {"traceparent", message->traceparent}},
    };
    return message_write_structured(arena, message, &entry->body, err);
}

/* Topics may have to be made; they are asked for just before each sending. */
static enum status find_topics(struct publisher *publisher, const struct message *messages,
                               struct sns_entry *entries, size_t count, struct error *err)
{
    for (size_t at = 0; at < count; at++)
        TRY(sns_topology_find(publisher->topology, publisher->arena, messages[at].topic,
                              &entries[at].topic_arn, err));
    return OK;
}

static enum status send(struct publisher *publisher, const struct message *messages,
                        struct sns_entry *entries, size_t count, struct error *err)
{
    TRY(find_topics(publisher, messages, entries, count, err));
    return sns_send(sns_topology_client(publisher->topology), publisher->arena, entries, count,
                    err);
}

static enum status send_all(struct publisher *publisher, const struct message *messages,
                            struct sns_entry *entries, size_t count, struct error *err)
{
    enum status status = send(publisher, messages, entries, count, err);
    if (status == ERR_NOT_FOUND) { /* somebody has deleted it: make it again, with its readers */
        sns_topology_forget(publisher->topology);
        status = send(publisher, messages, entries, count, err);
    }
    if (status == ERR_NOT_FOUND || status == ERR_BROKEN)
        sns_topology_forget(publisher->topology);
    return status;
}

static enum status publisher_publish(void *self, const struct message *messages, size_t count,
                                     bool *published_out, struct error *err)
{
    struct publisher *publisher = self;
    struct error unwritten = {.status = OK};
    arena_reset(publisher->arena);
    if (count == 0)
        return sns_topology_ask(publisher->topology, publisher->arena, err);
    struct sns_entry *entries = ARENA_NEW_ARRAY(publisher->arena, struct sns_entry, count);
    for (size_t at = 0; at < count; at++)
        if (make_entry(publisher->arena, &messages[at], &entries[at], err) != OK)
            unwritten = *err;
    const enum status status = send_all(publisher, messages, entries, count, err);
    for (size_t at = 0; at < count; at++)
        published_out[at] = entries[at].is_sent;
    if (status != OK || unwritten.status == OK)
        return status;
    return error_set(err, unwritten.status, "%s", unwritten.message);
}

/* Queues forget by themselves. What is asked regularly is whether the queues are there at all:
 * consumers wait for them. */
static enum status publisher_expire(void *self, int64_t retention_s, int64_t *deleted_out,
                                    struct error *err)
{
    struct publisher *publisher = self;
    (void)retention_s;
    arena_reset(publisher->arena);
    if (!publisher->is_ready)
        TRY(sns_topology_find_all(publisher->topology, publisher->arena, err));
    publisher->is_ready = true;
    *deleted_out = 0;
    return OK;
}

const struct bus_publisher_part BUS_SNS_PUBLISHER = {
    .open = publisher_open,
    .publish = publisher_publish,
    .expire = publisher_expire,
    .close = publisher_close,
};
