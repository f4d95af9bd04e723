/* ledger/columns.h - the arrays of an unnest() statement, filled row by row.
 *
 * Purpose:   a statement that takes many rows has one array parameter per column. Here the columns
 *            are declared once, in the statement's order, and a row is written from its first
 *            column to its last: a row that lacks one aborts.
 * Units:     none.
 * Ownership: the bytes live in the arena given.
 * Errors:    none at run time.
 * Threads:   belongs to one thread. */
#ifndef LEDGER_COLUMNS_H
#define LEDGER_COLUMNS_H

#include "platform/postgres.h"

enum { COLUMNS_MAX = 16 };

struct columns {
    struct arena *arena;
    int count;
    int next; /* which column the next value goes to */
    struct sql_array arrays[COLUMNS_MAX];
};

#define COLUMNS_INIT(columns, arena, rows_expected, ...)                                           \
    columns_init((columns), (arena), (rows_expected), (const enum sql_type[]){__VA_ARGS__},        \
                 (int)(sizeof((const enum sql_type[]){__VA_ARGS__}) / sizeof(enum sql_type)))

void columns_init(struct columns *columns, struct arena *arena, size_t rows_expected,
                  const enum sql_type *types, int count);

void columns_add_i64(struct columns *columns, int64_t value);
void columns_add_uuid(struct columns *columns, const struct uuid *value); /* nil is NULL */
void columns_add_name(struct columns *columns, const char *name);         /* NULL is NULL */
void columns_add_hash(struct columns *columns, const struct sha256 *hash);

/* Sends the statement with the columns as its parameters, in their order. */
void columns_send(struct columns *columns, struct db *db, const struct sql_statement *statement);
/* The same with a time as its first parameter. */
void columns_send_at(struct columns *columns, struct db *db, const struct sql_statement *statement,
                     int64_t time_us);

#endif
