#include "platform/postgres/postgres.h"

#include "base/assert.h"
#include "platform/clock.h"
#include "platform/postgres/postgres_connection.h"
#include "platform/service/service_metrics.h"

#include <stdlib.h>

enum { TIMEOUT_MS = 10000, LOCK_TIMEOUT_MS = 250 };

struct db *db_new(const struct db_config *config)
{
    struct db *db = calloc(1, sizeof *db);
    ASSERT(db != NULL);
    db->config = *config;
    if (db->config.timeout_ms == 0)
        db->config.timeout_ms = TIMEOUT_MS;
    if (db->config.lock_timeout_ms == 0)
        db->config.lock_timeout_ms = LOCK_TIMEOUT_MS;
    return db;
}

static void clear_results(struct db *db)
{
    for (int at = 0; at < db->result_count; at++)
        PQclear(db->results[at]);
    db->result_count = 0;
}

void db_free(struct db *db)
{
    if (db == NULL)
        return;
    clear_results(db);
    connection_close(db);
    free(db);
}

void db_set_cause(struct db *db, const struct span_group *cause)
{
    db->cause = cause;
}

const char *db_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

int db_library_version(void)
{
    return PQlibVersion();
}

/* ---- a round trip -------------------------------------------------------------------------- */

static struct trip_step *add_step(struct db *db, enum trip_kind kind)
{
    ASSERT(db->step_count < DB_TRIP_MAX);
    struct trip_step *step = &db->steps[db->step_count++];
    step->kind = kind;
    return step;
}

void db_send(struct db *db, const struct sql_statement *statement, const struct sql_args *args)
{
    ASSERT(!sql_is_copy(statement));
    ASSERT(statement->param_count == (args == NULL ? 0 : args->count));
    struct trip_step *step = add_step(db, TRIP_STATEMENT);
    step->statement = statement;
    step->args.count = 0;
    if (args == NULL)
        return;
    step->args.count = args->count;
    memcpy(step->args.values, args->values, (size_t)args->count * sizeof args->values[0]);
    memcpy(step->args.sizes, args->sizes, (size_t)args->count * sizeof args->sizes[0]);
}

void db_send_copy(struct db *db, const struct sql_statement *statement, struct text rows)
{
    ASSERT(sql_is_copy(statement));
    ASSERT(rows.size <= INT32_MAX);
    struct trip_step *step = add_step(db, TRIP_COPY);
    step->statement = statement;
    step->args.count = 1;
    step->args.values[0] = rows.data;
    step->args.sizes[0] = (int)rows.size;
}

void db_send_begin(struct db *db)
{
    add_step(db, TRIP_BEGIN);
}

void db_send_commit(struct db *db)
{
    add_step(db, TRIP_COMMIT);
}

static const char *step_name(const struct trip_step *step)
{
    if (step->kind == TRIP_STATEMENT || step->kind == TRIP_COPY)
        return step->statement->name;
    return step->kind == TRIP_BEGIN ? "BEGIN" : "COMMIT";
}

static bool send_step(struct db *db, const struct trip_step *step)
{
    static const int BINARY[SQL_ARGS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                             1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    if (step->kind != TRIP_STATEMENT)
        return PQsendQueryParams(db->connection, step_name(step), 0, NULL, NULL, NULL, NULL, 1);
    return PQsendQueryPrepared(db->connection, step->statement->name, step->args.count,
                               step->args.values, step->args.sizes, BINARY, 1);
}

/* Steps of a trip that travel together: those between two COPYs, or a COPY. */
struct stretch {
    int first;
    int end; /* the first that does not belong to it */
};

static struct stretch stretch_at(const struct db *db, int first)
{
    struct stretch stretch = {first, first + 1};
    if (db->steps[first].kind == TRIP_COPY)
        return stretch;
    while (stretch.end < db->step_count && db->steps[stretch.end].kind != TRIP_COPY)
        stretch.end++;
    return stretch;
}

static bool stretch_has(const struct db *db, struct stretch stretch, enum trip_kind kind)
{
    for (int at = stretch.first; at < stretch.end; at++)
        if (db->steps[at].kind == kind)
            return true;
    return false;
}

static bool trip_has(const struct db *db, enum trip_kind kind)
{
    return stretch_has(db, (struct stretch){0, db->step_count}, kind);
}

static bool send_steps(struct db *db, struct stretch stretch)
{
    if (!PQenterPipelineMode(db->connection))
        return false;
    for (int at = stretch.first; at < stretch.end; at++)
        if (!send_step(db, &db->steps[at]))
            return false;
    return PQpipelineSync(db->connection);
}

/* A COMMIT has happened only when its answer is the tag COMMIT: a failed SQL transaction answers
 * ROLLBACK without an error. */
static enum status check_result(struct db *db, const struct trip_step *step, PGresult *result,
                                struct error *err)
{
    const ExecStatusType kind = PQresultStatus(result);
    if (kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK)
        return connection_fail_statement(db, result, step_name(step), err);
    if (step->kind == TRIP_COMMIT && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        return error_set(err, ERR_BROKEN, "the server rolled back instead of committing");
    return OK;
}

/* What comes after the results of all steps: why the SQL transaction that the sync ends, where no
 * step was COMMIT, could not be committed, or why the server ends the session. */
static enum status check_extra(struct db *db, enum status status, PGresult *result,
                               struct error *err)
{
    if (status == OK)
        status = connection_fail_statement(db, result, "end of the trip", err);
    PQclear(result);
    return status;
}

/* Reads the results of the steps and the sync. A lost connection is said by `*lost_out`. */
static enum status read_steps(struct db *db, struct stretch stretch, int64_t deadline_us,
                              enum status *lost_out, struct error *err)
{
    enum status status = OK;
    int at = stretch.first;
    for (;;) {
        *lost_out = connection_wait(db, deadline_us);
        if (*lost_out != OK)
            return status;
        PGresult *result = PQgetResult(db->connection);
        if (result == NULL) {
            if (PQstatus(db->connection) == CONNECTION_BAD)
                *lost_out = ERR_DOWN;
            if (*lost_out != OK)
                return status;
            continue; /* end of one statement's results */
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            PQexitPipelineMode(db->connection);
            return status;
        }
        if (at == stretch.end) {
            status = check_extra(db, status, result, err);
            continue;
        }
        if (status == OK)
            status = check_result(db, &db->steps[at], result, err);
        db->results[db->result_count++] = result;
        at++;
    }
}

static enum status run_stretch(struct db *db, struct stretch stretch, int64_t deadline_us,
                               enum status *lost_out, struct error *err)
{
    *lost_out = ERR_DOWN;
    if (db->steps[stretch.first].kind == TRIP_COPY)
        return connection_copy(db, &db->steps[stretch.first], deadline_us, lost_out, err);
    if (!send_steps(db, stretch))
        return OK;
    return read_steps(db, stretch, deadline_us, lost_out, err);
}

/* The connection is of no more use. Whether a COMMIT has happened is unknown where it was sent. */
static enum status give_up(struct db *db, enum status lost, bool commits, struct error *err)
{
    if (lost != OK)
        return connection_fail(db, commits ? ERR_UNKNOWN : lost,
                               commits ? "connection lost while committing" : "connection lost",
                               err);
    connection_close(db); /* the server said why, and went */
    db->in_transaction = false;
    if (err != NULL)
        err->status = commits ? ERR_UNKNOWN : ERR_DOWN;
    return commits ? ERR_UNKNOWN : ERR_DOWN;
}

static enum status run_steps(struct db *db, struct error *err)
{
    const int64_t deadline_us = connection_deadline_us(db);
    struct stretch stretch = {0, 0};
    enum status status = OK;
    db->is_commit_doubtful = false;
    while (status == OK && stretch.end < db->step_count) {
        enum status lost;
        stretch = stretch_at(db, stretch.end);
        status = run_stretch(db, stretch, deadline_us, &lost, err);
        if (lost != OK || db->is_of_no_use)
            return give_up(db, lost, stretch_has(db, stretch, TRIP_COMMIT), err);
    }
    if (status != OK) {
        db_rollback(db);
        return status;
    }
    if (trip_has(db, TRIP_COMMIT))
        db->in_transaction = false;
    else if (trip_has(db, TRIP_BEGIN))
        db->in_transaction = true;
    if (db->is_commit_doubtful)
        return error_set(err, ERR_UNKNOWN, "committed here, and perhaps not on the standby");
    return OK;
}

/* A COMMIT whose SQL transaction went down with its connection: over a new one the server would
 * take it, and commit nothing. */
static bool lacks_begin(const struct db *db)
{
    return trip_has(db, TRIP_COMMIT) && !trip_has(db, TRIP_BEGIN) && !db->in_transaction;
}

enum status db_run(struct db *db, struct error *err)
{
    const int64_t begun_us = clock_monotonic_us();
    clear_results(db);
    db->sqlstate[0] = '\0';
    db->is_of_no_use = false;
    enum status status = OK;
    if (lacks_begin(db))
        status = error_set(err, ERR_DOWN, "the SQL transaction to commit has been lost");
    else
        status = db_connect(db, err);
    if (status == OK && db->step_count > 0)
        status = run_steps(db, err);
    metric_observe(&METRIC_DB_OPERATION, status, clock_monotonic_us() - begun_us);
    connection_record_span(db, begun_us, status);
    db->step_count = 0;
    return status;
}

enum status db_run_one(struct db *db, const struct sql_statement *statement,
                       const struct sql_args *args, struct error *err)
{
    ASSERT(db->step_count == 0);
    db_send(db, statement, args);
    return db_run(db, err);
}

void db_rollback(struct db *db)
{
    db->step_count = 0;
    db->in_transaction = false;
    if (db->connection == NULL || PQtransactionStatus(db->connection) == PQTRANS_IDLE)
        return;
    struct error ignored; /* a lost connection rolls back as well */
    const enum status status = connection_run_text(db, "ROLLBACK", &ignored);
    (void)status;
}

struct sql_rows db_rows(const struct db *db, int trip_index)
{
    ASSERT(trip_index >= 0 && trip_index < db->result_count);
    PGresult *result = db->results[trip_index];
    struct sql_rows rows = {.result = result, .count = PQntuples(result)};
    const bool counted = text_to_i64(text_of(PQcmdTuples(result)), &rows.affected);
    if (!counted)
        rows.affected = 0;
    return rows;
}
