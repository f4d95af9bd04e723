#include "platform/postgres/postgres_connection.h"

#include "base/assert.h"
#include "platform/clock.h"

#include <ctype.h>
#include <poll.h>
#include <stdio.h>

enum { CONNECT_TIMEOUT_S = 5 };

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
        {"57014", ERR_CONFLICT}, /* query_canceled: statement_timeout; none was saved */
        {"57P", ERR_DOWN},       /* admin_shutdown, crash_shutdown, cannot_connect_now */
        {"53", ERR_DOWN},        /* disk_full, out_of_memory, too_many_connections    */
        {"58", ERR_DOWN},        /* system_error, io_error: none of the statement's   */
        {"25P03", ERR_DOWN},     /* idle_in_transaction_session_timeout               */
        {"25006", ERR_DOWN},     /* read_only_sql_transaction: a standby, not ours    */
        {"08P01", ERR_BROKEN},   /* protocol_violation: a value of another type       */
        {"08", ERR_DOWN},        /* connection exceptions                             */
    };
    for (size_t at = 0; at < COUNT(CLASSES); at++)
        if (strncmp(sqlstate, CLASSES[at].prefix, strlen(CLASSES[at].prefix)) == 0)
            return CLASSES[at].status;
    return ERR_BROKEN;
}

/* The server lacks something for now: room, memory. Its session goes on, unless it says otherwise.
 */
static bool is_lack(const char *sqlstate, const char *severity)
{
    const bool is_class = strncmp(sqlstate, "53", 2) == 0 || strncmp(sqlstate, "58", 2) == 0;
    return is_class && severity != NULL && strcmp(severity, "ERROR") == 0;
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

void connection_close(struct db *db)
{
    PQfinish(db->connection);
    db->connection = NULL;
}

enum status connection_fail(struct db *db, enum status status, const char *what, struct error *err)
{
    char line[160];
    one_line(db->connection == NULL ? "" : PQerrorMessage(db->connection), line, sizeof line);
    connection_close(db);
    db->in_transaction = false;
    return error_set(err, status, "%s%s%s", what, line[0] == '\0' ? "" : ": ", line);
}

enum status connection_fail_statement(struct db *db, const PGresult *result, const char *name,
                                      struct error *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    char line[160];
    snprintf(db->sqlstate, sizeof db->sqlstate, "%s", sqlstate == NULL ? "" : sqlstate);
    const enum status status = status_of_sqlstate(db->sqlstate);
    db->is_of_no_use = status == ERR_DOWN && !is_lack(db->sqlstate, severity);
    return error_set(err, status, "%s: %s (SQLSTATE %s)", name,
                     one_line(message == NULL ? "no message" : message, line, sizeof line),
                     db->sqlstate);
}

/* ---- waiting, always with a deadline ------------------------------------------------------- */

enum status connection_wait(struct db *db, int64_t deadline_us)
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

int64_t connection_deadline_us(const struct db *db)
{
    return clock_monotonic_us() + (int64_t)db->config.timeout_ms * 1000;
}

enum status connection_run_text(struct db *db, const char *text, struct error *err)
{
    if (!PQsendQuery(db->connection, text))
        return connection_fail(db, ERR_DOWN, "connection lost", err);
    const int64_t deadline_us = connection_deadline_us(db);
    enum status status = OK;
    for (;;) {
        const enum status waited = connection_wait(db, deadline_us);
        if (waited != OK)
            return connection_fail(db, waited, "no answer to a plain statement", err);
        PGresult *result = PQgetResult(db->connection);
        if (result == NULL)
            return status;
        const ExecStatusType kind = PQresultStatus(result);
        if (status == OK && kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK)
            status = connection_fail_statement(db, result, "script", err);
        PQclear(result);
    }
}

/* ---- connecting ---------------------------------------------------------------------------- */

/* What the server says beside its answers is nobody's business, but for a warning that comes with a
 * COMMIT: somebody has ended its wait for the standby, which may not have what was committed. */
static void take_notice(void *context, const PGresult *notice)
{
    struct db *db = context;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const bool commits =
        db->result_count < db->step_count && db->steps[db->result_count].kind == TRIP_COMMIT;
    if (commits && severity != NULL && strcmp(severity, "WARNING") == 0)
        db->is_commit_doubtful = true;
}

static PGconn *open_connection(const struct db_config *config)
{
    char options[320];
    /* The server gives a slow statement up before we give up the trip: then it is known that
     * nothing was saved. Plans made while tables are empty would keep their sequential scans. A
     * transaction left open by a stopped process must not hold its locks for ever. */
    snprintf(options, sizeof options,
             "-c lock_timeout=%d -c statement_timeout=%d -c enable_seqscan=off -c jit=off "
             "-c plan_cache_mode=force_generic_plan -c timezone=UTC "
             "-c idle_in_transaction_session_timeout=30s -c search_path=%s",
             config->lock_timeout_ms, config->timeout_ms / 5 * 4,
             config->schema == NULL ? "public" : config->schema);
    char timeout[8];
    snprintf(timeout, sizeof timeout, "%d", CONNECT_TIMEOUT_S);
    /* Later keywords win over what the URL says, earlier ones only fill its gaps. Of the servers
     * that a URL names the one is wanted that takes writes: a standby does once it is promoted. */
    const char *const keywords[] = {"user",   "connect_timeout", "target_session_attrs",
                                    "dbname", "options",         "fallback_application_name",
                                    NULL};
    const char *const values[] = {
        config->user, timeout, "read-write", config->url, options, config->application_name, NULL};
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
    const int64_t deadline_us = connection_deadline_us(db);
    enum status status = OK;
    for (;;) {
        const enum status waited = connection_wait(db, deadline_us);
        if (waited != OK)
            return connection_fail(db, waited, "connection lost while preparing", err);
        PGresult *result = PQgetResult(db->connection);
        if (result == NULL) { /* end of one statement's results, or of all */
            if (PQstatus(db->connection) == CONNECTION_BAD)
                return connection_fail(db, ERR_DOWN, "connection lost while preparing", err);
            continue;
        }
        const ExecStatusType kind = PQresultStatus(result);
        if (status == OK && kind == PGRES_FATAL_ERROR)
            status = connection_fail_statement(db, result, "prepare", err);
        PQclear(result);
        if (kind == PGRES_PIPELINE_SYNC)
            return status;
    }
}

static enum status prepare_statements(struct db *db, struct error *err)
{
    if (!PQenterPipelineMode(db->connection))
        return connection_fail(db, ERR_BROKEN, "no pipeline mode", err);
    send_prepares(db);
    const enum status status = read_prepares(db, err);
    if (status == OK)
        PQexitPipelineMode(db->connection);
    else if (db->connection != NULL)
        connection_close(db);
    return status;
}

/* A server that went away while nobody asked it anything: found out here, it does not cost the
 * next question its answer. */
static bool is_gone(const struct db *db)
{
    struct pollfd ready = {.fd = PQsocket(db->connection), .events = POLLIN};
    while (poll(&ready, 1, 0) > 0)
        if (!PQconsumeInput(db->connection))
            return true;
    return PQstatus(db->connection) == CONNECTION_BAD;
}

enum status db_connect(struct db *db, struct error *err)
{
    if (db->connection != NULL && (db->in_transaction || !is_gone(db)))
        return OK;
    connection_close(db);
    db->connection = open_connection(&db->config);
    ASSERT(db->connection != NULL);
    if (PQstatus(db->connection) != CONNECTION_OK)
        return connection_fail(db, ERR_DOWN, "cannot connect to PostgreSQL", err);
    PQsetNoticeReceiver(db->connection, take_notice, db);
    PQsetnonblocking(db->connection, 1);
    TRY(prepare_statements(db, err));
    if (db->channel[0] != '\0')
        return connection_listen(db, err);
    return OK;
}
