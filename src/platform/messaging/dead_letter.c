#include "platform/messaging/dead_letter.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "messaging_sql.h"
#include "platform/log.h"
#include "platform/messaging/outbox.h"

static struct text reason_of(const struct dead_letter *letter)
{
    return text_of(letter->delivery->reason);
}

/* ---- the table ----------------------------------------------------------------------------- */

/* The columns of insert_dead_letters. */
struct columns {
    struct sql_array id, key, event_id, topic, partition, offset, published_at, headers, payload,
        attempts, error_class, error_message, first_failed_at, last_failed_at, trace_id;
};

static void columns_init(struct columns *c, struct arena *arena, size_t count)
{
    sql_array_init(&c->id, arena, SQL_UUID, count);
    sql_array_init(&c->key, arena, SQL_UUID, count);
    sql_array_init(&c->event_id, arena, SQL_UUID, count);
    sql_array_init(&c->topic, arena, SQL_TEXT, count);
    sql_array_init(&c->partition, arena, SQL_I32, count);
    sql_array_init(&c->offset, arena, SQL_I64, count);
    sql_array_init(&c->published_at, arena, SQL_TIME, count);
    sql_array_init(&c->headers, arena, SQL_TEXT, count);
    sql_array_init(&c->payload, arena, SQL_TEXT, count);
    sql_array_init(&c->attempts, arena, SQL_I32, count);
    sql_array_init(&c->error_class, arena, SQL_TEXT, count);
    sql_array_init(&c->error_message, arena, SQL_TEXT, count);
    sql_array_init(&c->first_failed_at, arena, SQL_TIME, count);
    sql_array_init(&c->last_failed_at, arena, SQL_TIME, count);
    sql_array_init(&c->trace_id, arena, SQL_TEXT, count);
}

static void columns_add(struct columns *c, const struct dead_letter *letter)
{
    const struct message *message = &letter->delivery->message;
    const struct trace_context trace = delivery_trace(letter->delivery);
    const struct uuid id = uuid_make_v7();
    sql_array_add_uuid(&c->id, &id);
    sql_array_add_uuid(&c->key, &message->key);
    sql_array_add_uuid(&c->event_id, &message->id);
    sql_array_add_text(&c->topic, message->topic);
    sql_array_add_i64(&c->partition, message->partition);
    sql_array_add_i64(&c->offset, message->offset);
    sql_array_add_i64(&c->published_at, message->published_us);
    sql_array_add_text(&c->headers, message->headers);
    sql_array_add_text(&c->payload, message->payload);
    sql_array_add_i64(&c->attempts, letter->attempts);
    sql_array_add_text(&c->error_class, text_of(letter->delivery->error_class));
    sql_array_add_text(&c->error_message, reason_of(letter));
    sql_array_add_i64(&c->first_failed_at, letter->first_failed_us);
    sql_array_add_i64(&c->last_failed_at, letter->last_failed_us);
    sql_array_add_text(&c->trace_id, text_of(trace.trace_id));
}

static void send_rows(const struct delivery_door *door, const struct dead_letter *letters,
                      size_t count)
{
    struct columns c;
    struct sql_args args;
    columns_init(&c, door->arena, count);
    for (size_t at = 0; at < count; at++)
        columns_add(&c, &letters[at]);
    struct sql_array *const in_order[] = {
        &c.id,          &c.key,           &c.event_id,        &c.topic,          &c.partition,
        &c.offset,      &c.published_at,  &c.headers,         &c.payload,        &c.attempts,
        &c.error_class, &c.error_message, &c.first_failed_at, &c.last_failed_at, &c.trace_id};
    sql_args_init(&args, door->arena);
    sql_add_text(&args, text_of(door->config->group));
    sql_add_text(&args, TEXT(TALLYSTICK_VERSION));
    for (size_t at = 0; at < COUNT(in_order); at++)
        sql_add_array(&args, in_order[at]);
    db_send(door->db, SQL_INSERT_DEAD_LETTERS, &args);
}

/* ---- the topic ----------------------------------------------------------------------------- */

/* Headers that cannot be read are left out; the table has them. */
static void copy_headers(struct json_writer *w, struct arena *arena, struct text headers)
{
    struct json_value all;
    struct error ignored;
    if (json_parse(arena, headers, &all, &ignored) != OK || all.type != JSON_OBJECT)
        return;
    for (size_t at = 0; at < all.count; at++)
        if (!text_starts_with(all.members[at].name, "x-dlq-"))
            json_write_raw(w, text_to_c(arena, all.members[at].name), all.members[at].value.source);
}

static void write_number(struct json_writer *w, struct arena *arena, const char *name,
                         int64_t value)
{
    json_write_text(w, name, text_format(arena, "%lld", (long long)value));
}

static struct text write_headers(const struct delivery_door *door, const struct dead_letter *letter)
{
    struct text_builder out;
    struct json_writer w;
    struct arena *arena = door->arena;
    const struct message *message = &letter->delivery->message;
    text_builder_init(&out, arena, 2048);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    copy_headers(&w, arena, message->headers);
    json_write_text(&w, "x-dlq-original-topic", message->topic);
    write_number(&w, arena, "x-dlq-original-partition", message->partition);
    write_number(&w, arena, "x-dlq-original-offset", message->offset);
    json_write_time(&w, "x-dlq-original-timestamp", message->published_us);
    json_write_text(&w, "x-dlq-consumer-group", text_of(door->config->group));
    write_number(&w, arena, "x-dlq-attempts", letter->attempts);
    json_write_time(&w, "x-dlq-first-failed-at", letter->first_failed_us);
    json_write_time(&w, "x-dlq-last-failed-at", letter->last_failed_us);
    json_write_text(&w, "x-dlq-error-class", text_of(letter->delivery->error_class));
    json_write_text(&w, "x-dlq-error-message", reason_of(letter));
    json_write_text(&w, "x-dlq-service-version", TEXT(TALLYSTICK_VERSION));
    json_write_text(&w, "x-dlq-trace-id", text_of(delivery_trace(letter->delivery).trace_id));
    write_number(&w, arena, "x-dlq-redrive-count", 0);
    json_end_object(&w);
    return text_builder_text(&out);
}

static void send_events(const struct delivery_door *door, const struct dead_letter *letters,
                        size_t count)
{
    struct outbox outbox;
    outbox_init(&outbox, door->arena, count);
    for (size_t at = 0; at < count; at++) {
        const struct message *message = &letters[at].delivery->message;
        const struct text topic = text_format(door->arena, "%.*s.dlq", TEXT_ARGS(message->topic));
        struct trace_context trace = delivery_trace(letters[at].delivery);
        if (trace.trace_id[0] == '\0')
            trace = trace_context_make();
        outbox_add(&outbox, &(struct outbox_event){
                                .id = message->id,
                                .lane = bus_partition_of(&message->key),
                                .aggregate_type = topic.data,
                                .aggregate_id = message->subject,
                                .key = message->key,
                                .type = "message.dead_lettered",
                                .sequence = message->sequence,
                                .tenant = TEXT("default"),
                                .payload = message->payload,
                                .trace = trace,
                                .origin_traceparent = message->origin_traceparent,
                                .headers = write_headers(door, &letters[at]),
                            });
    }
    const bool is_sent = outbox_send(&outbox, door->db);
    ASSERT(is_sent);
}

void dead_letter_send(const struct delivery_door *door, const struct dead_letter *letters,
                      size_t count)
{
    if (count == 0)
        return;
    send_rows(door, letters, count);
    send_events(door, letters, count);
}

void dead_letter_log(const struct delivery_door *door, const struct dead_letter *letters,
                     size_t count)
{
    for (size_t at = 0; at < count; at++) {
        const struct delivery *delivery = letters[at].delivery;
        const struct trace_context trace = delivery_trace(delivery);
        log_error(trace.trace_id[0] == '\0' ? NULL : &trace, "message.dead_lettered",
                  "message cannot be applied, kept as a dead letter",
                  kv_text("topic", delivery->message.topic),
                  kv_uuid("event_id", &delivery->message.id),
                  kv_uuid("key", &delivery->message.key), kv_i64("attempts", letters[at].attempts),
                  kv_str("error_class", delivery->error_class), kv_str("reason", delivery->reason),
                  kv_str("group", door->config->group));
    }
}
