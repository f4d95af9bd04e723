#include "outbox/store.h"

#include "base/arena.h"
#include "base/assert.h"
#include "outbox_sql.h"

enum { BACKLOG_COUNT_MAX = 100000 };

/* ---- taking -------------------------------------------------------------------------------- */

static void add_resting(struct sql_args *args, const bool *is_resting)
{
    struct sql_array resting;
    sql_array_init(&resting, args->arena, SQL_I16, OUTBOX_LANES);
    for (int lane = 0; lane < OUTBOX_LANES; lane++)
        if (is_resting[lane])
            sql_array_add_i64(&resting, lane);
    sql_add_array(args, &resting);
}

static enum status lock_lanes(struct db *db, struct arena *arena, const struct store_share *share,
                              struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    add_resting(&args, share->is_resting);
    sql_add_i64(&args, share->event_max);
    sql_add_i32(&args, share->first_lane);
    sql_add_i64(&args, share->lane_max);
    db_send_begin(db);
    db_send(db, SQL_LOCK_LANES, &args);
    return db_run(db, err);
}

/* A statement of its own after the locks: it sees what the last holder of a lane has deleted. */
static enum status read_events(struct db *db, struct arena *arena, const struct store_share *share,
                               struct error *err)
{
    const struct sql_rows locked = db_rows(db, 1);
    struct sql_array lanes;
    struct sql_args args;
    sql_array_init(&lanes, arena, SQL_I16, OUTBOX_LANES);
    for (int row = 0; row < locked.count; row++)
        sql_array_add_i64(&lanes, sql_i16(locked, row, LOCK_LANES_LANE));
    sql_args_init(&args, arena);
    sql_add_array(&args, &lanes);
    sql_add_i64(&args, share->event_max);
    return db_run_one(db, SQL_READ_EVENTS, &args, err);
}

/* What ends in .dlq is a topic's whole name. */
static struct text topic_of(struct arena *arena, const struct store *store,
                            struct text aggregate_type)
{
    static const char DEAD_LETTERS[] = ".dlq";
    const size_t size = sizeof DEAD_LETTERS - 1;
    if (aggregate_type.size > size &&
        text_equals_c(text_skip(aggregate_type, aggregate_type.size - size), DEAD_LETTERS))
        return text_copy(arena, aggregate_type);
    return text_format(arena, "%.*s.%.*s.v1", TEXT_ARGS(store->topic_prefix),
                       TEXT_ARGS(aggregate_type));
}

static struct uuid optional_id(struct sql_rows rows, int row, int column)
{
    return sql_is_null(rows, row, column) ? (struct uuid){{0}} : sql_uuid(rows, row, column);
}

/* What is made of a word that stands in thousands of rows, made once for those that follow each
 * other in turn. */
struct made_name {
    struct text word;
    struct text name;
};

enum { MADE_NAMES = 8 };

struct reading {
    struct arena *arena;
    const struct store *store;
    struct sql_rows rows;
    struct text source;
    struct made_name topics[MADE_NAMES], types[MADE_NAMES];
    size_t topic_count, type_count;
};

/* NULL: not yet. Where there are more than room is for, the oldest is forgotten. */
static const struct made_name *find_name(const struct made_name *names, struct text word)
{
    for (size_t at = 0; at < MADE_NAMES; at++)
        if (!text_is_none(names[at].word) && text_equals(names[at].word, word))
            return &names[at];
    return NULL;
}

static struct text keep_name(struct made_name *names, size_t *count, struct made_name made)
{
    names[(*count)++ % MADE_NAMES] = made;
    return made.name;
}

static struct text find_topic(struct reading *reading, struct text aggregate_type)
{
    const struct made_name *made = find_name(reading->topics, aggregate_type);
    if (made != NULL)
        return made->name;
    const struct text topic = topic_of(reading->arena, reading->store, aggregate_type);
    return keep_name(reading->topics, &reading->topic_count,
                     (struct made_name){aggregate_type, topic});
}

static struct text find_type(struct reading *reading, struct text event_name)
{
    const struct made_name *made = find_name(reading->types, event_name);
    if (made != NULL)
        return made->name;
    const struct text type = message_type_of(reading->arena, event_name);
    return keep_name(reading->types, &reading->type_count, (struct made_name){event_name, type});
}

/* Its texts are the rows'. */
static struct event read_event(struct reading *reading, int row)
{
    const struct sql_rows rows = reading->rows;
    return (struct event){
        .seq = sql_i64(rows, row, READ_EVENTS_SEQ),
        .lane = sql_i16(rows, row, READ_EVENTS_LANE),
        .message =
            {
                .topic = find_topic(reading, sql_text(rows, row, READ_EVENTS_AGGREGATETYPE)),
                .key = sql_uuid(rows, row, READ_EVENTS_PARTITIONKEY),
                .id = sql_uuid(rows, row, READ_EVENTS_ID),
                .type = find_type(reading, sql_text(rows, row, READ_EVENTS_TYPE)),
                .source = reading->source,
                .subject = sql_uuid(rows, row, READ_EVENTS_AGGREGATEID),
                .time_us = sql_time(rows, row, READ_EVENTS_CREATED_AT),
                .sequence = sql_i64(rows, row, READ_EVENTS_SEQUENCE),
                .tenant = sql_text(rows, row, READ_EVENTS_TENANT_ID),
                .saga_id = optional_id(rows, row, READ_EVENTS_SAGA_ID),
                .command_id = optional_id(rows, row, READ_EVENTS_COMMAND_ID),
                .traceparent = sql_text(rows, row, READ_EVENTS_TRACEPARENT),
                .origin_traceparent = sql_text(rows, row, READ_EVENTS_ORIGIN_TRACEPARENT),
                .tracestate = sql_text(rows, row, READ_EVENTS_TRACESTATE),
                .payload = sql_text(rows, row, READ_EVENTS_PAYLOAD),
                .headers = sql_text(rows, row, READ_EVENTS_HEADERS),
            },
    };
}

enum status store_take(const struct store *store, struct arena *arena,
                       const struct store_share *share, struct event_list *list_out,
                       struct error *err)
{
    struct event_list list = {NULL, 0};
    struct reading reading = {.arena = arena, .store = store};
    TRY(lock_lanes(store->db, arena, share, err));
    if (db_rows(store->db, 1).count > 0) {
        TRY(read_events(store->db, arena, share, err));
        reading.rows = db_rows(store->db, 0);
        reading.source = text_format(arena, "/tallystick/%.*s", TEXT_ARGS(store->source));
        list.events = ARENA_NEW_ARRAY(arena, struct event, (size_t)reading.rows.count);
        for (int row = 0; row < reading.rows.count; row++)
            list.events[list.count++] = read_event(&reading, row);
    }
    if (list.count == 0) /* or the last holder of the lanes has published all */
        db_rollback(store->db);
    *list_out = list;
    return OK;
}

/* ---- finishing ----------------------------------------------------------------------------- */

enum status store_finish(const struct store *store, struct arena *arena,
                         const struct event_list *list, const bool *published, struct error *err)
{
    struct sql_array seqs;
    struct sql_args args;
    sql_array_init(&seqs, arena, SQL_I64, list->count);
    for (size_t at = 0; at < list->count; at++)
        if (published[at])
            sql_array_add_i64(&seqs, list->events[at].seq);
    sql_args_init(&args, arena);
    sql_add_array(&args, &seqs);
    db_send(store->db, SQL_DELETE_EVENTS, &args);
    db_send_commit(store->db);
    return db_run(store->db, err);
}

enum status store_measure(const struct store *store, struct arena *arena,
                          struct store_backlog *backlog_out, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i64(&args, BACKLOG_COUNT_MAX);
    TRY(db_run_one(store->db, SQL_MEASURE_BACKLOG, &args, err));
    const struct sql_rows rows = db_rows(store->db, 0);
    *backlog_out = (struct store_backlog){
        .pending = sql_i64(rows, 0, MEASURE_BACKLOG_PENDING),
        .oldest_age_ms = sql_i64(rows, 0, MEASURE_BACKLOG_OLDEST_AGE_MS),
    };
    return OK;
}

enum status store_measure_waiting(const struct store *store, struct arena *arena,
                                  const bool *is_resting, struct store_waiting *waiting_out,
                                  struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    add_resting(&args, is_resting);
    TRY(db_run_one(store->db, SQL_MEASURE_WAITING, &args, err));
    const struct sql_rows rows = db_rows(store->db, 0);
    *waiting_out = (struct store_waiting){0, 0};
    if (rows.count > 0)
        *waiting_out = (struct store_waiting){
            .count = sql_i64(rows, 0, MEASURE_WAITING_WAITING),
            .oldest_age_us = sql_i64(rows, 0, MEASURE_WAITING_OLDEST_AGE_US),
        };
    return OK;
}
