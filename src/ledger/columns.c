#include "ledger/columns.h"

#include "base/assert.h"

void columns_init(struct columns *columns, struct arena *arena, size_t rows_expected,
                  const enum sql_type *types, int count)
{
    ASSERT(count <= COLUMNS_MAX);
    columns->arena = arena;
    columns->count = count;
    columns->next = 0;
    for (int at = 0; at < count; at++)
        sql_array_init(&columns->arrays[at], arena, types[at], rows_expected);
}

static struct sql_array *next_column(struct columns *columns)
{
    struct sql_array *array = &columns->arrays[columns->next];
    columns->next = (columns->next + 1) % columns->count;
    return array;
}

void columns_add_i64(struct columns *columns, int64_t value)
{
    sql_array_add_i64(next_column(columns), value);
}

void columns_add_uuid(struct columns *columns, const struct uuid *value)
{
    struct sql_array *array = next_column(columns);
    if (uuid_is_nil(value))
        sql_array_add_null(array);
    else
        sql_array_add_uuid(array, value);
}

void columns_add_name(struct columns *columns, const char *name)
{
    sql_array_add_text(next_column(columns), text_of(name));
}

void columns_add_hash(struct columns *columns, const struct sha256 *hash)
{
    sql_array_add_bytes(next_column(columns), hash->bytes, sizeof hash->bytes);
}

static void send(struct columns *columns, struct db *db, const struct sql_statement *statement,
                 struct sql_args *args)
{
    ASSERT(columns->next == 0); /* the last row is whole */
    for (int at = 0; at < columns->count; at++)
        sql_add_array(args, &columns->arrays[at]);
    db_send(db, statement, args);
}

void columns_send(struct columns *columns, struct db *db, const struct sql_statement *statement)
{
    struct sql_args args;
    sql_args_init(&args, columns->arena);
    send(columns, db, statement, &args);
}

void columns_send_at(struct columns *columns, struct db *db, const struct sql_statement *statement,
                     int64_t time_us)
{
    struct sql_args args;
    sql_args_init(&args, columns->arena);
    sql_add_time(&args, time_us);
    send(columns, db, statement, &args);
}
