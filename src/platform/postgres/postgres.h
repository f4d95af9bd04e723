/* platform/postgres/postgres.h - one connection: prepared statements, round trips, typed values.
 *
 * Purpose:   a room queues statements and runs them as one round trip (pipeline mode), so that
 *            loading is one trip and saving is one trip. Parameters, arrays, copied rows
 *            and results are binary.
 * Units:     times in microseconds since 1970; money in minor units; timeouts in milliseconds.
 * Ownership: a db belongs to one worker. Rows borrow from it until the next db_run or db_close.
 * Errors:    ERR_CONFLICT: a unique key, deadlock, lock or statement timeout: somebody else won or
 *            something in it is slow, nothing was committed; run again, then halve.
 *            ERR_DOWN: no connection, or to a server that is a standby; nothing was committed.
 *            ERR_UNKNOWN: the connection broke while a COMMIT was under way, or its wait for a
 *            synchronous standby was cut short. ERR_TIMEOUT: the deadline passed, nothing was
 *            committed. ERR_BROKEN: anything else, with PostgreSQL's message and SQLSTATE.
 *            A lost connection is made anew by the next db_run, but never within a transaction.
 *            A trip without BEGIN commits by itself: lost or too late, it may have had its effect.
 * Threads:   a db belongs to one thread at a time. */
#ifndef PLATFORM_POSTGRES_POSTGRES_H
#define PLATFORM_POSTGRES_POSTGRES_H

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/uuid.h"
#include "platform/postgres/sql.h"

struct arena;
struct db;
struct span_group;

struct db_config {
    const char *url;              /* libpq URI or key=value text; may lack a user, may name
                                   * several servers: the one that takes writes is meant */
    const char *user;             /* taken where the URL names none: tallystick_ledger */
    const char *schema;           /* search_path; NULL: the server's default */
    const char *application_name; /* seen in pg_stat_activity */
    /* Lists of statements to prepare on connect; the last is NULL. */
    const struct sql_statement *const *statements[4];
    int timeout_ms;      /* for each db_run, 4/5 of it for a statement: 0 takes 10 seconds */
    int lock_timeout_ms; /* 0 takes 250 (one locked account must not stall the rest) */
};

/* Does not connect yet: the first db_run does, and so does the first after a loss. The strings of
 * the config must outlive the db. */
struct db *db_new(const struct db_config *config);
void db_free(struct db *db); /* accepts NULL */

/* Connects if there is no connection. Mostly for start-up, to fail early. */
MUST_CHECK enum status db_connect(struct db *db, struct error *err);

/* For whom, in the eyes of a trace, the trips from now on are made: each becomes one span below the
 * group's first member. NULL: for nobody. Borrowed until it is set anew. */
void db_set_cause(struct db *db, const struct span_group *cause);

/* ---- parameters ---------------------------------------------------------------------------- */

enum { SQL_ARGS_MAX = 32 };

struct sql_args {
    struct arena *arena;
    int count;
    const char *values[SQL_ARGS_MAX];
    int sizes[SQL_ARGS_MAX];
};

void sql_args_init(struct sql_args *args, struct arena *arena);
void sql_add_null(struct sql_args *args);
void sql_add_bool(struct sql_args *args, bool value);      /* boolean     */
void sql_add_i16(struct sql_args *args, int value);        /* smallint    */
void sql_add_i32(struct sql_args *args, int32_t value);    /* integer     */
void sql_add_i64(struct sql_args *args, int64_t value);    /* bigint      */
void sql_add_time(struct sql_args *args, int64_t time_us); /* timestamptz */
void sql_add_uuid(struct sql_args *args, const struct uuid *value);
void sql_add_text(struct sql_args *args, struct text value); /* TEXT_NONE is NULL */
void sql_add_bytes(struct sql_args *args, const void *data, size_t size);

/* A column of values for unnest(): made with its element type, filled item by item. */
enum sql_type {
    SQL_BOOL,
    SQL_I16,
    SQL_I32,
    SQL_I64,
    SQL_TIME,
    SQL_DATE, /* given as any moment of the day */
    SQL_UUID,
    SQL_TEXT,
    SQL_BYTES,
};

struct sql_array {
    enum sql_type type;
    int32_t count;
    bool has_null;
    struct text_builder bytes;
};

void sql_array_init(struct sql_array *array, struct arena *arena, enum sql_type type,
                    size_t count_expected);
void sql_array_add_null(struct sql_array *array);
void sql_array_add_bool(struct sql_array *array, bool value);
/* SQL_I16, SQL_I32, SQL_I64, SQL_TIME and SQL_DATE take their value here. */
void sql_array_add_i64(struct sql_array *array, int64_t value);
void sql_array_add_uuid(struct sql_array *array, const struct uuid *value);
void sql_array_add_text(struct sql_array *array, struct text value); /* TEXT_NONE is NULL */
void sql_array_add_bytes(struct sql_array *array, const void *data, size_t size);
void sql_add_array(struct sql_args *args, struct sql_array *array); /* the array is closed then */

/* ---- a round trip -------------------------------------------------------------------------- */

enum { DB_TRIP_MAX = 24 }; /* statements in one round trip */

void db_send(struct db *db, const struct sql_statement *statement, const struct sql_args *args);
/* A COPY ... FROM STDIN (FORMAT binary) and its rows, made by sql_columns.h, in the arena of the
 * trip. libpq knows no COPY in a pipeline, so each is a round trip of its own within the trip: the
 * trip must be part of an SQL transaction that BEGIN opens. */
void db_send_copy(struct db *db, const struct sql_statement *statement, struct text rows);
void db_send_begin(struct db *db);
void db_send_commit(struct db *db);

/* Sends what is queued, waits for all answers. On OK their rows are db_rows(db, 0), 1, ... in the
 * order of db_send (BEGIN and COMMIT count too). On any error an open SQL transaction has been
 * rolled back, and what follows the failed statement has not run. */
MUST_CHECK enum status db_run(struct db *db, struct error *err);

/* One statement outside a transaction, or within the open one. */
MUST_CHECK enum status db_run_one(struct db *db, const struct sql_statement *statement,
                                  const struct sql_args *args, struct error *err);

/* Ends an open SQL transaction without its effects; harmless where there is none. */
void db_rollback(struct db *db);

/* ---- results ------------------------------------------------------------------------------- */

struct sql_rows {
    const void *result; /* PGresult */
    int count;          /* rows returned */
    int64_t affected;   /* rows inserted, updated or deleted */
};

struct sql_rows db_rows(const struct db *db, int trip_index);

/* A NULL or a value of another size is a bug in the statement and aborts: ask sql_is_null first. */
bool sql_is_null(struct sql_rows rows, int row, int column);
bool sql_bool(struct sql_rows rows, int row, int column);
int sql_i16(struct sql_rows rows, int row, int column);
int32_t sql_i32(struct sql_rows rows, int row, int column);
int64_t sql_i64(struct sql_rows rows, int row, int column);
int64_t sql_time(struct sql_rows rows, int row, int column); /* microseconds since 1970 */
struct uuid sql_uuid(struct sql_rows rows, int row, int column);
struct sha256 sql_sha256(struct sql_rows rows, int row, int column); /* bytea of 32 */
struct text sql_text(struct sql_rows rows, int row, int column); /* text, bytea; NULL: TEXT_NONE */

/* ---- scripts and waiting ------------------------------------------------------------------- */

/* Runs a text of several statements (a migration) in the open SQL transaction, or in one of its
 * own. */
MUST_CHECK enum status db_run_script(struct db *db, const char *script, struct error *err);

MUST_CHECK enum status db_listen(struct db *db, const char *channel, struct error *err);
MUST_CHECK enum status db_notify(struct db *db, const char *channel, struct error *err);
/* Waits up to wait_ms for a notification; OK and *woken_out false when none came. */
MUST_CHECK enum status db_wait(struct db *db, int wait_ms, bool *woken_out, struct error *err);

/* Of libpq: 150004 is 15.4. */
int db_library_version(void);

/* SQLSTATE of the last error, five characters; empty where it did not come from the server. */
const char *db_sqlstate(const struct db *db);

#endif
