#include "platform/postgres.h"

#include "base/assert.h"
#include "platform/clock.h"

#include <ctype.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONNECT_TIMEOUT_S = 5, TIMEOUT_MS = 10000, LOCK_TIMEOUT_MS = 250, CHANNEL_SIZE_MAX = 64 };

enum trip_kind { TRIP_STATEMENT, TRIP_BEGIN, TRIP_COMMIT };

/* One statement of the next round trip. */
struct trip_step {
    enum trip_kind kind;
    const struct sql_statement *statement;
    struct sql_args args; /* values point into the caller's arena */
};

struct db {
    struct db_config config;
    PGconn *connection;             /* NULL: none */
    bool in_transaction;            /* BEGIN has run, COMMIT has not */
    char channel[CHANNEL_SIZE_MAX]; /* listened to; empty: none */
    char sqlstate[6];
    int step_count;
    struct trip_step steps[DB_TRIP_MAX];
    int result_count;
    PGresult *results[DB_TRIP_MAX];
};

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

static void disconnect(struct db *db)
{
    PQfinish(db->connection);
    db->connection = NULL;
}

void db_free(struct db *db)
{
    if (db == NULL)
        return;
    clear_results(db);
    disconnect(db);
    free(db);
}

const char *db_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

/* ---- errors -------------------------------------------------------------------------------- */

static enum status status_of_sqlstate(const char *sqlstate)
{
    static const struct {
        const char *prefix;
        enum status status;
    } CLASSES[] = {
        {"23505", ERR_CONFLICT}, /* unique_violation: somebody else inserted it first */
        {"40", ERR_CONFLICT},    /* serialization_failure, deadlock_detected          */
        {"55P03", ERR_CONFLICT}, /* lock_not_available: lock_timeout                  */
        {"57014", ERR_TIMEOUT},  /* query_canceled: statement_timeout                 */
        {"57P", ERR_DOWN},       /* admin_shutdown, crash_shutdown, cannot_connect_now */
        {"53300", ERR_DOWN},     /* too_many_connections                              */
        {"25P03", ERR_DOWN},     /* idle_in_transaction_session_timeout               */
        {"08P01", ERR_BROKEN},   /* protocol_violation: a value of another type       */
        {"08", ERR_DOWN},        /* connection exceptions                             */
    };
    for (size_t at = 0; at < COUNT(CLASSES); at++)
        if (strncmp(sqlstate, CLASSES[at].prefix, strlen(CLASSES[at].prefix)) == 0)
            return CLASSES[at].status;
    return ERR_BROKEN;
}

/* libpq's message without its line breaks. */
static const char *one_line(const char *message, char *out, size_t size)
{
    size_t used = 0;
    for (; *message != '\0' && used + 1 < size; message++)
        if (!isspace((unsigned char)*message) || (used > 0 && out[used - 1] != ' '))
            out[used++] = isspace((unsigned char)*message) ? ' ' : *message;
    while (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
    return out;
}

/* The connection is of no more use. What was queued with a COMMIT may or may not have happened. */
static enum status fail_connection(struct db *db, enum status status, const char *what,
                                   struct error *err)
{
    char line[160];
    one_line(db->connection == NULL ? "" : PQerrorMessage(db->connection), line, sizeof line);
    disconnect(db);
    db->in_transaction = false;
    return error_set(err, status, "%s%s%s", what, line[0] == '\0' ? "" : ": ", line);
}

static enum status fail_statement(struct db *db, const PGresult *result, const char *name,
                                  struct error *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char line[160];
    snprintf(db->sqlstate, sizeof db->sqlstate, "%s", sqlstate == NULL ? "" : sqlstate);
    return error_set(err, status_of_sqlstate(db->sqlstate), "%s: %s (SQLSTATE %s)", name,
                     one_line(message == NULL ? "no message" : message, line, sizeof line),
                     db->sqlstate);
}

/* ---- waiting, always with a deadline ------------------------------------------------------- */

/* Sends what libpq holds back and reads what has come, until a result is complete. */
static enum status wait_for_result(struct db *db, int64_t deadline_us)
{
    for (;;) {
        const int unsent = PQflush(db->connection);
        if (unsent < 0)
            return ERR_DOWN;
        if (!PQisBusy(db->connection))
            return OK;
        const int64_t left_us = deadline_us - clock_monotonic_us();
        if (left_us <= 0)
            return ERR_TIMEOUT;
        struct pollfd ready = {.fd = PQsocket(db->connection),
                               .events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0))};
        if (poll(&ready, 1, (int)(left_us / 1000) + 1) > 0 && (ready.revents & ~POLLOUT) != 0 &&
            !PQconsumeInput(db->connection))
            return ERR_DOWN;
    }
}

static int64_t deadline_of(const struct db *db)
{
    return clock_monotonic_us() + (int64_t)db->config.timeout_ms * 1000;
}

/* Runs one text outside pipeline mode; several statements of it are one SQL transaction. */
static enum status run_text(struct db *db, const char *text, struct error *err)
{
    if (!PQsendQuery(db->connection, text))
        return fail_connection(db, ERR_DOWN, "connection lost", err);
    const int64_t deadline_us = deadline_of(db);
    enum status status = OK;
    for (;;) {
        const enum status waited = wait_for_result(db, deadline_us);
        if (waited != OK)
            return fail_connection(db, waited, "no answer to a plain statement", err);
        PGresult *result = PQgetResult(db->connection);
        if (result == NULL)
            return status;
        const ExecStatusType kind = PQresultStatus(result);
        if (status == OK && kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK)
            status = fail_statement(db, result, "script", err);
        PQclear(result);
    }
}

/* ---- connecting ---------------------------------------------------------------------------- */

static void drop_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

static PGconn *open_connection(const struct db_config *config)
{
    char options[320];
    /* Plans made while tables are empty would keep their sequential scans (DESIGN, "Plans"). A
     * transaction left open by a stopped process must not hold its locks for ever. */
    snprintf(options, sizeof options,
             "-c lock_timeout=%d -c statement_timeout=%d -c enable_seqscan=off -c jit=off "
             "-c plan_cache_mode=force_generic_plan -c timezone=UTC "
             "-c idle_in_transaction_session_timeout=30s -c search_path=%s",
             config->lock_timeout_ms, config->timeout_ms,
             config->schema == NULL ? "public" : config->schema);
    char timeout[8];
    snprintf(timeout, sizeof timeout, "%d", CONNECT_TIMEOUT_S);
    /* Later keywords win over what the URL says, earlier ones only fill its gaps. */
    const char *const keywords[] = {"user",    "connect_timeout",           "dbname",
                                    "options", "fallback_application_name", NULL};
    const char *const values[] = {
        config->user, timeout, config->url, options, config->application_name, NULL};
    return PQconnectdbParams(keywords, values, 1);
}

static void send_prepares(struct db *db)
{
    for (size_t list = 0; list < COUNT(db->config.statements); list++) {
        const struct sql_statement *const *statement = db->config.statements[list];
        for (; statement != NULL && *statement != NULL; statement++)
            PQsendPrepare(db->connection, (*statement)->name, (*statement)->text, 0, NULL);
    }
    PQpipelineSync(db->connection);
}

/* Reads up to the sync; the first failed result names the failure. */
static enum status read_prepares(struct db *db, struct error *err)
{
    const int64_t deadline_us = deadline_of(db);
    enum status status = OK;
    for (;;) {
        const enum status waited = wait_for_result(db, deadline_us);
        if (waited != OK)
            return fail_connection(db, waited, "connection lost while preparing", err);
        PGresult *result = PQgetResult(db->connection);
        if (result == NULL)
            continue; /* end of one statement's results */
        const ExecStatusType kind = PQresultStatus(result);
        if (status == OK && kind == PGRES_FATAL_ERROR)
            status = fail_statement(db, result, "prepare", err);
        PQclear(result);
        if (kind == PGRES_PIPELINE_SYNC)
            return status;
    }
}

static enum status prepare_statements(struct db *db, struct error *err)
{
    if (!PQenterPipelineMode(db->connection))
        return fail_connection(db, ERR_BROKEN, "no pipeline mode", err);
    send_prepares(db);
    const enum status status = read_prepares(db, err);
    if (status == OK)
        PQexitPipelineMode(db->connection);
    else if (db->connection != NULL)
        disconnect(db);
    return status;
}

static enum status send_listen(struct db *db, struct error *err)
{
    char text[CHANNEL_SIZE_MAX + 16];
    snprintf(text, sizeof text, "LISTEN %s", db->channel);
    return run_text(db, text, err);
}

enum status db_connect(struct db *db, struct error *err)
{
    if (db->connection != NULL)
        return OK;
    db->connection = open_connection(&db->config);
    ASSERT(db->connection != NULL);
    if (PQstatus(db->connection) != CONNECTION_OK)
        return fail_connection(db, ERR_DOWN, "cannot connect to PostgreSQL", err);
    PQsetNoticeProcessor(db->connection, drop_notice, NULL);
    PQsetnonblocking(db->connection, 1);
    TRY(prepare_statements(db, err));
    if (db->channel[0] != '\0')
        return send_listen(db, err);
    return OK;
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
    if (step->kind == TRIP_STATEMENT)
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

static bool send_steps(struct db *db)
{
    if (!PQenterPipelineMode(db->connection))
        return false;
    for (int at = 0; at < db->step_count; at++)
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
        return fail_statement(db, result, step_name(step), err);
    if (step->kind == TRIP_COMMIT && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        return error_set(err, ERR_BROKEN, "the server rolled back instead of committing");
    return OK;
}

/* Reads the results of all steps and the sync. A lost connection is said by `*lost_out`. */
static enum status read_steps(struct db *db, enum status *lost_out, struct error *err)
{
    const int64_t deadline_us = deadline_of(db);
    enum status status = OK;
    int at = 0;
    for (;;) {
        *lost_out = wait_for_result(db, deadline_us);
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
            return status;
        }
        ASSERT(at < db->step_count);
        if (status == OK)
            status = check_result(db, &db->steps[at], result, err);
        db->results[db->result_count++] = result;
        at++;
    }
}

static bool trip_has(const struct db *db, enum trip_kind kind)
{
    for (int at = 0; at < db->step_count; at++)
        if (db->steps[at].kind == kind)
            return true;
    return false;
}

static enum status run_steps(struct db *db, struct error *err)
{
    const bool commits = trip_has(db, TRIP_COMMIT);
    enum status lost = ERR_DOWN;
    enum status status = OK;
    if (send_steps(db))
        status = read_steps(db, &lost, err);
    if (lost == OK && status == ERR_DOWN) { /* the server said why, and went */
        disconnect(db);
        db->in_transaction = false;
        status = commits ? ERR_UNKNOWN : ERR_DOWN;
        if (err != NULL)
            err->status = status;
        return status;
    }
    if (lost != OK)
        return fail_connection(db, commits ? ERR_UNKNOWN : lost,
                               commits ? "connection lost while committing" : "connection lost",
                               err);
    PQexitPipelineMode(db->connection);
    if (status != OK) {
        db_rollback(db);
        return status;
    }
    if (commits)
        db->in_transaction = false;
    else if (trip_has(db, TRIP_BEGIN))
        db->in_transaction = true;
    return OK;
}

enum status db_run(struct db *db, struct error *err)
{
    clear_results(db);
    db->sqlstate[0] = '\0';
    enum status status = OK;
    if (db->connection == NULL && db->in_transaction) {
        db->in_transaction = false;
        status = error_set(err, ERR_DOWN, "the connection was lost within an SQL transaction");
    } else {
        status = db_connect(db, err);
    }
    if (status == OK && db->step_count > 0)
        status = run_steps(db, err);
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
    const enum status status = run_text(db, "ROLLBACK", &ignored);
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

/* ---- scripts and waiting ------------------------------------------------------------------- */

enum status db_run_script(struct db *db, const char *script, struct error *err)
{
    TRY(db_run(db, err)); /* connects, or says that the open transaction is gone */
    const enum status status = run_text(db, script, err);
    if (status != OK)
        db_rollback(db);
    return status;
}

enum status db_listen(struct db *db, const char *channel, struct error *err)
{
    ASSERT(strlen(channel) < sizeof db->channel);
    snprintf(db->channel, sizeof db->channel, "%s", channel);
    if (db->connection == NULL)
        return db_connect(db, err); /* listens, too */
    return send_listen(db, err);
}

enum status db_notify(struct db *db, const char *channel, struct error *err)
{
    char text[CHANNEL_SIZE_MAX + 16];
    ASSERT(strlen(channel) < CHANNEL_SIZE_MAX);
    snprintf(text, sizeof text, "NOTIFY %s", channel);
    TRY(db_connect(db, err));
    return run_text(db, text, err);
}

/* True when at least one notification was taken. */
static bool take_notifications(struct db *db)
{
    bool taken = false;
    PGnotify *notification;
    while ((notification = PQnotifies(db->connection)) != NULL) {
        PQfreemem(notification);
        taken = true;
    }
    return taken;
}

enum status db_wait(struct db *db, int wait_ms, bool *woken_out, struct error *err)
{
    if (db->connection == NULL) { /* what was notified meanwhile is not known: look */
        TRY(db_connect(db, err));
        *woken_out = true;
        return OK;
    }
    bool woken = take_notifications(db);
    if (!woken && wait_ms > 0) {
        struct pollfd ready = {.fd = PQsocket(db->connection), .events = POLLIN};
        if (poll(&ready, 1, wait_ms) > 0 && !PQconsumeInput(db->connection))
            return fail_connection(db, ERR_DOWN, "connection lost while waiting", err);
        woken = take_notifications(db);
    }
    *woken_out = woken;
    return OK;
}
