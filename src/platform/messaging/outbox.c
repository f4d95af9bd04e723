#include "platform/messaging/outbox.h"

#include "base/arena.h"
#include "base/assert.h"
#include "messaging_sql.h"
#include "platform/postgres/sql_columns.h"

enum { LANES = 64 };

void outbox_init(struct outbox *outbox, struct arena *arena, size_t count_expected)
{
    *outbox = (struct outbox){.arena = arena, .capacity = count_expected + 1};
    outbox->events = ARENA_NEW_ARRAY(arena, struct outbox_event, outbox->capacity);
}

void outbox_add(struct outbox *outbox, const struct outbox_event *event)
{
    ASSERT(event->lane >= 0 && event->lane < LANES);
    ASSERT(!uuid_is_nil(&event->id));
    ASSERT(!uuid_is_nil(&event->aggregate_id));
    ASSERT(!uuid_is_nil(&event->key));
    ASSERT(event->payload.data != NULL);
    if (outbox->count == outbox->capacity) {
        struct outbox_event *bigger =
            ARENA_NEW_ARRAY(outbox->arena, struct outbox_event, outbox->capacity * 2);
        memcpy(bigger, outbox->events, outbox->count * sizeof *bigger);
        outbox->events = bigger;
        outbox->capacity *= 2;
    }
    outbox->events[outbox->count++] = *event;
}

static void add_row(struct sql_columns *rows, const struct outbox_event *event, int64_t time_us)
{
    char traceparent[TRACEPARENT_SIZE + 1];
    trace_context_format(&event->trace, traceparent);
    const struct text origin = event->origin_traceparent;
    sql_columns_add_i64(rows, event->lane);
    sql_columns_add_uuid(rows, &event->id);
    sql_columns_add_name(rows, event->aggregate_type);
    sql_columns_add_uuid(rows, &event->aggregate_id);
    sql_columns_add_uuid(rows, &event->key);
    sql_columns_add_name(rows, event->type);
    sql_columns_add_i64(rows, event->sequence);
    sql_columns_add_text(rows, event->tenant);
    sql_columns_add_text(rows, event->payload);
    sql_columns_add_uuid(rows, &event->saga_id);
    sql_columns_add_uuid(rows, &event->command_id);
    sql_columns_add_name(rows, traceparent);
    sql_columns_add_text(rows, origin.size == 0 ? text_of(traceparent) : origin);
    sql_columns_add_text(rows, event->trace.state);
    sql_columns_add_text(rows, event->headers);
    sql_columns_add_time(rows, time_us);
}

bool outbox_send(const struct outbox *outbox, struct db *db, int64_t now_us)
{
    if (outbox->count == 0)
        return false;
    struct sql_columns rows;
    SQL_COPY_INIT(&rows, outbox->arena, outbox->count, SQL_I16, SQL_UUID, SQL_TEXT, SQL_UUID,
                  SQL_UUID, SQL_TEXT, SQL_I64, SQL_TEXT, SQL_TEXT, SQL_UUID, SQL_UUID, SQL_TEXT,
                  SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_TIME);
    for (size_t at = 0; at < outbox->count; at++)
        add_row(&rows, &outbox->events[at], now_us + (int64_t)at);
    sql_columns_send(&rows, db, SQL_INSERT_OUTBOX);
    return true;
}
