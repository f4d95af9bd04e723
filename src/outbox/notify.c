#include "outbox/notify.h"

#include "base/arena.h"
#include "base/assert.h"
#include "outbox/metrics.h"
#include "outbox/notify_filter.h"
#include "platform/bus/message_structured.h"
#include "platform/bus/sns_sender.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/tracing/tracing.h"
#include "platform/worker.h"

enum {
    BATCH_MAX = 100,
    POLL_WAIT_MS = 500,
    REST_FIRST_MS = 100, /* after a failure; doubles */
    REST_MAX_MS = 5000,
    TRIES_MAX = 3,
    ARENA_SIZE_MAX = 256 * 1024 * 1024,
    HEADROOM_SIZE = 4096, /* for the attributes of a message */
};

static const char GROUP[] = "notify";

struct notify {
    struct notify_config config;
    struct notify_filter filter;
    bool is_fifo;
    struct bus_consumer *bus;
    struct aws_client *sns;
    struct arena *arena; /* of one batch */
    struct loop *loop;
    int rest_ms; /* of the failure that lasts; 0: none */
    /* Of the batch that is not confirmed yet: what SNS has already. */
    struct uuid sent[BATCH_MAX];
    size_t sent_count;
};

/* ---- which events -------------------------------------------------------------------------- */

enum status notify_reader(const struct notify_config *config, struct arena *arena,
                          struct bus_reader *reader_out, struct error *err)
{
    struct bus_reader reader = {.group = NULL};
    struct notify_filter filter;
    size_t count = 0;
    if (config->topic_arn != NULL && config->topic_arn[0] != '\0') {
        TRY(notify_filter_parse(config->types, &filter, err));
        reader.group = GROUP;
        for (size_t at = 0; NOTIFY_AGGREGATES[at] != NULL; at++)
            if (notify_filter_reads(&filter, NOTIFY_AGGREGATES[at]))
                reader.topics[count++] =
                    text_format(arena, "%s.%s.v1", config->bus.topic_prefix, NOTIFY_AGGREGATES[at])
                        .data;
    }
    *reader_out = reader;
    return OK;
}

/* arn:aws:sns:<region>:<account>:<name> */
static struct text topic_name(const char *topic_arn)
{
    const char *colon = strrchr(topic_arn, ':');
    return text_of(colon == NULL ? topic_arn : colon + 1);
}

static bool was_sent(const struct notify *notify, const struct uuid *id)
{
    for (size_t at = 0; at < notify->sent_count; at++)
        if (uuid_equals(&notify->sent[at], id))
            return true;
    return false;
}

/* What can never be sent is said and left out: waiting would not help it, and would stop all. */
static void drop(const struct message *message, const char *why)
{
    metric_count(&METRIC_NOTIFICATIONS, NOTIFICATION_DROPPED);
    log_error(NULL, "notification.dropped", "an event cannot be sent as a notification",
              kv_text("topic", message->topic), kv_uuid("event_id", &message->id),
              kv_str("reason", why));
}

/* No account holder's data among the attributes: they are what others filter by, and log. */
static bool make_entry(struct notify *notify, const struct message *message,
                       struct text traceparent, struct sns_entry *entry_out)
{
    struct error err;
    struct sns_entry entry = {
        .topic_arn = text_of(notify->config.topic_arn),
        .attributes = {{"event_type", message_event_name(message->type)},
                       {"tenant", message->tenant},
                       {"subject", uuid_to_text(notify->arena, &message->subject)},
                       {"traceparent", traceparent}},
    };
    if (notify->is_fifo) {
        entry.group = uuid_to_text(notify->arena, &message->key);
        entry.deduplication = uuid_to_text(notify->arena, &message->id);
    }
    if (message_write_structured(notify->arena, message, &entry.body, &err) != OK) {
        drop(message, err.message);
        return false;
    }
    if (entry.body.size > SNS_SIZE_MAX - HEADROOM_SIZE) {
        drop(message, "larger than SNS takes");
        return false;
    }
    *entry_out = entry;
    return true;
}

/* ---- a batch ------------------------------------------------------------------------------- */

struct selection {
    const struct message **messages;
    struct sns_entry *entries;
    struct trace_context *traces; /* of their sendings */
    size_t count;
};

/* A span below the one that has sent the message to us. */
static struct text begin_sending(struct arena *arena, const struct message *message,
                                 struct trace_context *trace_out)
{
    struct trace_context parent = {.trace_id = ""};
    if (!trace_context_parse(message->traceparent, &parent))
        (void)trace_context_parse(message->origin_traceparent, &parent);
    trace_context_take_state(&parent, message->tracestate);
    *trace_out = tracing_continue(&parent);
    char *traceparent = arena_alloc(arena, TRACEPARENT_SIZE + 1);
    trace_context_format(trace_out, traceparent);
    return (struct text){traceparent, TRACEPARENT_SIZE};
}

static struct selection choose(struct notify *notify, const struct bus_batch *batch)
{
    struct selection chosen = {
        .messages = ARENA_NEW_ARRAY(notify->arena, const struct message *, batch->count),
        .entries = ARENA_NEW_ARRAY(notify->arena, struct sns_entry, batch->count),
        .traces = ARENA_NEW_ARRAY(notify->arena, struct trace_context, batch->count),
    };
    for (size_t at = 0; at < batch->count; at++) {
        const struct message *message = &batch->messages[at];
        if (message->malformed != NULL ||
            !notify_filter_matches(&notify->filter, message_event_name(message->type)) ||
            was_sent(notify, &message->id))
            continue;
        struct trace_context *trace = &chosen.traces[chosen.count];
        const struct text traceparent = begin_sending(notify->arena, message, trace);
        if (make_entry(notify, message, traceparent, &chosen.entries[chosen.count]))
            chosen.messages[chosen.count++] = message;
    }
    return chosen;
}

/* Linked to the message, as all that reads the bus. */
static void record_sending(const struct notify *notify, const struct message *message,
                           const struct trace_context *trace, int64_t begun_us)
{
    struct trace_context sender;
    if (!tracing_wants(trace))
        return;
    struct span span = {
        .type = SPAN_NOTIFY,
        .context = *trace,
        .subject = topic_name(notify->config.topic_arn),
        .begun_us = begun_us,
        .attributes = SPAN_ATTRIBUTE_LIST(
            span_str(ATTRIBUTE_MESSAGING_SYSTEM, "aws.sns"),
            span_text(ATTRIBUTE_MESSAGING_DESTINATION_NAME, topic_name(notify->config.topic_arn)),
            span_str(ATTRIBUTE_MESSAGING_OPERATION_NAME, "send"),
            span_str(ATTRIBUTE_MESSAGING_OPERATION_TYPE, "send"),
            span_uuid(ATTRIBUTE_MESSAGING_MESSAGE_ID, &message->id),
            span_text(ATTRIBUTE_MESSAGE_TYPE, message_event_name(message->type))),
        .links = &sender,
    };
    if (trace_context_parse(message->traceparent, &sender)) {
        memcpy(span.parent_id, sender.span_id, sizeof span.parent_id);
        span.link_count = 1;
    }
    tracing_record(&span);
}

static void note_sent(struct notify *notify, const struct message *message,
                      const struct trace_context *trace)
{
    if (notify->sent_count < BATCH_MAX)
        notify->sent[notify->sent_count++] = message->id;
    metric_count(&METRIC_NOTIFICATIONS, NOTIFICATION_SENT);
    log_info(trace, "notification.sent", "notification sent",
             kv_text("type", message_event_name(message->type)), kv_uuid("event_id", &message->id),
             kv_uuid("subject", &message->subject));
}

static enum status send_batch(struct notify *notify, const struct bus_batch *batch,
                              struct error *err)
{
    const int64_t begun_us = clock_monotonic_us();
    struct selection chosen = choose(notify, batch);
    const enum status status =
        sns_send(notify->sns, notify->arena, chosen.entries, chosen.count, err);
    for (size_t at = 0; at < chosen.count; at++) {
        if (!chosen.entries[at].is_sent)
            continue;
        record_sending(notify, chosen.messages[at], &chosen.traces[at], begun_us);
        note_sent(notify, chosen.messages[at], &chosen.traces[at]);
    }
    return status;
}

static enum status turn(struct notify *notify, struct error *err)
{
    struct bus_batch batch;
    const struct bus_poll poll = {POLL_WAIT_MS, BATCH_MAX};
    TRY(bus_poll(notify->bus, &poll, notify->arena, &batch, err));
    if (batch.count == 0)
        return OK;
    TRY(send_batch(notify, &batch, err));
    TRY(bus_confirm(notify->bus, err));
    notify->sent_count = 0;
    return OK;
}

/* ---- the thread ---------------------------------------------------------------------------- */

static int note_failure(struct notify *notify, const struct error *err)
{
    if (notify->rest_ms == 0)
        log_warning(NULL, "notify.waiting", "cannot notify, events wait on the bus, retrying",
                    kv_str("topic_arn", notify->config.topic_arn),
                    kv_str("status", status_name(err->status)), kv_str("error", err->message));
    const int rest_ms = notify->rest_ms == 0 ? REST_FIRST_MS : notify->rest_ms * 2;
    notify->rest_ms = rest_ms < REST_MAX_MS ? rest_ms : REST_MAX_MS;
    return notify->rest_ms;
}

static void note_success(struct notify *notify)
{
    if (notify->rest_ms > 0)
        log_info(NULL, "notify.resumed", "notifying again",
                 kv_str("topic_arn", notify->config.topic_arn));
    notify->rest_ms = 0;
}

static int step(void *context)
{
    struct notify *notify = context;
    struct error err;
    arena_reset(notify->arena);
    if (turn(notify, &err) != OK)
        return note_failure(notify, &err);
    note_success(notify);
    return 0;
}

static bool is_fifo(const char *topic_arn)
{
    static const char FIFO[] = ".fifo";
    const struct text arn = text_of(topic_arn);
    const size_t size = sizeof FIFO - 1;
    return arn.size > size && text_equals_c(text_skip(arn, arn.size - size), FIFO);
}

enum status notify_start(const struct notify_config *config, const struct bus_reader *reader,
                         struct arena *arena, struct notify **notify_out, struct error *err)
{
    const struct aws_client_config sns = {.service = AWS_SNS, .tries_max = TRIES_MAX};
    if (reader->group == NULL) {
        *notify_out = NULL;
        return OK;
    }
    struct notify *notify = ARENA_NEW(arena, struct notify);
    notify->config = *config;
    notify->is_fifo = is_fifo(config->topic_arn);
    TRY(notify_filter_parse(config->types, &notify->filter, err));
    TRY(aws_client_new(&sns, &notify->sns, err));
    const enum status status =
        bus_consumer_open(&config->bus, GROUP, reader->topics, &notify->bus, err);
    if (status != OK) {
        aws_client_free(notify->sns);
        return status;
    }
    notify->arena = arena_new(ARENA_SIZE_MAX);
    notify->loop = loop_start("notify", step, notify);
    log_info(NULL, "notify.started", "events are sent as notifications",
             kv_str("topic_arn", config->topic_arn), kv_str("types", config->types));
    *notify_out = notify;
    return OK;
}

void notify_stop(struct notify *notify)
{
    if (notify == NULL)
        return;
    bus_consumer_wake(notify->bus);
    loop_stop(notify->loop);
    bus_consumer_close(notify->bus);
    aws_client_free(notify->sns);
    arena_free(notify->arena);
}
