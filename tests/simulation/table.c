#include "table.h"

#include "base/arena.h"
#include "base/assert.h"
#include "sim.h"

#include <endian.h>

struct server server;

static const int64_t POSTGRES_EPOCH_US = 946684800LL * 1000000;

static const struct {
    const char *name;
    int key_count;
    const char *columns;
} SHAPES[] = {
#define TABLE_AS_ROW(name, keys, columns) [T_##name] = {#name, keys, columns},
    TABLES(TABLE_AS_ROW)
#undef TABLE_AS_ROW
};

/* ---- the server ----------------------------------------------------------------------------- */

static void make_table(struct table *table, enum table_id id)
{
    *table = (struct table){.id = id, .name = SHAPES[id].name, .key_count = SHAPES[id].key_count};
    struct text names = text_of(SHAPES[id].columns);
    while (names.size > 0) {
        const struct text name = text_cut(&names, ' ');
        ASSERT(table->column_count < COLUMNS_MAX);
        table->columns[table->column_count] = name.data;
        table->column_sizes[table->column_count++] = name.size;
    }
}

void server_begin(void)
{
    static struct table made[TABLE_COUNT];
    void (*const committed)(void) = server.committed;
    struct arena *arena = server.arena;
    if (arena == NULL) {
        arena = arena_new_sized((size_t)4 << 20, (size_t)512 << 20);
        for (int id = 0; id < TABLE_COUNT; id++)
            make_table(&made[id], (enum table_id)id);
    }
    arena_reset(arena);
    server = (struct server){.arena = arena, .committed = committed};
    for (int schema = 0; schema < SCHEMA_COUNT; schema++)
        memcpy(server.tables[schema], made, sizeof made);
    for (int schema = 0; schema < SCHEMA_COUNT; schema++)
        for (int id = 0; id < TABLE_COUNT; id++)
            server.tables[schema][id].schema = (enum schema)schema;
}

void server_end(void)
{
    arena_reset(server.arena);
}

int64_t server_now_us(void)
{
    return sim.epoch_us + sim.now_us;
}

struct table *table_of(enum schema schema, enum table_id id)
{
    return &server.tables[schema][id];
}

int column_of(const struct table *table, const char *name, size_t size)
{
    for (int at = 0; at < table->column_count; at++)
        if (table->column_sizes[at] == size && memcmp(table->columns[at], name, size) == 0)
            return at;
    sim_fail("the model of table %s has no column '%.*s'", table->name, (int)size, name);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static unsigned bucket_of(const struct table *table, const struct cell *key)
{
    uint32_t hash = 2166136261u;
    for (int at = 0; at < table->key_count; at++) {
        /* The last bytes tell ids and numbers apart best. */
        const size_t size = key[at].size;
        for (size_t byte = size > 8 ? size - 8 : 0; byte < size; byte++)
            hash = (hash ^ (uint8_t)key[at].data[byte]) * 16777619u;
    }
    return (hash ^ hash >> 15) % BUCKETS;
}

static bool has_key(const struct row *row, const struct cell *key)
{
    const struct cell *cells = row->pending != NULL ? row->pending : row->committed;
    if (cells == NULL)
        return false;
    for (int at = row->table->key_count - 1; at >= 0; at--)
        if (!cell_equals(cells[at], key[at]))
            return false;
    return true;
}

struct row *row_find(const struct table *table, const struct cell *key)
{
    for (struct row *row = table->buckets[bucket_of(table, key)]; row != NULL;
         row = row->next_in_bucket)
        if (has_key(row, key))
            return row;
    return NULL;
}

struct cell *row_seen(const struct row *row, const struct transaction *tx)
{
    return row->is_changed && row->owner == tx ? row->pending : row->committed;
}

static void own(struct row *row, struct transaction *tx)
{
    ASSERT(tx != NULL && tx->is_open);
    if (row->owner == tx)
        return;
    row->owner = tx;
    row->next_owned = tx->owned;
    tx->owned = row;
}

/* Whoever waits for us, and would be waited for by us. The row tells whom it is that somebody waits
 * for: an owner may have ended, and begun anew, before those who wait have noticed. */
static bool would_deadlock(const struct transaction *tx, const struct transaction *owner)
{
    while (owner != NULL && owner != tx)
        owner = owner->waits_on == NULL ? NULL : owner->waits_on->owner;
    return owner == tx;
}

static enum status wait_for(struct row *row, struct transaction *tx, int64_t until_us,
                            struct error *err)
{
    while (row->owner != NULL && row->owner != tx) {
        if (would_deadlock(tx, row->owner)) {
            server.deadlocks++;
            tx->sqlstate = "40P01";
            return error_set(err, ERR_CONFLICT, "deadlock on %s", row->table->name);
        }
        if (sim.now_us >= until_us) {
            tx->sqlstate = "55P03";
            return error_set(err, ERR_CONFLICT, "lock timeout on %s", row->table->name);
        }
        tx->waits_on = row;
        sim_listen(&server, until_us - sim.now_us);
        tx->waits_on = NULL;
        if (!tx->is_open) /* the server was restarted meanwhile */
            return error_set(err, ERR_DOWN, "the server went down");
    }
    return OK;
}

enum status row_lock(struct row *row, struct transaction *tx, int64_t until_us, struct error *err)
{
    TRY(wait_for(row, tx, until_us, err));
    if (row_seen(row, tx) != NULL)
        own(row, tx);
    return OK;
}

static struct cell *copy_cells(const struct table *table, const struct cell *cells)
{
    const size_t size = (size_t)table->column_count * sizeof *cells;
    struct cell *copy = arena_alloc(server.arena, size);
    memcpy(copy, cells, size);
    return copy;
}

struct cell *row_change(struct row *row)
{
    ASSERT(row->owner != NULL);
    struct cell *seen = row_seen(row, row->owner);
    ASSERT(seen != NULL);
    if (!row->is_changed)
        row->pending = copy_cells(row->table, seen);
    row->is_changed = true;
    return row->pending;
}

void row_delete(struct row *row)
{
    ASSERT(row->owner != NULL);
    row->pending = NULL;
    row->is_changed = true;
}

void *list_add(struct list *list, size_t item_size)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        char *more = arena_alloc(server.arena, capacity * item_size);
        if (list->count > 0)
            memcpy(more, list->items, list->count * item_size);
        list->items = more;
        list->capacity = capacity;
    }
    return (char *)list->items + list->count++ * item_size;
}

static struct row *append(struct table *table)
{
    if (table->count == table->capacity) {
        const size_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
        struct row **more = arena_alloc(server.arena, capacity * sizeof(struct row *));
        if (table->count > 0)
            memcpy(more, table->rows, table->count * sizeof(struct row *));
        table->rows = more;
        table->capacity = capacity;
    }
    struct row *row = ARENA_NEW(server.arena, struct row);
    row->table = table;
    table->rows[table->count++] = row;
    return row;
}

enum status row_insert(const struct insertion *insertion, const struct cell *cells,
                       struct row **found_out, struct error *err)
{
    struct table *table = insertion->table;
    struct row *row = NULL;
    for (;;) {
        row = row_find(table, cells);
        if (row == NULL)
            break;
        if (row->owner == insertion->tx && row_seen(row, insertion->tx) == NULL)
            break; /* its own deletion */
        /* A row that is there and not changed conflicts without a wait, unless it is to be locked.
         */
        if (row->is_changed || insertion->locks_found)
            TRY(wait_for(row, insertion->tx, insertion->until_us, err));
        *found_out = row;
        if (row_seen(row, insertion->tx) == NULL)
            continue; /* rolled back or deleted meanwhile: has_key knows it no more */
        if (insertion->locks_found)
            own(row, insertion->tx);
        return OK;
    }
    *found_out = NULL;
    if (row == NULL) {
        row = append(table);
        struct row **bucket = &table->buckets[bucket_of(table, cells)];
        row->next_in_bucket = *bucket;
        *bucket = row;
    }
    own(row, insertion->tx);
    row->pending = copy_cells(table, cells);
    for (int at = 0; at < table->column_count; at++)
        row->pending[at] = cell_copy(cells[at]);
    row->is_changed = true;
    return OK;
}

static struct cell pending(const struct row *row, const char *column)
{
    return row->pending[column_of(row->table, column, strlen(column))];
}

/* An account's events are said under its lock, so they have an order. Commands are said under their
 * sagas' locks: two authorizations of an account may be commanded side by side, in either order. */
static const char *ordered_by(struct cell aggregate)
{
    const struct text type = cell_to_text(aggregate);
    const bool is_command =
        type.size > 9 && text_equals_c(text_skip(type, type.size - 9), ".commands");
    return is_command ? "aggregateid" : "partitionkey";
}

/* The oracle asks for all that was ever said, published or not. */
static void remember_said(const struct row *row)
{
    const struct cell aggregate = pending(row, "aggregatetype");
    struct said *said = list_add(&server.said, sizeof *said);
    *said = (struct said){.id = cell_to_uuid(pending(row, "id")),
                          .by = row->table->schema,
                          .seq = cell_to_i64(row->pending[0]),
                          .place = cell_to_uuid(pending(row, ordered_by(aggregate))),
                          .saga_id = cell_to_uuid(pending(row, "saga_id")),
                          .command_id = cell_to_uuid(pending(row, "command_id")),
                          .type = cell_to_text(pending(row, "type"))};
    for (size_t at = 0; at < aggregate.size; at++)
        said->place.bytes[at % 16] ^= (uint8_t)aggregate.data[at];
    said->place.bytes[0] ^= (uint8_t)said->by;
}

static void remember(const struct row *row)
{
    if (row->committed != NULL || row->pending == NULL)
        return;
    if (row->table->id == T_OUTBOX)
        remember_said(row);
    if (row->table->id == T_INBOX)
        *(struct applied *)list_add(&server.applied, sizeof(struct applied)) =
            (struct applied){row->table->schema, cell_to_uuid(row->pending[1]), server.commits};
}

static void settle(struct row *row, bool commits)
{
    struct table *table = row->table;
    if (commits && row->is_changed) {
        remember(row);
        row->committed = row->pending;
        table->changes++;
    }
    row->pending = NULL;
    row->is_changed = false;
    row->owner = NULL;
    while (table->first < table->count && table->rows[table->first]->owner == NULL &&
           table->rows[table->first]->committed == NULL)
        table->first++;
}

void transaction_end(struct transaction *tx, bool commits)
{
    ASSERT(tx->is_open);
    const bool is_something = tx->owned != NULL;
    for (struct row *row = tx->owned, *next = NULL; row != NULL; row = next) {
        next = row->next_owned;
        settle(row, commits);
    }
    tx->owned = NULL;
    tx->is_open = false;
    if (!is_something)
        return;
    sim_ring(&server); /* who waits for a lock looks again */
    if (commits) {
        server.commits++;
        sim_note(server.commits);
        if (server.committed != NULL)
            server.committed();
    }
}

/* ---- cells ---------------------------------------------------------------------------------- */

static struct cell cell_of(const void *data, size_t size)
{
    char *copy = arena_alloc(server.arena, size == 0 ? 1 : size);
    memcpy(copy, data, size);
    return (struct cell){copy, size};
}

struct cell cell_copy(struct cell cell)
{
    return cell.data == NULL ? cell : cell_of(cell.data, cell.size);
}

bool cell_equals(struct cell a, struct cell b)
{
    return a.size == b.size && a.data != NULL && b.data != NULL &&
           memcmp(a.data, b.data, a.size) == 0;
}

/* As PostgreSQL sorts ids, texts in "C", numbers and times that are not negative. */
int cell_compare(struct cell a, struct cell b)
{
    const size_t size = a.size < b.size ? a.size : b.size;
    const int order = memcmp(a.data, b.data, size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

struct cell cell_i16(int value)
{
    const uint16_t wire = htobe16((uint16_t)value);
    return cell_of(&wire, sizeof wire);
}

struct cell cell_i32(int32_t value)
{
    const uint32_t wire = htobe32((uint32_t)value);
    return cell_of(&wire, sizeof wire);
}

struct cell cell_i64(int64_t value)
{
    const uint64_t wire = htobe64((uint64_t)value);
    return cell_of(&wire, sizeof wire);
}

struct cell cell_time(int64_t time_us)
{
    return cell_i64(time_us - POSTGRES_EPOCH_US);
}

struct cell cell_text(const char *value)
{
    return cell_of(value, strlen(value));
}

struct cell cell_uuid(const struct uuid *value)
{
    return cell_of(value->bytes, sizeof value->bytes);
}

int64_t cell_to_i64(struct cell cell)
{
    uint64_t wire = 0;
    ASSERT(cell.data != NULL);
    if (cell.size == 8) {
        memcpy(&wire, cell.data, 8);
        return (int64_t)be64toh(wire);
    }
    ASSERT(cell.size <= 4);
    for (size_t at = 0; at < cell.size; at++)
        wire = wire << 8 | (uint8_t)cell.data[at];
    return cell.size == 2 ? (int16_t)wire : (int32_t)wire;
}

int64_t cell_to_time(struct cell cell)
{
    return cell_to_i64(cell) + POSTGRES_EPOCH_US;
}

struct uuid cell_to_uuid(struct cell cell)
{
    struct uuid id = {{0}};
    if (cell.data == NULL)
        return id;
    ASSERT(cell.size == sizeof id.bytes);
    memcpy(id.bytes, cell.data, sizeof id.bytes);
    return id;
}

struct text cell_to_text(struct cell cell)
{
    return (struct text){cell.data, cell.size};
}

bool cell_is(struct cell cell, const char *text)
{
    return text_equals_c(cell_to_text(cell), text);
}
