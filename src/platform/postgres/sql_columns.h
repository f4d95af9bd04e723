/* platform/postgres/sql_columns.h - a batch's rows on their way to one statement.
 *
 * Purpose:   a row is added value by value in the order of the columns. For unnest() each column
 *            becomes an array, and the columns are the statement's array parameters. For COPY, by
 *            SQL_COPY_INIT, the rows are written one after another in its binary format: the
 *            cheapest way in for PostgreSQL. COPY knows neither ORDER BY nor ON CONFLICT: whoever
 *            adds rows with a unique key that others may insert adds them in the key's order.
 * Units:     as in platform/postgres/postgres.h.
 * Ownership: in the arena given.
 * Errors:    a value of another type than its column's, or a row that is not whole when it is sent,
 *            is a bug and aborts.
 * Threads:   as the db. */
#ifndef PLATFORM_POSTGRES_SQL_COLUMNS_H
#define PLATFORM_POSTGRES_SQL_COLUMNS_H

#include "platform/postgres/postgres.h"

struct sql_columns {
    struct arena *arena;
    int count;
    int next; /* which column the next value goes to */
    bool is_copy;
    enum sql_type types[SQL_ARGS_MAX];
    struct sql_array arrays[SQL_ARGS_MAX]; /* of a COPY: the first holds the rows */
};

/* SQL_COLUMNS_INIT(&columns, arena, rows_expected, SQL_I16, SQL_UUID, ...) */
#define SQL_COLUMNS_INIT(columns, arena, rows_expected, ...)                                       \
    sql_columns_init((columns), (arena), (rows_expected), (const enum sql_type[]){__VA_ARGS__},    \
                     (int)(sizeof((const enum sql_type[]){__VA_ARGS__}) / sizeof(enum sql_type)))

/* The same for a COPY: SQL_COPY_INIT(&columns, arena, rows_expected, SQL_I16, SQL_UUID, ...) */
#define SQL_COPY_INIT(columns, arena, rows_expected, ...)                                          \
    sql_columns_init_copy(                                                                         \
        (columns), (arena), (rows_expected), (const enum sql_type[]){__VA_ARGS__},                 \
        (int)(sizeof((const enum sql_type[]){__VA_ARGS__}) / sizeof(enum sql_type)))

void sql_columns_init(struct sql_columns *columns, struct arena *arena, size_t rows_expected,
                      const enum sql_type *types, int count);
void sql_columns_init_copy(struct sql_columns *columns, struct arena *arena, size_t rows_expected,
                           const enum sql_type *types, int count);

void sql_columns_add_bool(struct sql_columns *columns, bool value);
void sql_columns_add_i64(struct sql_columns *columns, int64_t value);    /* any integer, any time */
void sql_columns_add_time(struct sql_columns *columns, int64_t time_us); /* 0 is NULL */
void sql_columns_add_uuid(struct sql_columns *columns, const struct uuid *value); /* nil is NULL */
void sql_columns_add_text(struct sql_columns *columns, struct text value);        /* none is NULL */
void sql_columns_add_name(struct sql_columns *columns, const char *name);         /* NULL is NULL */
void sql_columns_add_hash(struct sql_columns *columns, const struct sha256 *hash);

bool sql_columns_is_empty(const struct sql_columns *columns);
/* The columns as the next parameters, in order; the columns are closed then. Not of a COPY. */
void sql_add_columns(struct sql_args *args, struct sql_columns *columns);
/* Queues the statement whose parameters are these columns, or the COPY whose rows they are. */
void sql_columns_send(struct sql_columns *columns, struct db *db,
                      const struct sql_statement *statement);

#endif
