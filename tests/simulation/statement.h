/* tests/simulation/statement.h - what the statements in sql/ do, over the simulation's tables.
 *
 * Purpose:   most statements insert, read or update rows named by arrays of keys, and are said by
 *            one line of a table; the others are functions. Whether a statement locks, skips what
 *            is locked, lets a found row be or moves a cursor only from where it stands is read
 *            from its own SQL text, so that a change there is a change here.
 * Units:     as in table.h.
 * Ownership: rows that are answered live as long as the schedule.
 * Errors:    those of table.h.
 * Threads:   one. */
#ifndef SIMULATION_STATEMENT_H
#define SIMULATION_STATEMENT_H

#include "platform/postgres/postgres.h"
#include "table.h"

enum { ANSWER_COLUMNS_MAX = 32 };

/* Rows of an answer. */
struct answer {
    int row_count, row_capacity;
    int column_count;
    struct cell *cells;
    int64_t affected;
};

/* One statement on its way. */
struct call {
    const struct sql_statement *statement;
    const struct sql_args *args;
    enum schema schema;
    struct transaction *tx;
    int64_t until_us; /* of the lock timeout */
    struct answer answer;
    const struct model *model;
};

enum model_kind {
    MODEL_INSERT, /* unnest()ed rows, ON CONFLICT as the text says */
    MODEL_SELECT, /* rows by keys; FOR UPDATE as the text says */
    MODEL_UPDATE, /* rows by keys */
    MODEL_OWN,    /* a function */
};

/* `params`: a column for each parameter in order; "lane[]" is an array, "-" is not a column, "=" at
 * the end: a key that a select or update finds its rows by.
 * `columns`: of the answer. `fill`: the columns that no parameter names. */
struct model {
    const char *name; /* ledger.find_steps */
    enum model_kind kind;
    enum table_id table;
    const char *params;
    const char *columns;
    void (*fill)(const struct call *call, struct cell *cells);
    enum status (*run)(struct call *call, struct error *err);
};

extern const struct model AUTHORIZATION_MODELS[];
extern const struct model LEDGER_MODELS[];
extern const struct model SAGA_MODELS[];
extern const struct model MESSAGING_MODELS[];
extern const struct model OUTBOX_MODELS[];
extern const struct model BUS_MODELS[];

MUST_CHECK enum status statement_run(struct call *call, struct error *err);
/* Rows of a COPY as arrays of their columns. */
void statement_read_copy(struct text rows, int columns, struct sql_args *args_out);
/* The text has these words. */
bool statement_says(const struct call *call, const char *words);

/* ---- for models ----------------------------------------------------------------------------- */

struct table *call_table(const struct call *call, enum table_id id);
struct cell call_param(const struct call *call, int number); /* from 1 on, as in the SQL */
struct cells {
    struct cell *items;
    int count;
};
struct cells call_array(const struct call *call, int number);
bool cells_have(const struct cells *cells, struct cell cell);

/* Named by text so that models read like their SQL; the text is a literal. */
int column_at(const struct table *table, const char *name);
struct cell *cell_at(const struct row *row, const struct call *call, const char *name);

/* `columns`: names separated by blanks. */
void answer_add(struct call *call, const struct table *table, const struct cell *cells,
                const char *columns);
void answer_add_cell(struct call *call, struct cell cell); /* one more to the last row */
/* By the first column of each row; -1: the last first. */
void answer_sort(struct call *call, int direction);

/* Rows in view, in the order of their insertion: for (size_t at = 0; (row = next_row(...)); ) */
struct row *next_row(const struct table *table, const struct call *call, size_t *at);

#define COLUMN(row, call, name) (*cell_at((row), (call), (name)))

#endif
