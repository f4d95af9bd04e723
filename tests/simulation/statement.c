#include "statement.h"

#include "base/arena.h"
#include "base/assert.h"
#include "sim.h"

#include <endian.h>
#include <stdlib.h>

/* ---- finding the model ---------------------------------------------------------------------- */

enum { MODELS_MAX = 512 };

/* By the address of its constant: each statement is one. */
static struct {
    const struct sql_statement *statement;
    const struct model *model;
} known[MODELS_MAX];

static const struct model *search(const char *name)
{
    static const struct model *const LISTS[] = {AUTHORIZATION_MODELS, LEDGER_MODELS, SAGA_MODELS,
                                                MESSAGING_MODELS,     OUTBOX_MODELS, BUS_MODELS};
    for (size_t list = 0; list < COUNT(LISTS); list++)
        for (const struct model *model = LISTS[list]; model->name != NULL; model++)
            if (strcmp(model->name, name) == 0)
                return model;
    sim_fail("the simulation has no model of the statement %s", name);
}

static const struct model *find_model(const struct sql_statement *statement)
{
    size_t at = ((uintptr_t)statement >> 4) % MODELS_MAX;
    while (known[at].statement != NULL && known[at].statement != statement)
        at = (at + 1) % MODELS_MAX;
    if (known[at].statement == NULL) {
        known[at].statement = statement;
        known[at].model = search(statement->name);
    }
    return known[at].model;
}

/* ---- what is asked again and again ---------------------------------------------------------- */

enum { MEMORY_SIZE = 4096 };

/* The place of a pair of constants, known by their addresses. */
static size_t place_of(const void *one, const void *other)
{
    const uint64_t mixed =
        ((uintptr_t)one * 0x9e3779b97f4a7c15ULL) ^ ((uintptr_t)other * 0xc2b2ae3d27d4eb4fULL);
    return (size_t)(mixed >> 32) % MEMORY_SIZE;
}

bool statement_says(const struct call *call, const char *words)
{
    static struct {
        const char *text, *words;
        bool says;
    } memory[MEMORY_SIZE];
    const char *text = call->statement->text;
    const size_t at = place_of(text, words);
    if (memory[at].text != text || memory[at].words != words) {
        memory[at].text = text;
        memory[at].words = words;
        memory[at].says = strstr(text, words) != NULL;
    }
    return memory[at].says;
}

int column_at(const struct table *table, const char *name)
{
    static struct {
        const char *columns, *name;
        int column;
    } memory[MEMORY_SIZE];
    const size_t at = place_of(table->columns[0], name);
    if (memory[at].columns != table->columns[0] || memory[at].name != name) {
        memory[at].columns = table->columns[0];
        memory[at].name = name;
        memory[at].column = column_of(table, name, strlen(name));
    }
    return memory[at].column;
}

/* Columns that an answer has. */
struct names {
    const struct table *table;
    const char *text;
    int count;
    int columns[ANSWER_COLUMNS_MAX];
};

static const struct names *read_names(const struct table *table, const char *text)
{
    static struct names memory[MEMORY_SIZE];
    struct names *names = &memory[place_of(table, text)];
    if (names->table == table && names->text == text)
        return names;
    *names = (struct names){.table = table, .text = text};
    struct text rest = text_of(text);
    while (rest.size > 0) {
        const struct text name = text_cut(&rest, ' ');
        names->columns[names->count++] = column_of(table, name.data, name.size);
    }
    return names;
}

/* ---- parameters ----------------------------------------------------------------------------- */

struct table *call_table(const struct call *call, enum table_id id)
{
    return table_of(call->schema, id);
}

struct cell call_param(const struct call *call, int number)
{
    ASSERT(number >= 1 && number <= call->args->count);
    return (struct cell){call->args->values[number - 1], (size_t)call->args->sizes[number - 1]};
}

static uint32_t read_u32(const char *bytes)
{
    uint32_t wire;
    memcpy(&wire, bytes, sizeof wire);
    return be32toh(wire);
}

static uint16_t read_u16(const char *bytes)
{
    uint16_t wire;
    memcpy(&wire, bytes, sizeof wire);
    return be16toh(wire);
}

/* PostgreSQL's binary array: dimensions, has-null, type, count, lower bound, then the elements. */
struct cells call_array(const struct call *call, int number)
{
    const struct cell whole = call_param(call, number);
    ASSERT(whole.size >= 20);
    struct cells cells = {.count = (int)read_u32(whole.data + 12)};
    cells.items = ARENA_NEW_ARRAY(server.arena, struct cell, (size_t)cells.count + 1);
    const char *next = whole.data + 20;
    for (int at = 0; at < cells.count; at++) {
        const uint32_t size = read_u32(next);
        next += 4;
        if (size == UINT32_MAX)
            continue;
        cells.items[at] = (struct cell){next, size};
        next += size;
    }
    return cells;
}

enum { COPY_HEAD_SIZE = 19, ARRAY_HEAD_SIZE = 20 };

/* Adds the next value of a row to its column's array; returns where the one after it begins. */
static const char *take_value(const char *value, char *array, int *used)
{
    const uint32_t size = read_u32(value);
    const size_t whole = 4 + (size == UINT32_MAX ? 0 : size);
    memcpy(array + *used, value, whole);
    *used += (int)whole;
    return value + whole;
}

void statement_read_copy(struct text rows, int columns, struct sql_args *args_out)
{
    char *arrays[SQL_ARGS_MAX];
    uint32_t count = 0;
    const char *next = rows.data + COPY_HEAD_SIZE;
    args_out->count = columns;
    for (int at = 0; at < columns; at++) {
        arrays[at] = arena_alloc(server.arena, ARRAY_HEAD_SIZE + rows.size);
        args_out->values[at] = arrays[at];
        args_out->sizes[at] = ARRAY_HEAD_SIZE;
    }
    for (; read_u16(next) != UINT16_MAX; count++) {
        ASSERT(read_u16(next) == columns);
        next += 2;
        for (int at = 0; at < columns; at++)
            next = take_value(next, arrays[at], &args_out->sizes[at]);
    }
    ASSERT(next + 2 == rows.data + rows.size);
    for (int at = 0; at < columns; at++) {
        const uint32_t wire = htobe32(count);
        memcpy(arrays[at] + 12, &wire, sizeof wire);
    }
}

bool cells_have(const struct cells *cells, struct cell cell)
{
    for (int at = 0; at < cells->count; at++)
        if (cell_equals(cells->items[at], cell))
            return true;
    return false;
}

struct cell *cell_at(const struct row *row, const struct call *call, const char *name)
{
    struct cell *cells = row_seen(row, call->tx);
    ASSERT(cells != NULL);
    return &cells[column_at(row->table, name)];
}

/* ---- answers -------------------------------------------------------------------------------- */

static struct cell *answer_row(struct call *call)
{
    struct answer *answer = &call->answer;
    if (answer->row_count == answer->row_capacity) {
        const int capacity = answer->row_capacity == 0 ? 4 : answer->row_capacity * 2;
        struct cell *more =
            ARENA_NEW_ARRAY(server.arena, struct cell, (size_t)capacity * ANSWER_COLUMNS_MAX);
        if (answer->row_count > 0)
            memcpy(more, answer->cells,
                   (size_t)answer->row_count * ANSWER_COLUMNS_MAX * sizeof *more);
        answer->cells = more;
        answer->row_capacity = capacity;
    }
    answer->column_count = 0;
    return &answer->cells[answer->row_count++ * ANSWER_COLUMNS_MAX];
}

void answer_add_cell(struct call *call, struct cell cell)
{
    struct answer *answer = &call->answer;
    ASSERT(answer->row_count > 0 && answer->column_count < ANSWER_COLUMNS_MAX);
    answer->cells[(answer->row_count - 1) * ANSWER_COLUMNS_MAX + answer->column_count++] = cell;
}

void answer_add(struct call *call, const struct table *table, const struct cell *cells,
                const char *columns)
{
    struct cell *row = answer_row(call);
    const struct names *names = read_names(table, columns);
    for (int at = 0; at < names->count; at++)
        row[at] = cells[names->columns[at]];
    call->answer.column_count = names->count;
}

static bool sort_descends;

static int compare_answers(const void *a, const void *b)
{
    const struct cell *left = a, *right = b;
    const int order = cell_compare(left[0], right[0]);
    return sort_descends ? -order : order;
}

void answer_sort(struct call *call, int direction)
{
    sort_descends = direction < 0;
    if (call->answer.row_count > 1)
        qsort(call->answer.cells, (size_t)call->answer.row_count,
              ANSWER_COLUMNS_MAX * sizeof(struct cell), compare_answers);
}

struct row *next_row(const struct table *table, const struct call *call, size_t *at)
{
    if (*at < table->first)
        *at = table->first;
    while (*at < table->count) {
        struct row *row = table->rows[(*at)++];
        if (row_seen(row, call->tx) != NULL)
            return row;
    }
    return NULL;
}

/* ---- what most statements are --------------------------------------------------------------- */

/* The parameters of a statement, told apart. */
struct shape {
    int count;
    int columns[SQL_ARGS_MAX]; /* -1: none */
    bool is_key[SQL_ARGS_MAX];
    bool is_array[SQL_ARGS_MAX];
    struct cells arrays[SQL_ARGS_MAX];
    int rows;
};

static void read_shape(const struct call *call, const struct table *table, struct shape *shape)
{
    struct text specs = text_of(call->model->params);
    *shape = (struct shape){.rows = 1};
    while (specs.size > 0) {
        struct text spec = text_cut(&specs, ' ');
        const int at = shape->count++;
        if (spec.data[spec.size - 1] == '=') {
            shape->is_key[at] = true;
            spec.size--;
        }
        if (spec.data[spec.size - 1] == ']') {
            shape->is_array[at] = true;
            spec.size -= 2;
            shape->arrays[at] = call_array(call, at + 1);
            shape->rows = shape->arrays[at].count;
        }
        shape->columns[at] = text_equals_c(spec, "-") ? -1 : column_of(table, spec.data, spec.size);
    }
    ASSERT(shape->count == call->args->count);
}

static struct cell value_of(const struct call *call, const struct shape *shape, int param, int row)
{
    return shape->is_array[param] ? shape->arrays[param].items[row] : call_param(call, param + 1);
}

/* ON CONFLICT: DO NOTHING, DO UPDATE (of all that the statement gives), or none: 23505. */
static enum status insert_rows(struct call *call, struct error *err)
{
    struct table *table = call_table(call, call->model->table);
    struct shape shape;
    read_shape(call, table, &shape);
    const bool updates = statement_says(call, "DO UPDATE");
    const bool lets_be = statement_says(call, "DO NOTHING");
    const struct insertion insertion = {table, call->tx, call->until_us, updates};
    for (int row = 0; row < shape.rows; row++) {
        struct cell cells[COLUMNS_MAX] = {{NULL, 0}};
        struct row *found = NULL;
        for (int at = 0; at < shape.count; at++)
            if (shape.columns[at] >= 0)
                cells[shape.columns[at]] = value_of(call, &shape, at, row);
        if (call->model->fill != NULL)
            call->model->fill(call, cells);
        TRY(row_insert(&insertion, cells, &found, err));
        if (found != NULL && !updates && !lets_be) {
            call->tx->sqlstate = "23505";
            return error_set(err, ERR_CONFLICT, "23505 on %s", table->name);
        }
        if (found != NULL && lets_be)
            continue;
        call->answer.affected++;
        if (call->model->columns != NULL)
            answer_add(call, table, cells, call->model->columns);
        if (found == NULL)
            continue;
        struct cell *changed = row_change(found);
        for (int at = table->key_count; at < table->column_count; at++)
            changed[at] = cell_copy(cells[at]);
    }
    return OK;
}

static bool is_match(const struct call *call, const struct shape *shape, const struct row *row,
                     int nth)
{
    const struct cell *cells = row_seen(row, call->tx);
    for (int at = shape->count - 1; at >= 0; at--)
        if (shape->is_key[at] &&
            !cell_equals(cells[shape->columns[at]], value_of(call, shape, at, nth)))
            return false;
    return true;
}

/* All that some row of the parameters names, each once, in the order of their keys. */
static int gather(const struct call *call, const struct shape *shape, struct row **rows, int max)
{
    const struct table *table = call_table(call, call->model->table);
    struct row *row;
    int count = 0;
    for (size_t at = 0; (row = next_row(table, call, &at)) != NULL;) {
        bool is_wanted = false;
        for (int nth = 0; nth < shape->rows && !is_wanted; nth++)
            is_wanted = is_match(call, shape, row, nth);
        if (!is_wanted)
            continue;
        ASSERT(count < max);
        rows[count++] = row;
    }
    return count;
}

static const struct transaction *seen_by;
static int order_columns[3];

static int compare_rows(const void *a, const void *b)
{
    const struct row *const *left = a, *const *right = b;
    const struct cell *one = row_seen(*left, seen_by), *other = row_seen(*right, seen_by);
    for (int at = 0; at < 3 && order_columns[at] >= 0; at++) {
        const int order = cell_compare(one[order_columns[at]], other[order_columns[at]]);
        if (order != 0)
            return order;
    }
    return 0;
}

/* "ORDER BY saga.id" is the only order that is not the primary key's. */
static void sort_rows(const struct call *call, const struct table *table, struct row **rows,
                      int count)
{
    const bool by_id = statement_says(call, "ORDER BY saga.id");
    seen_by = call->tx;
    for (int at = 0; at < 3; at++)
        order_columns[at] = at < table->key_count && !by_id ? at : -1;
    if (by_id)
        order_columns[0] = column_at(table, "id");
    qsort(rows, (size_t)count, sizeof *rows, compare_rows);
}

enum { ROWS_MAX = 512 };

/* Which rows there are is known when the statement begins; what is in them, once they are locked.
 */
static enum status select_rows(struct call *call, struct error *err)
{
    struct table *table = call_table(call, call->model->table);
    struct row *rows[ROWS_MAX];
    struct shape shape;
    read_shape(call, table, &shape);
    const int count = gather(call, &shape, rows, ROWS_MAX);
    sort_rows(call, table, rows, count);
    const bool locks =
        statement_says(call, "FOR NO KEY UPDATE") || statement_says(call, "FOR UPDATE");
    const bool skips = statement_says(call, "SKIP LOCKED");
    for (int at = 0; at < count; at++) {
        if (skips && rows[at]->owner != NULL && rows[at]->owner != call->tx)
            continue;
        if (locks)
            TRY(row_lock(rows[at], call->tx, call->until_us, err));
        const struct cell *cells = row_seen(rows[at], call->tx);
        if (cells != NULL)
            answer_add(call, table, cells, call->model->columns);
    }
    return OK;
}

static enum status update_row(struct call *call, const struct shape *shape, struct row *row,
                              int nth, struct error *err)
{
    TRY(row_lock(row, call->tx, call->until_us, err));
    if (row_seen(row, call->tx) == NULL || !is_match(call, shape, row, nth))
        return OK;
    struct cell *cells = row_change(row);
    for (int at = 0; at < shape->count; at++)
        if (shape->columns[at] >= 0 && !shape->is_key[at])
            cells[shape->columns[at]] = cell_copy(value_of(call, shape, at, nth));
    if (call->model->fill != NULL)
        call->model->fill(call, cells);
    call->answer.affected++;
    return OK;
}

static enum status update_rows(struct call *call, struct error *err)
{
    struct table *table = call_table(call, call->model->table);
    struct shape shape;
    read_shape(call, table, &shape);
    for (int nth = 0; nth < shape.rows; nth++) {
        struct row *row;
        for (size_t at = 0; (row = next_row(table, call, &at)) != NULL;)
            if (is_match(call, &shape, row, nth))
                TRY(update_row(call, &shape, row, nth, err));
    }
    return OK;
}

enum status statement_run(struct call *call, struct error *err)
{
    call->model = find_model(call->statement);
    switch (call->model->kind) {
    case MODEL_INSERT:
        return insert_rows(call, err);
    case MODEL_SELECT:
        return select_rows(call, err);
    case MODEL_UPDATE:
        return update_rows(call, err);
    case MODEL_OWN:
        return call->model->run(call, err);
    }
    UNREACHABLE();
}
