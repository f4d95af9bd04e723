/* Consuming on PostgreSQL: a poll locks cursors of its group that have messages to read, passing
 * over those of other members, reads a stretch of each partition and keeps the SQL transaction open
 * until the confirm moves the cursors. A member that dies, or polls again without confirming, rolls
 * back: its messages are handed over again, and no lease outlives its transaction.
 *
 * Between polls the connection listens to CHANNEL_BUS; a poll of every wait_ms is the safety net.
 */
#include "base/arena.h"
#include "base/assert.h"
#include "bus_sql.h"
#include "platform/bus/part.h"
#include "platform/clock.h"
#include "platform/messaging/waker.h"
#include "platform/postgres/sql_columns.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    PARTITIONS_POLL_MAX = 32, /* of one poll: half of a topic, so that two members share */
    WAIT_SLICE_MS = 50,       /* how late a wake from another thread may be seen */
    ARENA_SIZE_MAX = 1024 * 1024,
};

/* A stretch of one partition that this poll has locked. */
struct claim {
    struct text topic;
    int partition;
    int64_t first_offset;
    int64_t next_offset; /* the stretch ends before it */
    int64_t head_offset; /* so do the messages there are */
};

struct consumer_on_postgres {
    struct db *db;
    struct arena *arena; /* of what is claimed */
    const char *group;
    struct text topics[BUS_TOPICS_MAX];
    size_t topic_count;
    bool is_prepared;    /* its cursors exist, the channel is listened to */
    int first_partition; /* where the next poll begins */
    struct claim claims[PARTITIONS_POLL_MAX];
    size_t claim_count;
    atomic_bool is_woken;
};

static enum status consumer_open(const struct bus_config *config, const char *group,
                                 const char *const topics[], void **self_out, struct error *err)
{
    (void)err;
    struct consumer_on_postgres *consumer = calloc(1, sizeof *consumer);
    ASSERT(consumer != NULL);
    const struct db_config db_config = {
        .url = config->database_url,
        .user = config->user,
        .schema = "bus",
        .application_name = config->service,
        .statements = {bus_statements},
    };
    consumer->db = db_new(&db_config);
    consumer->arena = arena_new(ARENA_SIZE_MAX);
    consumer->group = group;
    for (; topics[consumer->topic_count] != NULL; consumer->topic_count++) {
        ASSERT(consumer->topic_count < BUS_TOPICS_MAX);
        consumer->topics[consumer->topic_count] = text_of(topics[consumer->topic_count]);
    }
    *self_out = consumer;
    return OK;
}

static void consumer_close(void *self)
{
    struct consumer_on_postgres *consumer = self;
    db_rollback(consumer->db); /* others may have its partitions at once */
    db_free(consumer->db);
    arena_free(consumer->arena);
    free(consumer);
}

static void consumer_wake(void *self)
{
    struct consumer_on_postgres *consumer = self;
    atomic_store(&consumer->is_woken, true);
}

/* ---- claiming ------------------------------------------------------------------------------ */

static void add_group_and_topics(struct consumer_on_postgres *consumer, struct sql_args *args)
{
    struct sql_array topics;
    sql_args_init(args, consumer->arena);
    sql_array_init(&topics, consumer->arena, SQL_TEXT, consumer->topic_count);
    for (size_t at = 0; at < consumer->topic_count; at++)
        sql_array_add_text(&topics, consumer->topics[at]);
    sql_add_text(args, text_of(consumer->group));
    sql_add_array(args, &topics);
}

static enum status prepare(struct consumer_on_postgres *consumer, struct error *err)
{
    if (consumer->is_prepared)
        return OK;
    struct sql_args args;
    add_group_and_topics(consumer, &args);
    TRY(db_listen(consumer->db, CHANNEL_BUS, err));
    TRY(db_run_one(consumer->db, SQL_ADD_CURSORS, &args, err));
    consumer->is_prepared = true;
    return OK;
}

/* The topic's text that lives as long as the consumer. */
static struct text find_topic(const struct consumer_on_postgres *consumer, struct text topic)
{
    for (size_t at = 0; at < consumer->topic_count; at++)
        if (text_equals(consumer->topics[at], topic))
            return consumer->topics[at];
    UNREACHABLE();
}

static void read_claims(struct consumer_on_postgres *consumer, struct sql_rows rows)
{
    ASSERT(rows.count <= PARTITIONS_POLL_MAX);
    for (int row = 0; row < rows.count; row++)
        consumer->claims[consumer->claim_count++] = (struct claim){
            .topic = find_topic(consumer, sql_text(rows, row, CLAIM_CURSORS_TOPIC)),
            .partition = sql_i16(rows, row, CLAIM_CURSORS_PARTITION),
            .first_offset = sql_i64(rows, row, CLAIM_CURSORS_NEXT_OFFSET),
            .head_offset = sql_i64(rows, row, CLAIM_CURSORS_HEAD_OFFSET),
        };
}

/* Each partition gets an equal share of the poll; what one leaves goes to those after it. */
static void share_out(struct consumer_on_postgres *consumer, size_t count_max)
{
    int64_t left = (int64_t)count_max;
    for (size_t at = 0; at < consumer->claim_count; at++) {
        struct claim *claim = &consumer->claims[at];
        const int64_t sharers = (int64_t)(consumer->claim_count - at);
        const int64_t share = (left + sharers - 1) / sharers;
        const int64_t backlog = claim->head_offset - claim->first_offset;
        const int64_t taken = backlog < share ? backlog : share;
        claim->next_offset = claim->first_offset + taken;
        left -= taken;
    }
}

/* Leaves an open SQL transaction when anything was claimed. */
static enum status claim_cursors(struct consumer_on_postgres *consumer, size_t count_max,
                                 struct error *err)
{
    struct sql_args args;
    consumer->claim_count = 0;
    arena_reset(consumer->arena);
    TRY(prepare(consumer, err));
    add_group_and_topics(consumer, &args);
    sql_add_i32(&args, consumer->first_partition);
    sql_add_i64(&args, PARTITIONS_POLL_MAX);
    db_send_begin(consumer->db);
    db_send(consumer->db, SQL_CLAIM_CURSORS, &args);
    TRY(db_run(consumer->db, err));
    read_claims(consumer, db_rows(consumer->db, 1));
    if (consumer->claim_count == 0) {
        db_rollback(consumer->db);
        return OK;
    }
    const struct claim *last = &consumer->claims[consumer->claim_count - 1];
    consumer->first_partition = (last->partition + 1) % BUS_PARTITIONS;
    share_out(consumer, count_max);
    return OK;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* As parameters: topic, partition, where each claim begins and ends. */
static void add_claims(struct consumer_on_postgres *consumer, struct sql_args *args)
{
    struct sql_columns rows;
    SQL_COLUMNS_INIT(&rows, consumer->arena, consumer->claim_count, SQL_TEXT, SQL_I16, SQL_I64,
                     SQL_I64);
    for (size_t at = 0; at < consumer->claim_count; at++) {
        const struct claim *claim = &consumer->claims[at];
        sql_columns_add_text(&rows, claim->topic);
        sql_columns_add_i64(&rows, claim->partition);
        sql_columns_add_i64(&rows, claim->first_offset);
        sql_columns_add_i64(&rows, claim->next_offset);
    }
    sql_add_columns(args, &rows);
}

/* The row's own columns hold even where its headers are not ours. */
static void read_message(const struct consumer_on_postgres *consumer, struct sql_rows rows, int row,
                         struct arena *arena, struct message *message_out)
{
    struct error err;
    struct message message = {
        .topic = find_topic(consumer, sql_text(rows, row, READ_MESSAGES_TOPIC)),
        .headers = text_copy(arena, sql_text(rows, row, READ_MESSAGES_HEADERS)),
        .payload = text_copy(arena, sql_text(rows, row, READ_MESSAGES_PAYLOAD)),
        .partition = sql_i16(rows, row, READ_MESSAGES_PARTITION),
        .offset = sql_i64(rows, row, READ_MESSAGES_OFFSET),
        .published_us = sql_time(rows, row, READ_MESSAGES_PUBLISHED_AT),
    };
    if (message_parse_headers(arena, message.headers, &message, &err) != OK)
        message.malformed = text_to_c(arena, text_of(err.message));
    message.key = sql_uuid(rows, row, READ_MESSAGES_KEY);
    message.id = sql_uuid(rows, row, READ_MESSAGES_ID);
    *message_out = message;
}

static enum status read_messages(struct consumer_on_postgres *consumer, struct arena *arena,
                                 struct bus_batch *batch_out, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, consumer->arena);
    add_claims(consumer, &args);
    TRY(db_run_one(consumer->db, SQL_READ_MESSAGES, &args, err));
    const struct sql_rows rows = db_rows(consumer->db, 0);
    struct message *messages = ARENA_NEW_ARRAY(arena, struct message, (size_t)rows.count);
    for (int row = 0; row < rows.count; row++)
        read_message(consumer, rows, row, arena, &messages[row]);
    *batch_out = (struct bus_batch){messages, (size_t)rows.count};
    return OK;
}

static enum status consumer_confirm(void *self, struct error *err)
{
    struct consumer_on_postgres *consumer = self;
    if (consumer->claim_count == 0)
        return OK;
    struct sql_args args;
    sql_args_init(&args, consumer->arena);
    sql_add_text(&args, text_of(consumer->group));
    add_claims(consumer, &args);
    consumer->claim_count = 0;
    db_send(consumer->db, SQL_MOVE_CURSORS, &args);
    db_send_commit(consumer->db);
    return db_run(consumer->db, err);
}

/* Claims and reads, without waiting. A stretch without any message is left of a retention that
 * passed this group by: the cursor steps over it. */
static enum status fetch(struct consumer_on_postgres *consumer, size_t count_max,
                         struct arena *arena, struct bus_batch *batch_out, struct error *err)
{
    struct bus_batch batch = {NULL, 0};
    do {
        TRY(claim_cursors(consumer, count_max, err));
        if (consumer->claim_count == 0)
            break;
        TRY(read_messages(consumer, arena, &batch, err));
        if (batch.count == 0)
            TRY(consumer_confirm(consumer, err));
    } while (batch.count == 0);
    *batch_out = batch;
    return OK;
}

static enum status wait_for_notice(struct consumer_on_postgres *consumer, int wait_ms,
                                   struct error *err)
{
    const int64_t until_us = clock_monotonic_us() + (int64_t)wait_ms * 1000;
    bool is_notified = false;
    while (!is_notified && !atomic_load(&consumer->is_woken)) {
        const int64_t left_ms = (until_us - clock_monotonic_us()) / 1000;
        if (left_ms <= 0)
            return OK;
        const int slice_ms = left_ms < WAIT_SLICE_MS ? (int)left_ms : WAIT_SLICE_MS;
        TRY(db_wait(consumer->db, slice_ms, &is_notified, err));
    }
    return OK;
}

static enum status consumer_poll(void *self, const struct bus_poll *poll, struct arena *arena,
                                 struct bus_batch *batch_out, struct error *err)
{
    struct consumer_on_postgres *consumer = self;
    ASSERT(poll->count_max > 0);
    db_rollback(consumer->db);
    TRY(fetch(consumer, poll->count_max, arena, batch_out, err));
    if (batch_out->count > 0 || poll->wait_ms == 0)
        return OK;
    TRY(wait_for_notice(consumer, poll->wait_ms, err));
    if (atomic_exchange(&consumer->is_woken, false))
        return OK;
    return fetch(consumer, poll->count_max, arena, batch_out, err);
}

const struct bus_consumer_part BUS_POSTGRES_CONSUMER = {
    .open = consumer_open,
    .poll = consumer_poll,
    .confirm = consumer_confirm,
    .wake = consumer_wake,
    .close = consumer_close,
};
