#include "platform/messaging/dead_letter.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "messaging_sql.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/messaging/outbox.h"
#include "platform/postgres/sql_columns.h"

static struct text reason_of(const struct dead_letter *letter)
{
    return text_of(letter->delivery->reason);
}

/* ---- what was before ----------------------------------------------------------------------- */

static void read_past(struct sql_rows rows, int row, struct dead_letter *letter)
{
    letter->past = (struct dead_letter_past){
        .attempts = sql_i32(rows, row, FIND_DEAD_LETTERS_ATTEMPTS),
        .first_failed_us = sql_time(rows, row, FIND_DEAD_LETTERS_FIRST_FAILED_AT),
        .redrives = sql_i32(rows, row, FIND_DEAD_LETTERS_REDRIVE_COUNT),
    };
    if (!sql_is_null(rows, row, FIND_DEAD_LETTERS_REDRIVE_ID))
        letter->past.redrive_id = sql_uuid(rows, row, FIND_DEAD_LETTERS_REDRIVE_ID);
}

enum status dead_letter_load_past(const struct delivery_door *door, struct dead_letter *letters,
                                  size_t count, struct error *err)
{
    if (count == 0)
        return OK;
    struct sql_array ids;
    struct sql_args args;
    sql_array_init(&ids, door->arena, SQL_UUID, count);
    for (size_t at = 0; at < count; at++)
        sql_array_add_uuid(&ids, &letters[at].delivery->message.id);
    sql_args_init(&args, door->arena);
    sql_add_text(&args, text_of(door->config->group));
    sql_add_array(&args, &ids);
    TRY(db_run_one(door->db, SQL_FIND_DEAD_LETTERS, &args, err));
    const struct sql_rows rows = db_rows(door->db, 0);
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, FIND_DEAD_LETTERS_EVENT_ID);
        for (size_t at = 0; at < count; at++)
            if (uuid_equals(&letters[at].delivery->message.id, &id))
                read_past(rows, row, &letters[at]);
    }
    return OK;
}

/* ---- the table ----------------------------------------------------------------------------- */

static void add_row(struct sql_columns *rows, const struct dead_letter *letter)
{
    const struct message *message = &letter->delivery->message;
    const struct trace_context *trace = &letter->delivery->trace;
    const struct uuid id = uuid_make_v7();
    char traceparent[TRACEPARENT_SIZE + 1];
    trace_context_format(trace, traceparent);
    sql_columns_add_uuid(rows, &id);
    sql_columns_add_uuid(rows, &message->key);
    sql_columns_add_uuid(rows, &message->id);
    sql_columns_add_text(rows, message->topic);
    sql_columns_add_i64(rows, message->partition);
    sql_columns_add_i64(rows, message->offset);
    sql_columns_add_time(rows, message->published_us);
    sql_columns_add_text(rows, text_is_none(message->type) ? TEXT("") : message->type);
    sql_columns_add_text(rows, message->headers);
    sql_columns_add_text(rows, message->payload);
    sql_columns_add_i64(rows, letter->attempts);
    sql_columns_add_name(rows, cause_class(letter->delivery->cause));
    sql_columns_add_name(rows, cause_code(letter->delivery->cause));
    sql_columns_add_text(rows, reason_of(letter));
    sql_columns_add_time(rows, letter->first_failed_us);
    sql_columns_add_time(rows, letter->last_failed_us);
    sql_columns_add_name(rows, trace->trace_id);
    sql_columns_add_name(rows, traceparent);
}

static void send_rows(const struct delivery_door *door, const struct dead_letter *letters,
                      size_t count)
{
    struct sql_columns rows;
    struct sql_args args;
    SQL_COLUMNS_INIT(&rows, door->arena, count, SQL_UUID, SQL_UUID, SQL_UUID, SQL_TEXT, SQL_I32,
                     SQL_I64, SQL_TIME, SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_I32, SQL_TEXT, SQL_TEXT,
                     SQL_TEXT, SQL_TIME, SQL_TIME, SQL_TEXT, SQL_TEXT);
    for (size_t at = 0; at < count; at++)
        add_row(&rows, &letters[at]);
    sql_args_init(&args, door->arena);
    sql_add_text(&args, text_of(door->config->group));
    sql_add_text(&args, TEXT(TALLYSTICK_VERSION));
    sql_add_columns(&args, &rows);
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

/* Over all the times it has died. */
static void write_failure(struct json_writer *w, struct arena *arena,
                          const struct dead_letter *letter)
{
    const struct dead_letter_past *past = &letter->past;
    const enum cause cause = letter->delivery->cause;
    write_number(w, arena, "x-dlq-attempts", past->attempts + letter->attempts);
    json_write_time(w, "x-dlq-first-failed-at",
                    past->attempts > 0 ? past->first_failed_us : letter->first_failed_us);
    json_write_time(w, "x-dlq-last-failed-at", letter->last_failed_us);
    json_write_text(w, "x-dlq-error-class", text_of(cause_class(cause)));
    json_write_text(w, "x-dlq-error-code", text_of(cause_code(cause)));
    json_write_text(w, "x-dlq-error-message", reason_of(letter));
    json_write_text(w, "x-dlq-service-version", TEXT(TALLYSTICK_VERSION));
    json_write_text(w, "x-dlq-trace-id", text_of(letter->delivery->trace.trace_id));
    write_number(w, arena, "x-dlq-redrive-count", past->redrives);
    if (!uuid_is_nil(&past->redrive_id))
        json_write_uuid(w, "x-dlq-redrive-id", &past->redrive_id);
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
    write_failure(&w, arena, letter);
    json_end_object(&w);
    return text_builder_text(&out);
}

/* A message without a subject is told by its key. */
static struct outbox_event event_of(const struct delivery_door *door,
                                    const struct dead_letter *letter)
{
    const struct message *message = &letter->delivery->message;
    return (struct outbox_event){
        .id = message->id,
        .lane = bus_partition_of(&message->key),
        .aggregate_type = text_format(door->arena, "%.*s.dlq", TEXT_ARGS(message->topic)).data,
        .aggregate_id = uuid_is_nil(&message->subject) ? message->key : message->subject,
        .key = message->key,
        .type = "message.dead_lettered",
        .sequence = message->sequence,
        .tenant = TEXT("default"),
        .payload = message->payload,
        .trace = letter->delivery->trace,
        .origin_traceparent = message->origin_traceparent,
        .headers = write_headers(door, letter),
    };
}

static void send_events(const struct delivery_door *door, const struct dead_letter *letters,
                        size_t count)
{
    struct outbox outbox;
    outbox_init(&outbox, door->arena, count);
    for (size_t at = 0; at < count; at++) {
        const struct outbox_event event = event_of(door, &letters[at]);
        outbox_add(&outbox, &event);
    }
    const bool is_sent = outbox_send(&outbox, door->db, clock_realtime_us());
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
        log_error(
            &delivery->trace, "message.dead_lettered",
            "message cannot be applied, kept as a dead letter",
            kv_text("topic", delivery->message.topic), kv_uuid("event_id", &delivery->message.id),
            kv_uuid("key", &delivery->message.key), kv_i64("attempts", letters[at].attempts),
            kv_str("error_class", cause_class(delivery->cause)),
            kv_str("error_code", cause_code(delivery->cause)), kv_str("reason", delivery->reason),
            kv_i64("redrives", letters[at].past.redrives), kv_str("group", door->config->group));
    }
}
