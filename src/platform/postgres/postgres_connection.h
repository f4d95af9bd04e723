/* platform/postgres/postgres_connection.h - the inside of a db, shared by postgres*.c alone.
 *
 * Purpose:   postgres_connection.c makes, waits on and gives up the connection; postgres.c runs
 *            round trips on it, postgres_copy.c the COPYs among them; postgres_session.c scripts,
 *            LISTEN and NOTIFY; postgres_span.c tells a trace of them.
 * Units:     deadlines on the monotonic clock, in microseconds.
 * Ownership: the db owns its connection and its results.
 * Errors:    as in platform/postgres/postgres.h.
 * Threads:   as the db. */
#ifndef PLATFORM_POSTGRES_POSTGRES_CONNECTION_H
#define PLATFORM_POSTGRES_POSTGRES_CONNECTION_H

#include "platform/postgres/postgres.h"

#include <libpq-fe.h>

enum { CHANNEL_SIZE_MAX = 64 };

enum trip_kind { TRIP_STATEMENT, TRIP_COPY, TRIP_BEGIN, TRIP_COMMIT };

/* One statement of the next round trip. */
struct trip_step {
    enum trip_kind kind;
    const struct sql_statement *statement;
    struct sql_args args; /* values point into the caller's arena; of a COPY: its rows, as one */
};

struct db {
    struct db_config config;
    PGconn *connection;             /* NULL: none */
    bool in_transaction;            /* BEGIN has run, COMMIT has not */
    bool is_commit_doubtful;        /* the server warned of the COMMIT under way */
    char channel[CHANNEL_SIZE_MAX]; /* listened to; empty: none */
    char sqlstate[6];
    bool is_of_no_use;              /* the server has said so, in the latest trip */
    const struct span_group *cause; /* NULL: none */
    int step_count;
    struct trip_step steps[DB_TRIP_MAX];
    int result_count;
    PGresult *results[DB_TRIP_MAX];
};

/* Gives the connection up; results stay. */
void connection_close(struct db *db);
/* The same, and says why with libpq's own words. */
enum status connection_fail(struct db *db, enum status status, const char *what, struct error *err);
/* What the server said of a statement, as a status and a message. */
enum status connection_fail_statement(struct db *db, const PGresult *result, const char *name,
                                      struct error *err);

/* Tells a trace of the trip that has just ended. */
void connection_record_span(const struct db *db, int64_t begun_us, enum status status);

/* When what begins now must have ended. */
int64_t connection_deadline_us(const struct db *db);
/* Sends what libpq holds back and reads what has come, until a result is complete. ERR_DOWN,
 * ERR_TIMEOUT: the connection is of no more use. */
MUST_CHECK enum status connection_wait(struct db *db, int64_t deadline_us);
/* Runs a COPY and keeps its result, outside pipeline mode. A lost connection is said by
 * `*lost_out`.
 */
MUST_CHECK enum status connection_copy(struct db *db, const struct trip_step *step,
                                       int64_t deadline_us, enum status *lost_out,
                                       struct error *err);
/* Runs one text outside pipeline mode; several statements of it are one SQL transaction. */
MUST_CHECK enum status connection_run_text(struct db *db, const char *text, struct error *err);
/* Listens again to the db's channel, after it has been made anew. */
MUST_CHECK enum status connection_listen(struct db *db, struct error *err);

#endif
