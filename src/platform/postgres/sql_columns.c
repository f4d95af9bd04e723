#include "platform/postgres/sql_columns.h"

#include "base/assert.h"

#include <endian.h>

/* COPY's binary format: a head (signature, flags, size of an extension); then for each row the
 * number of its values, each value as in an array (size, bytes); at the end minus one. */
static const char COPY_HEAD[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
_Static_assert(sizeof COPY_HEAD - 1 == 19, "signature of 11 bytes, flags, size of the extension");

static void init(struct sql_columns *columns, struct arena *arena, const enum sql_type *types,
                 int count)
{
    ASSERT(count > 0);
    ASSERT(count <= SQL_ARGS_MAX);
    columns->arena = arena;
    columns->count = count;
    columns->next = 0;
    memcpy(columns->types, types, (size_t)count * sizeof types[0]);
}

void sql_columns_init(struct sql_columns *columns, struct arena *arena, size_t rows_expected,
                      const enum sql_type *types, int count)
{
    init(columns, arena, types, count);
    columns->is_copy = false;
    for (int at = 0; at < count; at++)
        sql_array_init(&columns->arrays[at], arena, types[at], rows_expected);
}

void sql_columns_init_copy(struct sql_columns *columns, struct arena *arena, size_t rows_expected,
                           const enum sql_type *types, int count)
{
    enum { VALUE_SIZE_EXPECTED = 20 };
    const size_t row_size = 2 + (size_t)count * VALUE_SIZE_EXPECTED;
    struct sql_array *rows = &columns->arrays[0];
    init(columns, arena, types, count);
    columns->is_copy = true;
    rows->count = 0;
    text_builder_init(&rows->bytes, arena, sizeof COPY_HEAD + 2 + rows_expected * row_size);
    text_builder_add(&rows->bytes, COPY_HEAD, sizeof COPY_HEAD - 1);
}

static void add_count(struct text_builder *bytes, int count)
{
    const uint16_t wire = htobe16((uint16_t)count);
    text_builder_add(bytes, (const char *)&wire, sizeof wire);
}

static struct sql_array *next_column(struct sql_columns *columns)
{
    const int column = columns->next;
    columns->next = (column + 1) % columns->count;
    if (!columns->is_copy)
        return &columns->arrays[column];
    struct sql_array *rows = &columns->arrays[0];
    if (column == 0)
        add_count(&rows->bytes, columns->count);
    rows->type = columns->types[column];
    return rows;
}

void sql_columns_add_bool(struct sql_columns *columns, bool value)
{
    sql_array_add_bool(next_column(columns), value);
}

void sql_columns_add_i64(struct sql_columns *columns, int64_t value)
{
    sql_array_add_i64(next_column(columns), value);
}

void sql_columns_add_time(struct sql_columns *columns, int64_t time_us)
{
    struct sql_array *array = next_column(columns);
    if (time_us == 0)
        sql_array_add_null(array);
    else
        sql_array_add_i64(array, time_us);
}

void sql_columns_add_uuid(struct sql_columns *columns, const struct uuid *value)
{
    struct sql_array *array = next_column(columns);
    if (uuid_is_nil(value))
        sql_array_add_null(array);
    else
        sql_array_add_uuid(array, value);
}

void sql_columns_add_text(struct sql_columns *columns, struct text value)
{
    sql_array_add_text(next_column(columns), value);
}

void sql_columns_add_name(struct sql_columns *columns, const char *name)
{
    sql_array_add_text(next_column(columns), text_of(name));
}

void sql_columns_add_hash(struct sql_columns *columns, const struct sha256 *hash)
{
    sql_array_add_bytes(next_column(columns), hash->bytes, sizeof hash->bytes);
}

bool sql_columns_is_empty(const struct sql_columns *columns)
{
    return columns->arrays[0].count == 0;
}

void sql_add_columns(struct sql_args *args, struct sql_columns *columns)
{
    ASSERT(columns->next == 0); /* the last row is whole */
    ASSERT(!columns->is_copy);
    for (int at = 0; at < columns->count; at++)
        sql_add_array(args, &columns->arrays[at]);
}

static void send_copy(struct sql_columns *columns, struct db *db,
                      const struct sql_statement *statement)
{
    struct text_builder *bytes = &columns->arrays[0].bytes;
    ASSERT(columns->next == 0); /* the last row is whole */
    ASSERT(columns->count == statement->param_count);
    add_count(bytes, -1);
    db_send_copy(db, statement, text_builder_text(bytes));
}

void sql_columns_send(struct sql_columns *columns, struct db *db,
                      const struct sql_statement *statement)
{
    struct sql_args args;
    if (columns->is_copy) {
        send_copy(columns, db, statement);
        return;
    }
    sql_args_init(&args, columns->arena);
    sql_add_columns(&args, columns);
    db_send(db, statement, &args);
}
