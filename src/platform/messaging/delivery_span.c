/* The span of one message's processing. It stands below the span that sent the message and is
 * linked to it: whoever follows the trace finds it below, whoever looks at consumers alone finds
 * the way back. */
#include "platform/messaging/delivery.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdio.h>

enum { LINKS_MAX = 2 };

bool delivery_is_traced(const struct delivery *delivery)
{
    return tracing_wants(&delivery->trace);
}

static size_t count_told(const struct span_attribute *attributes)
{
    size_t count = 0;
    while (attributes != NULL && attributes[count].key != ATTRIBUTE_NONE)
        count++;
    return count;
}

void delivery_tell(struct delivery *delivery, struct arena *arena,
                   const struct span_attribute *attributes)
{
    const size_t count = count_told(attributes);
    struct span_attribute *copy = ARENA_NEW_ARRAY(arena, struct span_attribute, count + 1);
    memcpy(copy, attributes, (count + 1) * sizeof *copy);
    delivery->told = copy;
}

static bool has_failed(const struct delivery *delivery)
{
    return delivery_is_marked(delivery) && !delivery_is_follower(delivery);
}

static const char *outcome_of(const struct delivery *delivery)
{
    if (delivery_is_follower(delivery))
        return "waits";
    switch (delivery->outcome) {
    case DELIVERY_APPLIED:
        return delivery->is_ignored ? "ignored" : "applied";
    case DELIVERY_DUPLICATE:
        return "duplicate";
    case DELIVERY_PARK:
        return "parked";
    case DELIVERY_DEAD:
        return "dead";
    }
    UNREACHABLE();
}

/* Fills a whole list: what every span of a processing says, then what the room has told. What it
 * told of an attempt that was undone is not true. */
static void list_attributes(const struct delivery_door *door, const struct delivery *delivery,
                            size_t count, const char *partition,
                            struct span_attribute list[static SPAN_ATTRIBUTES_MAX + 1])
{
    const struct message *message = &delivery->message;
    const struct bus_settings *bus = &door->config->bus.settings;
    const bool has_place = message->offset >= 0; /* some buses have none */
    const struct span_attribute own[] = {
        span_str(ATTRIBUTE_MESSAGING_SYSTEM, bus_comes_from(bus)),
        span_text(ATTRIBUTE_MESSAGING_DESTINATION_NAME, message->topic),
        span_str(ATTRIBUTE_MESSAGING_OPERATION_NAME, "process"),
        span_str(ATTRIBUTE_MESSAGING_OPERATION_TYPE, "process"),
        span_uuid(ATTRIBUTE_MESSAGING_MESSAGE_ID, &message->id),
        span_str(ATTRIBUTE_MESSAGING_CONSUMER_GROUP_NAME, door->config->group),
        span_if(has_place, span_str(ATTRIBUTE_MESSAGING_DESTINATION_PARTITION_ID, partition)),
        span_if(has_place && strcmp(bus->kind, "kafka") == 0,
                span_i64(ATTRIBUTE_MESSAGING_KAFKA_OFFSET, message->offset)),
        span_if(count > 1, span_i64(ATTRIBUTE_MESSAGING_BATCH_MESSAGE_COUNT, (int64_t)count)),
        span_text(ATTRIBUTE_MESSAGE_TYPE, message_event_name(message->type)),
        span_str(ATTRIBUTE_MESSAGE_OUTCOME, outcome_of(delivery)),
        span_if(delivery->tries > 0, span_i64(ATTRIBUTE_MESSAGE_TRIES, delivery->tries + 1)),
        span_str(ATTRIBUTE_ERROR_CLASS, has_failed(delivery) ? cause_class(delivery->cause) : NULL),
    };
    const size_t told = delivery_is_marked(delivery) ? 0 : count_told(delivery->told);
    ASSERT(COUNT(own) + told <= SPAN_ATTRIBUTES_MAX);
    memcpy(list, own, sizeof own);
    if (told > 0)
        memcpy(list + COUNT(own), delivery->told, told * sizeof *list);
    list[COUNT(own) + told] = (struct span_attribute){.key = ATTRIBUTE_NONE};
}

/* The message's context, which is the parent too, and that of whoever has put it back. */
static size_t add_links(const struct delivery *delivery, char *parent_id,
                        struct trace_context links[static LINKS_MAX])
{
    size_t count = 0;
    if (trace_context_parse(delivery->message.traceparent, &links[count]) ||
        trace_context_parse(delivery->message.origin_traceparent, &links[count]))
        memcpy(parent_id, links[count++].span_id, SPAN_ID_SIZE + 1);
    if (trace_context_parse(delivery->redrive_traceparent, &links[count]))
        count++;
    return count;
}

void delivery_record(const struct delivery_door *door, const struct delivery *delivery,
                     size_t count)
{
    struct span_attribute attributes[SPAN_ATTRIBUTES_MAX + 1];
    struct trace_context links[LINKS_MAX];
    char partition[12];
    if (!delivery_is_traced(delivery))
        return;
    snprintf(partition, sizeof partition, "%d", delivery->message.partition);
    list_attributes(door, delivery, count, partition, attributes);
    struct span span = {
        .type = SPAN_PROCESS,
        .context = delivery->trace,
        .subject = delivery->message.topic,
        .begun_us = delivery->begun_us,
        .error = has_failed(delivery) ? cause_code(delivery->cause) : NULL,
        .attributes = attributes,
        .links = links,
    };
    span.link_count = add_links(delivery, span.parent_id, links);
    tracing_record(&span);
}
