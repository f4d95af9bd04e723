/* Publishing on PostgreSQL: one SQL transaction per batch. The heads of all partitions concerned
 * are locked in ascending order, offsets are given out here, messages and new heads are saved. The
 * locks are held to the commit, so offsets are gapless and become visible in order. */
#include "base/arena.h"
#include "base/assert.h"
#include "bus_sql.h"
#include "platform/bus/part.h"
#include "platform/messaging/waker.h"
#include "platform/postgres/sql_columns.h"

#include <stdlib.h>

enum {
    ARENA_SIZE_MAX = 64 * 1024 * 1024,
    EXPIRE_PARTITION_MAX = 200, /* messages of one partition in one go */
    LOCK_TIMEOUT_MS = 5000,     /* another publisher holds a head for the time of its batch */
};

struct publisher {
    struct db *db;
    struct arena *arena; /* of one batch */
    struct waker *waker;
};

/* A message on its way to its place. */
struct entry {
    const struct message *message;
    int partition;
    int64_t offset;
};

/* The partitions of a batch, each once, ascending; entries of one stand together. */
struct stretch {
    struct text topic;
    int partition;
    size_t first; /* entry */
    size_t count;
};

struct publication {
    struct arena *arena;
    struct entry *entries; /* by topic, partition, then in the order given */
    size_t entry_count;
    struct stretch *stretches;
    size_t stretch_count;
};

static enum status publisher_open(const struct bus_config *config, void **self_out,
                                  struct error *err)
{
    (void)err;
    struct publisher *publisher = calloc(1, sizeof *publisher);
    ASSERT(publisher != NULL);
    const struct db_config db_config = {
        .url = config->database_url,
        .user = config->user,
        .schema = "bus",
        .application_name = config->service,
        .statements = {bus_statements},
        .lock_timeout_ms = LOCK_TIMEOUT_MS,
    };
    publisher->db = db_new(&db_config);
    publisher->arena = arena_new(ARENA_SIZE_MAX);
    publisher->waker = waker_start(&db_config, CHANNEL_BUS);
    *self_out = publisher;
    return OK;
}

static void publisher_close(void *self)
{
    struct publisher *publisher = self;
    waker_stop(publisher->waker);
    db_free(publisher->db);
    arena_free(publisher->arena);
    free(publisher);
}

/* ---- where each message goes --------------------------------------------------------------- */

/* The messages of a batch mostly share the text. */
static int compare_topics(const struct message *left, const struct message *right)
{
    return left->topic.data == right->topic.data ? 0 : text_compare(left->topic, right->topic);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    const int order = compare_topics(left->message, right->message);
    if (order != 0)
        return order;
    if (left->partition != right->partition)
        return left->partition - right->partition;
    return (left->message > right->message) - (left->message < right->message);
}

static bool begins_stretch(const struct publication *p, size_t at)
{
    if (at == 0)
        return true;
    const struct entry *entry = &p->entries[at], *before = &p->entries[at - 1];
    return entry->partition != before->partition ||
           compare_topics(entry->message, before->message) != 0;
}

static void sort_into_stretches(struct publication *p, const struct message *messages, size_t count)
{
    p->entries = ARENA_NEW_ARRAY(p->arena, struct entry, count);
    p->stretches = ARENA_NEW_ARRAY(p->arena, struct stretch, count);
    p->entry_count = count;
    for (size_t at = 0; at < count; at++)
        p->entries[at] = (struct entry){.message = &messages[at],
                                        .partition = bus_partition_of(&messages[at].key)};
    qsort(p->entries, count, sizeof *p->entries, compare_entries);
    for (size_t at = 0; at < count; at++) {
        const struct entry *entry = &p->entries[at];
        if (begins_stretch(p, at))
            p->stretches[p->stretch_count++] = (struct stretch){
                .topic = entry->message->topic, .partition = entry->partition, .first = at};
        p->stretches[p->stretch_count - 1].count++;
    }
}

/* ---- the SQL transaction ------------------------------------------------------------------- */

static void add_stretches(const struct publication *p, struct sql_args *args)
{
    struct sql_columns rows;
    SQL_COLUMNS_INIT(&rows, p->arena, p->stretch_count, SQL_TEXT, SQL_I16);
    for (size_t at = 0; at < p->stretch_count; at++) {
        sql_columns_add_text(&rows, p->stretches[at].topic);
        sql_columns_add_i64(&rows, p->stretches[at].partition);
    }
    sql_add_columns(args, &rows);
}

static enum status add_topics(struct publisher *publisher, const struct publication *p,
                              struct error *err)
{
    struct sql_array topics;
    struct sql_args args;
    sql_array_init(&topics, p->arena, SQL_TEXT, p->stretch_count);
    for (size_t at = 0; at < p->stretch_count; at++)
        if (at == 0 || !text_equals(p->stretches[at].topic, p->stretches[at - 1].topic))
            sql_array_add_text(&topics, p->stretches[at].topic);
    sql_args_init(&args, p->arena);
    sql_add_array(&args, &topics);
    return db_run_one(publisher->db, SQL_ADD_PARTITIONS, &args, err);
}

/* Locks the heads and gives every entry its offset. ERR_NOT_FOUND: a topic is new. */
static enum status take_offsets(struct publisher *publisher, struct publication *p,
                                struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, p->arena);
    add_stretches(p, &args);
    db_send_begin(publisher->db);
    db_send(publisher->db, SQL_LOCK_PARTITIONS, &args);
    TRY(db_run(publisher->db, err));
    const struct sql_rows heads = db_rows(publisher->db, 1);
    if ((size_t)heads.count < p->stretch_count) {
        db_rollback(publisher->db);
        return error_set(err, ERR_NOT_FOUND, "a topic does not exist yet");
    }
    for (size_t at = 0; at < p->stretch_count; at++) {
        const struct stretch *stretch = &p->stretches[at];
        const int64_t head = sql_i64(heads, (int)at, LOCK_PARTITIONS_NEXT_OFFSET);
        for (size_t nth = 0; nth < stretch->count; nth++)
            p->entries[stretch->first + nth].offset = head + (int64_t)nth;
    }
    return OK;
}

static void send_heads(struct publisher *publisher, const struct publication *p)
{
    struct sql_columns rows;
    SQL_COLUMNS_INIT(&rows, p->arena, p->stretch_count, SQL_TEXT, SQL_I16, SQL_I64);
    for (size_t at = 0; at < p->stretch_count; at++) {
        const struct stretch *stretch = &p->stretches[at];
        const struct entry *last = &p->entries[stretch->first + stretch->count - 1];
        sql_columns_add_text(&rows, stretch->topic);
        sql_columns_add_i64(&rows, stretch->partition);
        sql_columns_add_i64(&rows, last->offset + 1);
    }
    sql_columns_send(&rows, publisher->db, SQL_ADVANCE_PARTITIONS);
}

static struct text headers_of(struct arena *arena, const struct message *message)
{
    return text_is_none(message->headers) ? message_write_headers(arena, message)
                                          : message->headers;
}

static void send_messages(struct publisher *publisher, const struct publication *p)
{
    struct sql_columns rows;
    SQL_COPY_INIT(&rows, p->arena, p->entry_count, SQL_TEXT, SQL_I16, SQL_I64, SQL_UUID, SQL_UUID,
                  SQL_TEXT, SQL_TEXT);
    for (size_t at = 0; at < p->entry_count; at++) {
        const struct entry *entry = &p->entries[at];
        const struct message *message = entry->message;
        sql_columns_add_text(&rows, message->topic);
        sql_columns_add_i64(&rows, entry->partition);
        sql_columns_add_i64(&rows, entry->offset);
        sql_columns_add_uuid(&rows, &message->key);
        sql_columns_add_uuid(&rows, &message->id);
        sql_columns_add_text(&rows, headers_of(p->arena, message));
        sql_columns_add_text(&rows, message->payload);
    }
    sql_columns_send(&rows, publisher->db, SQL_INSERT_MESSAGES);
}

static enum status publish_all(struct publisher *publisher, struct publication *p,
                               struct error *err)
{
    enum status status = take_offsets(publisher, p, err);
    if (status == ERR_NOT_FOUND) {
        TRY(add_topics(publisher, p, err));
        status = take_offsets(publisher, p, err);
    }
    TRY(status);
    send_heads(publisher, p);
    send_messages(publisher, p);
    db_send_commit(publisher->db);
    return db_run(publisher->db, err);
}

static enum status publish_batch(struct publisher *publisher, const struct message *messages,
                                 size_t count, struct error *err)
{
    arena_reset(publisher->arena);
    struct publication publication = {.arena = publisher->arena};
    sort_into_stretches(&publication, messages, count);
    return publish_all(publisher, &publication, err);
}

/* One message spoils the batch, and not because the bus is away. Each goes alone; what fails stops
 * its partition, so that no later message of its key overtakes it. */
static enum status publish_each(struct publisher *publisher, const struct message *messages,
                                size_t count, bool *published_out, struct error *err)
{
    bool is_stopped[BUS_PARTITIONS] = {false};
    enum status last = OK;
    for (size_t at = 0; at < count; at++) {
        const int partition = bus_partition_of(&messages[at].key);
        if (is_stopped[partition])
            continue;
        const enum status status = publish_batch(publisher, &messages[at], 1, err);
        published_out[at] = status == OK;
        is_stopped[partition] = status != OK;
        if (status != OK)
            last = status;
    }
    return last;
}

static bool is_fault(enum status status)
{
    return status == ERR_BROKEN || status == ERR_INVALID;
}

static enum status publisher_publish(void *self, const struct message *messages, size_t count,
                                     bool *published_out, struct error *err)
{
    struct publisher *publisher = self;
    if (count == 0)
        return OK;
    memset(published_out, 0, count * sizeof *published_out);
    enum status status = publish_batch(publisher, messages, count, err);
    if (status == OK)
        for (size_t at = 0; at < count; at++)
            published_out[at] = true;
    else if (is_fault(status) && count > 1)
        status = publish_each(publisher, messages, count, published_out, err);
    waker_ring(publisher->waker);
    return status;
}

static enum status publisher_expire(void *self, int64_t retention_s, int64_t *deleted_out,
                                    struct error *err)
{
    struct publisher *publisher = self;
    struct sql_args args;
    arena_reset(publisher->arena);
    sql_args_init(&args, publisher->arena);
    sql_add_i64(&args, retention_s);
    sql_add_i64(&args, EXPIRE_PARTITION_MAX);
    TRY(db_run_one(publisher->db, SQL_DELETE_MESSAGES, &args, err));
    *deleted_out = db_rows(publisher->db, 0).affected;
    return OK;
}

static void add_names(struct publisher *publisher, struct sql_args *args, const char *const names[])
{
    struct sql_array array;
    sql_array_init(&array, publisher->arena, SQL_TEXT, BUS_TOPICS_MAX);
    for (size_t at = 0; names[at] != NULL; at++)
        sql_array_add_text(&array, text_of(names[at]));
    sql_add_array(args, &array);
}

static enum status publisher_measure(void *self, const char *const topics[],
                                     const char *const groups[], struct bus_flow *flow_out,
                                     struct error *err)
{
    struct publisher *publisher = self;
    struct sql_args args;
    arena_reset(publisher->arena);
    sql_args_init(&args, publisher->arena);
    add_names(publisher, &args, topics);
    add_names(publisher, &args, groups);
    TRY(db_run_one(publisher->db, SQL_MEASURE_FLOW, &args, err));
    const struct sql_rows rows = db_rows(publisher->db, 0);
    *flow_out = (struct bus_flow){
        .is_known = true,
        .published = sql_i64(rows, 0, MEASURE_FLOW_PUBLISHED),
        .unread = sql_i64(rows, 0, MEASURE_FLOW_UNREAD),
    };
    return OK;
}

const struct bus_publisher_part BUS_POSTGRES_PUBLISHER = {
    .open = publisher_open,
    .publish = publisher_publish,
    .expire = publisher_expire,
    .measure = publisher_measure,
    .close = publisher_close,
};
