#include "platform/bus/bus.h"

#include "base/assert.h"
#include "platform/bus/part.h"

#include <stdlib.h>

struct part {
    const char *kind;
    const struct bus_publisher_part *publisher;
    const struct bus_consumer_part *consumer;
    const char *sends_to, *comes_from; /* messaging.system of the semantic conventions */
};

static const struct part PARTS[] = {
    {"kafka", &BUS_KAFKA_PUBLISHER, &BUS_KAFKA_CONSUMER, "kafka", "kafka"},
    {"postgres", &BUS_POSTGRES_PUBLISHER, &BUS_POSTGRES_CONSUMER, "postgresql", "postgresql"},
    {"sns-sqs", &BUS_SNS_PUBLISHER, &BUS_SQS_CONSUMER, "aws.sns", "aws_sqs"},
};

struct bus_publisher {
    const struct bus_publisher_part *part;
    void *self;
};

struct bus_consumer {
    const struct bus_consumer_part *part;
    void *self;
};

int bus_partition_of(const struct uuid *key)
{
    return key->bytes[sizeof key->bytes - 1] % BUS_PARTITIONS;
}

static const struct part *find_part(const char *kind)
{
    for (size_t at = 0; at < COUNT(PARTS); at++)
        if (strcmp(PARTS[at].kind, kind) == 0)
            return &PARTS[at];
    return NULL;
}

const char *bus_sends_to(const struct bus_settings *settings)
{
    const struct part *part = find_part(settings->kind);
    return part == NULL ? NULL : part->sends_to;
}

const char *bus_comes_from(const struct bus_settings *settings)
{
    const struct part *part = find_part(settings->kind);
    return part == NULL ? NULL : part->comes_from;
}

enum status bus_publisher_open(const struct bus_config *config,
                               struct bus_publisher **publisher_out, struct error *err)
{
    const struct part *part = find_part(config->settings.kind);
    if (part == NULL)
        return error_set(err, ERR_INVALID, "there is no event bus '%s'", config->settings.kind);
    void *self = NULL;
    TRY(part->publisher->open(config, &self, err));
    struct bus_publisher *publisher = malloc(sizeof *publisher);
    ASSERT(publisher != NULL);
    *publisher = (struct bus_publisher){part->publisher, self};
    *publisher_out = publisher;
    return OK;
}

void bus_publisher_close(struct bus_publisher *publisher)
{
    if (publisher == NULL)
        return;
    publisher->part->close(publisher->self);
    free(publisher);
}

enum status bus_publish(struct bus_publisher *publisher, const struct message *messages,
                        size_t count, bool *published_out, struct error *err)
{
    return publisher->part->publish(publisher->self, messages, count, published_out, err);
}

enum status bus_expire(struct bus_publisher *publisher, int64_t retention_s, int64_t *deleted_out,
                       struct error *err)
{
    return publisher->part->expire(publisher->self, retention_s, deleted_out, err);
}

enum status bus_measure(struct bus_publisher *publisher, const char *const topics[],
                        const char *const groups[], struct bus_flow *flow_out, struct error *err)
{
    *flow_out = (struct bus_flow){.is_known = false};
    if (publisher->part->measure == NULL)
        return OK;
    return publisher->part->measure(publisher->self, topics, groups, flow_out, err);
}

enum status bus_consumer_open(const struct bus_config *config, const char *group,
                              const char *const topics[], struct bus_consumer **consumer_out,
                              struct error *err)
{
    const struct part *part = find_part(config->settings.kind);
    if (part == NULL)
        return error_set(err, ERR_INVALID, "there is no event bus '%s'", config->settings.kind);
    void *self = NULL;
    TRY(part->consumer->open(config, group, topics, &self, err));
    struct bus_consumer *consumer = malloc(sizeof *consumer);
    ASSERT(consumer != NULL);
    *consumer = (struct bus_consumer){part->consumer, self};
    *consumer_out = consumer;
    return OK;
}

void bus_consumer_close(struct bus_consumer *consumer)
{
    if (consumer == NULL)
        return;
    consumer->part->close(consumer->self);
    free(consumer);
}

enum status bus_poll(struct bus_consumer *consumer, const struct bus_poll *poll,
                     struct arena *arena, struct bus_batch *batch_out, struct error *err)
{
    return consumer->part->poll(consumer->self, poll, arena, batch_out, err);
}

enum status bus_confirm(struct bus_consumer *consumer, struct error *err)
{
    return consumer->part->confirm(consumer->self, err);
}

void bus_consumer_wake(struct bus_consumer *consumer)
{
    consumer->part->wake(consumer->self);
}
