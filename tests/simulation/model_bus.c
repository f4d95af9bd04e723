/* The statements of src/outbox/sql/ and of src/platform/bus/sql/. Partitions and cursors are made
 * when they are first needed: 64 of each for every topic would be most of a schedule's work. */
#include "base/assert.h"
#include "sim.h"
#include "statement.h"

#include <stdlib.h>

static int ring_distance(int64_t number, int64_t first)
{
    return (int)((number - first) & 63);
}

/* ---- the outbox ----------------------------------------------------------------------------- */

static int64_t ring_first;

static int compare_by_ring(const void *a, const void *b)
{
    const struct row *const *left = a, *const *right = b;
    return ring_distance(cell_to_i64((*left)->committed[0]), ring_first) -
           ring_distance(cell_to_i64((*right)->committed[0]), ring_first);
}

static bool has_events(const struct call *call, struct cell lane)
{
    const struct table *outbox = call_table(call, T_OUTBOX);
    struct row *row;
    for (size_t at = 0; (row = next_row(outbox, call, &at)) != NULL;)
        if (cell_equals(COLUMN(row, call, "lane"), lane))
            return true;
    return false;
}

/* The oldest row_max rows are all there are: schedules have no such backlog. */
static enum status lock_lanes(struct call *call, struct error *err)
{
    const struct table *lanes = call_table(call, T_OUTBOX_LANE);
    const struct cells resting = call_array(call, 1);
    struct row *found[64], *row;
    size_t count = 0;
    for (size_t at = 0; (row = next_row(lanes, call, &at)) != NULL;)
        if (!cells_have(&resting, COLUMN(row, call, "lane")) &&
            has_events(call, COLUMN(row, call, "lane")))
            found[count++] = row;
    ring_first = cell_to_i64(call_param(call, 3));
    qsort(found, count, sizeof found[0], compare_by_ring);
    for (size_t at = 0; at < count; at++) {
        if (statement_says(call, "SKIP LOCKED") && found[at]->owner != NULL)
            continue;
        if (statement_says(call, "FOR UPDATE"))
            TRY(row_lock(found[at], call->tx, call->until_us, err));
        if (call->answer.row_count < cell_to_i64(call_param(call, 4)))
            answer_add(call, lanes, row_seen(found[at], call->tx), "lane");
    }
    return OK;
}

static enum status read_events(struct call *call, struct error *err)
{
    (void)err;
    const struct table *outbox = call_table(call, T_OUTBOX);
    const struct cells lanes = call_array(call, 1);
    struct row *row;
    for (size_t at = 0; (row = next_row(outbox, call, &at)) != NULL;)
        if (cells_have(&lanes, COLUMN(row, call, "lane")))
            answer_add(call, outbox, row_seen(row, call->tx),
                       "seq lane id aggregatetype aggregateid partitionkey type sequence "
                       "tenant_id payload saga_id command_id traceparent origin_traceparent "
                       "tracestate headers created_at");
    /* Without its order any would do: here the worst. */
    answer_sort(call, statement_says(call, "ORDER BY o.seq") ? 1 : -1);
    const int64_t max = cell_to_i64(call_param(call, 2));
    if (call->answer.row_count > max)
        call->answer.row_count = (int)max;
    return OK;
}

static enum status delete_events(struct call *call, struct error *err)
{
    const struct table *outbox = call_table(call, T_OUTBOX);
    const struct cells seqs = call_array(call, 1);
    struct row *row;
    for (size_t at = 0; (row = next_row(outbox, call, &at)) != NULL;) {
        if (!cells_have(&seqs, COLUMN(row, call, "seq")))
            continue;
        TRY(row_lock(row, call->tx, call->until_us, err));
        if (row_seen(row, call->tx) != NULL)
            row_delete(row);
    }
    return OK;
}

/* For /metrics. */
static enum status measure_backlog(struct call *call, struct error *err)
{
    (void)err;
    answer_add(call, NULL, NULL, "");
    answer_add_cell(call, cell_i64(0));
    answer_add_cell(call, cell_i64(0));
    return OK;
}

const struct model OUTBOX_MODELS[] = {
    {"outbox.lock_lanes", MODEL_OWN, .run = lock_lanes},
    {"outbox.read_events", MODEL_OWN, .run = read_events},
    {"outbox.delete_events", MODEL_OWN, .run = delete_events},
    {"outbox.measure_backlog", MODEL_OWN, .run = measure_backlog},
    {NULL, MODEL_OWN},
};

/* ---- the bus -------------------------------------------------------------------------------- */

/* A row that a statement of its own has made before, and committed. */
static struct row *find_or_make(struct call *call, enum table_id id, const struct cell *cells,
                                struct error *err)
{
    struct table *table = table_of(S_BUS, id);
    struct row *row = row_find(table, cells);
    if (row != NULL)
        return row;
    struct transaction own = {.is_open = true};
    const struct insertion insertion = {table, &own, call->until_us, false};
    struct row *found = NULL;
    ASSERT(row_insert(&insertion, cells, &found, err) == OK);
    row = own.owned;
    transaction_end(&own, true);
    return row;
}

static enum status take_part(struct call *call, struct error *err)
{
    (void)call, (void)err;
    return OK;
}

struct stretch {
    struct cell topic, partition;
};

static int compare_stretches(const void *a, const void *b)
{
    const struct stretch *left = a, *right = b;
    const int order = cell_compare(left->topic, right->topic);
    return order != 0 ? order : cell_compare(left->partition, right->partition);
}

enum { STRETCHES_MAX = 256 };

static enum status lock_partitions(struct call *call, struct error *err)
{
    const struct cells topics = call_array(call, 1), partitions = call_array(call, 2);
    struct stretch wanted[STRETCHES_MAX];
    ASSERT(topics.count <= STRETCHES_MAX);
    for (int at = 0; at < topics.count; at++)
        wanted[at] = (struct stretch){topics.items[at], partitions.items[at]};
    qsort(wanted, (size_t)topics.count, sizeof wanted[0], compare_stretches);
    for (int at = 0; at < topics.count; at++) {
        const struct cell cells[COLUMNS_MAX] = {wanted[at].topic, wanted[at].partition,
                                                cell_i64(0)};
        struct row *row = find_or_make(call, T_PARTITION, cells, err);
        if (statement_says(call, "FOR NO KEY UPDATE"))
            TRY(row_lock(row, call->tx, call->until_us, err));
        answer_add(call, row->table, row_seen(row, call->tx), "next_offset");
    }
    return OK;
}

static void fill_message(const struct call *call, struct cell *cells)
{
    cells[column_at(call_table(call, T_MESSAGE), "published_at")] = cell_time(server_now_us());
}

struct candidate {
    struct row *cursor;
    const struct row *head;
    int distance;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    if (left->distance != right->distance)
        return left->distance - right->distance;
    return cell_compare(left->head->committed[0], right->head->committed[0]);
}

/* Cursors of the group that have something before them. */
static size_t find_cursors(struct call *call, struct candidate *candidates, struct error *err)
{
    const struct table *heads = call_table(call, T_PARTITION);
    const struct cells topics = call_array(call, 2);
    const int64_t first = cell_to_i64(call_param(call, 3));
    size_t count = 0;
    struct row *head;
    for (size_t at = 0; (head = next_row(heads, call, &at)) != NULL;) {
        const struct cell *cells = row_seen(head, call->tx);
        if (!cells_have(&topics, cells[0]))
            continue;
        const struct cell key[COLUMNS_MAX] = {call_param(call, 1), cells[0], cells[1], cell_i64(0)};
        struct row *cursor = find_or_make(call, T_CURSOR, key, err);
        if (cell_to_i64(cells[2]) <= cell_to_i64(row_seen(cursor, call->tx)[3]))
            continue;
        ASSERT(count < STRETCHES_MAX);
        candidates[count++] =
            (struct candidate){cursor, head, ring_distance(cell_to_i64(cells[1]), first)};
    }
    return count;
}

static enum status claim_cursors(struct call *call, struct error *err)
{
    struct candidate candidates[STRETCHES_MAX];
    const size_t count = find_cursors(call, candidates, err);
    const bool locks = statement_says(call, "FOR UPDATE OF cursor");
    qsort(candidates, count, sizeof candidates[0], compare_candidates);
    for (size_t at = 0; at < count; at++) {
        struct row *cursor = candidates[at].cursor;
        if (cursor->owner != NULL && cursor->owner != call->tx &&
            statement_says(call, "SKIP LOCKED"))
            continue;
        if (call->answer.row_count == cell_to_i64(call_param(call, 4)))
            break;
        if (locks)
            TRY(row_lock(cursor, call->tx, call->until_us, err));
        answer_add(call, cursor->table, row_seen(cursor, call->tx), "topic partition next_offset");
        answer_add_cell(call, row_seen(candidates[at].head, call->tx)[2]);
    }
    return OK;
}

static enum status read_messages(struct call *call, struct error *err)
{
    (void)err;
    const struct table *messages = call_table(call, T_MESSAGE);
    const struct cells topics = call_array(call, 1), partitions = call_array(call, 2);
    const struct cells first = call_array(call, 3), next = call_array(call, 4);
    for (int at = 0; at < topics.count; at++) {
        const int64_t end = cell_to_i64(next.items[at]);
        for (int64_t offset = cell_to_i64(first.items[at]); offset < end; offset++) {
            const struct cell key[] = {topics.items[at], partitions.items[at], cell_i64(offset)};
            const struct row *row = row_find(messages, key);
            if (row != NULL && row_seen(row, call->tx) != NULL)
                answer_add(call, messages, row_seen(row, call->tx),
                           "topic partition offset key id headers payload published_at");
        }
    }
    return OK;
}

/* A cursor that is not where the stretch begins is left alone, where the statement says so. */
static enum status move_cursors(struct call *call, struct error *err)
{
    const struct cells topics = call_array(call, 2), partitions = call_array(call, 3);
    const struct cells first = call_array(call, 4), next = call_array(call, 5);
    const bool is_fenced = statement_says(call, "cursor.next_offset = moved.first_offset");
    for (int at = 0; at < topics.count; at++) {
        const struct cell key[] = {call_param(call, 1), topics.items[at], partitions.items[at]};
        struct row *row = row_find(call_table(call, T_CURSOR), key);
        ASSERT(row != NULL);
        TRY(row_lock(row, call->tx, call->until_us, err));
        if (is_fenced && !cell_equals(row_seen(row, call->tx)[3], first.items[at]))
            continue;
        row_change(row)[3] = cell_copy(next.items[at]);
    }
    return OK;
}

const struct model BUS_MODELS[] = {
    {"bus.add_cursors", MODEL_OWN, .run = take_part},
    {"bus.add_partitions", MODEL_OWN, .run = take_part},
    {"bus.lock_partitions", MODEL_OWN, .run = lock_partitions},
    {"bus.advance_partitions", MODEL_UPDATE, T_PARTITION, "topic[]= partition[]= next_offset[]"},
    {"bus.insert_messages", MODEL_INSERT, T_MESSAGE,
     "topic[] partition[] offset[] key[] id[] headers[] payload[]", NULL, fill_message},
    {"bus.claim_cursors", MODEL_OWN, .run = claim_cursors},
    {"bus.read_messages", MODEL_OWN, .run = read_messages},
    {"bus.move_cursors", MODEL_OWN, .run = move_cursors},
    {NULL, MODEL_OWN},
};
