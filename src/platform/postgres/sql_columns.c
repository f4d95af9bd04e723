#include "platform/postgres/sql_columns.h"

#include "base/assert.h"

void sql_columns_init(struct sql_columns *columns, struct arena *arena, size_t rows_expected,
                      const enum sql_type *types, int count)
{
    ASSERT(count > 0);
    ASSERT(count <= SQL_ARGS_MAX);
    columns->arena = arena;
    columns->count = count;
    columns->next = 0;
    for (int at = 0; at < count; at++)
        sql_array_init(&columns->arrays[at], arena, types[at], rows_expected);
}

static struct sql_array *next_column(struct sql_columns *columns)
{
    struct sql_array *array = &columns->arrays[columns->next];
    columns->next = (columns->next + 1) % columns->count;
    return array;
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
    for (int at = 0; at < columns->count; at++)
        sql_add_array(args, &columns->arrays[at]);
}

void sql_columns_send(struct sql_columns *columns, struct db *db,
                      const struct sql_statement *statement)
{
    struct sql_args args;
    sql_args_init(&args, columns->arena);
    sql_add_columns(&args, columns);
    db_send(db, statement, &args);
}
