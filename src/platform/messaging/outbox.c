#include "platform/messaging/outbox.h"

#include "base/arena.h"
#include "base/assert.h"
#include "messaging_sql.h"
#include "platform/postgres.h"

enum { LANES = 64 };

void outbox_init(struct outbox *outbox, struct arena *arena, size_t count_expected)
{
    *outbox = (struct outbox){.arena = arena, .capacity = count_expected + 1};
    outbox->events = ARENA_NEW_ARRAY(arena, struct outbox_event, outbox->capacity);
}

void outbox_add(struct outbox *outbox, const struct outbox_event *event)
{
    ASSERT(event->lane >= 0 && event->lane < LANES);
    ASSERT(!uuid_is_nil(&event->id) && !uuid_is_nil(&event->key));
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

/* The columns of insert_outbox. */
struct columns {
    struct sql_array lane, id, aggregate_type, aggregate_id, key, type, sequence, tenant, payload,
        saga_id, command_id, traceparent, origin_traceparent, headers;
};

static void columns_init(struct columns *c, struct arena *arena, size_t count)
{
    sql_array_init(&c->lane, arena, SQL_I16, count);
    sql_array_init(&c->id, arena, SQL_UUID, count);
    sql_array_init(&c->aggregate_type, arena, SQL_TEXT, count);
    sql_array_init(&c->aggregate_id, arena, SQL_UUID, count);
    sql_array_init(&c->key, arena, SQL_UUID, count);
    sql_array_init(&c->type, arena, SQL_TEXT, count);
    sql_array_init(&c->sequence, arena, SQL_I64, count);
    sql_array_init(&c->tenant, arena, SQL_TEXT, count);
    sql_array_init(&c->payload, arena, SQL_TEXT, count);
    sql_array_init(&c->saga_id, arena, SQL_UUID, count);
    sql_array_init(&c->command_id, arena, SQL_UUID, count);
    sql_array_init(&c->traceparent, arena, SQL_TEXT, count);
    sql_array_init(&c->origin_traceparent, arena, SQL_TEXT, count);
    sql_array_init(&c->headers, arena, SQL_TEXT, count);
}

static void add_optional_id(struct sql_array *array, const struct uuid *id)
{
    if (uuid_is_nil(id))
        sql_array_add_null(array);
    else
        sql_array_add_uuid(array, id);
}

static void columns_add(struct columns *c, const struct outbox_event *event)
{
    char traceparent[TRACEPARENT_SIZE + 1];
    trace_context_format(&event->trace, traceparent);
    const struct text origin = event->origin_traceparent;
    sql_array_add_i64(&c->lane, event->lane);
    sql_array_add_uuid(&c->id, &event->id);
    sql_array_add_text(&c->aggregate_type, text_of(event->aggregate_type));
    sql_array_add_uuid(&c->aggregate_id, &event->aggregate_id);
    sql_array_add_uuid(&c->key, &event->key);
    sql_array_add_text(&c->type, text_of(event->type));
    sql_array_add_i64(&c->sequence, event->sequence);
    sql_array_add_text(&c->tenant, event->tenant);
    sql_array_add_text(&c->payload, event->payload);
    add_optional_id(&c->saga_id, &event->saga_id);
    add_optional_id(&c->command_id, &event->command_id);
    sql_array_add_text(&c->traceparent, text_of(traceparent));
    sql_array_add_text(&c->origin_traceparent, origin.size == 0 ? text_of(traceparent) : origin);
    sql_array_add_text(&c->headers, event->headers);
}

bool outbox_send(const struct outbox *outbox, struct db *db)
{
    if (outbox->count == 0)
        return false;
    struct columns c;
    columns_init(&c, outbox->arena, outbox->count);
    for (size_t at = 0; at < outbox->count; at++)
        columns_add(&c, &outbox->events[at]);
    struct sql_array *const in_order[] = {&c.lane,
                                          &c.id,
                                          &c.aggregate_type,
                                          &c.aggregate_id,
                                          &c.key,
                                          &c.type,
                                          &c.sequence,
                                          &c.tenant,
                                          &c.payload,
                                          &c.saga_id,
                                          &c.command_id,
                                          &c.traceparent,
                                          &c.origin_traceparent,
                                          &c.headers};
    struct sql_args args;
    sql_args_init(&args, outbox->arena);
    for (size_t at = 0; at < COUNT(in_order); at++)
        sql_add_array(&args, in_order[at]);
    db_send(db, SQL_INSERT_OUTBOX, &args);
    return true;
}
