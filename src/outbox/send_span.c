#include "outbox/send_span.h"

#include "base/arena.h"
#include "base/hex.h"
#include "platform/tracing/tracing.h"

/* A dead letter has the id of the message that died, whose sending was another one. */
static struct trace_context sending_of(const struct trace_context *parent,
                                       const struct message *message)
{
    if (!text_is_none(message->headers))
        return trace_context_child(parent);
    struct trace_context context = *parent;
    *hex_write(context.span_id, message->id.bytes + SPAN_ID_SIZE / 2, SPAN_ID_SIZE / 2) = '\0';
    return context;
}

struct send_span send_span_of(struct arena *arena, struct message *message)
{
    struct trace_context parent;
    if (!trace_context_parse(message->traceparent, &parent))
        return (struct send_span){.parent_id = ""};
    trace_context_take_state(&parent, message->tracestate);
    struct send_span span = {.context = sending_of(&parent, message)};
    memcpy(span.parent_id, parent.span_id, sizeof span.parent_id);
    char *traceparent = arena_alloc(arena, TRACEPARENT_SIZE + 1);
    trace_context_format(&span.context, traceparent);
    message->traceparent = (struct text){traceparent, TRACEPARENT_SIZE};
    return span;
}

void send_span_record(const struct send_span *span, const struct message *message,
                      const struct send_end *end)
{
    if (!tracing_wants(&span->context))
        return;
    const bool has_failed = end->error != NULL;
    struct span sent = {
        .type = SPAN_SEND,
        .context = has_failed ? trace_context_child(&span->context) : span->context,
        .subject = message->topic,
        .begun_us = end->begun_us,
        .error = end->error,
        .attributes = SPAN_ATTRIBUTE_LIST(
            span_str(ATTRIBUTE_MESSAGING_SYSTEM, bus_sends_to(end->bus)),
            span_text(ATTRIBUTE_MESSAGING_DESTINATION_NAME, message->topic),
            span_str(ATTRIBUTE_MESSAGING_OPERATION_NAME, "send"),
            span_str(ATTRIBUTE_MESSAGING_OPERATION_TYPE, "send"),
            span_uuid(ATTRIBUTE_MESSAGING_MESSAGE_ID, &message->id),
            span_if(end->count > 1,
                    span_i64(ATTRIBUTE_MESSAGING_BATCH_MESSAGE_COUNT, (int64_t)end->count)),
            span_text(ATTRIBUTE_MESSAGE_TYPE, message_event_name(message->type)),
            span_uuid(ATTRIBUTE_SAGA_ID, &message->saga_id),
            span_if(end->tries > 1, span_i64(ATTRIBUTE_MESSAGE_TRIES, end->tries))),
    };
    memcpy(sent.parent_id, span->parent_id, sizeof sent.parent_id);
    tracing_record(&sent);
}
