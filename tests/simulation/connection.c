#include "platform/postgres/postgres.h"

#include "base/arena.h"
#include "base/assert.h"
#include "connection.h"
#include "platform/messaging/waker.h"
#include "sim.h"
#include "statement.h"

enum { CONNECTIONS_MAX = 96, LOCK_TIMEOUT_MS = 250 };

/* Whoever waits for a notification looks up now and then; here a little more rarely. */
static const int64_t WAIT_US_PER_MS = 4000;

enum step_kind { STEP_STATEMENT, STEP_BEGIN, STEP_COMMIT };

struct step {
    enum step_kind kind;
    const struct sql_statement *statement;
    struct sql_args args;
};

struct db {
    bool is_used;
    struct process *process; /* NULL: gone */
    int64_t notice_us;       /* when the server sees that it is gone */
    enum schema schema;
    int64_t lock_timeout_us;
    int epoch; /* of the server when it connected; -1: not connected */
    const char *channel;
    bool is_notified;
    struct transaction tx;
    bool is_in_transaction; /* as its owner sees it */
    int step_count;
    struct step steps[DB_TRIP_MAX];
    int answer_count;
    struct answer answers[DB_TRIP_MAX];
};

static struct db connections[CONNECTIONS_MAX];
static struct {
    int64_t until_us;
    enum schema schema;
} refusal;

void connections_begin(void)
{
    refusal.until_us = 0;
    for (size_t at = 0; at < COUNT(connections); at++) {
        connections[at].is_used = false;
        connections[at].tx.is_open = false;
    }
}

static void roll_back(struct db *db)
{
    if (db->tx.is_open)
        transaction_end(&db->tx, false);
    db->is_in_transaction = false;
}

void connections_killed(struct process *process)
{
    for (size_t at = 0; at < COUNT(connections); at++) {
        struct db *db = &connections[at];
        if (!db->is_used || db->process != process)
            continue;
        db->process = NULL;
        db->notice_us = sim.now_us + (sim_below(2) == 0 ? 0 : (int64_t)sim_below(100 * 1000));
    }
    connections_notice();
}

void connections_notice(void)
{
    for (size_t at = 0; at < COUNT(connections); at++) {
        struct db *db = &connections[at];
        if (!db->is_used || db->process != NULL || db->notice_us > sim.now_us)
            continue;
        roll_back(db);
        db->is_used = false;
    }
}

void connections_restart_server(void)
{
    sim_tell("the server goes down");
    server.epoch++;
    server.down_until_us = sim.now_us + 10000 + sim_below(200 * 1000);
    for (size_t at = 0; at < COUNT(connections); at++)
        if (connections[at].is_used)
            roll_back(&connections[at]);
    sim_ring(&server);
}

bool connections_are_busy(void)
{
    for (size_t at = 0; at < COUNT(connections); at++)
        if (connections[at].is_used && connections[at].tx.is_open)
            return true;
    return false;
}

/* ---- making one ------------------------------------------------------------------------------ */

struct db *__wrap_db_new(const struct db_config *config);
void __wrap_db_free(struct db *db);
enum status __wrap_db_connect(struct db *db, struct error *err);
void __wrap_db_set_cause(struct db *db, const struct span_group *cause);
const char *__wrap_db_sqlstate(const struct db *db);
void __wrap_db_send(struct db *db, const struct sql_statement *statement,
                    const struct sql_args *args);
void __wrap_db_send_copy(struct db *db, const struct sql_statement *statement, struct text rows);
void __wrap_db_send_begin(struct db *db);
void __wrap_db_send_commit(struct db *db);
enum status __wrap_db_run(struct db *db, struct error *err);
enum status __wrap_db_run_one(struct db *db, const struct sql_statement *statement,
                              const struct sql_args *args, struct error *err);
void __wrap_db_rollback(struct db *db);
struct sql_rows __wrap_db_rows(const struct db *db, int trip_index);
enum status __wrap_db_listen(struct db *db, const char *channel, struct error *err);
enum status __wrap_db_wait(struct db *db, int wait_ms, bool *woken_out, struct error *err);
struct waker *__wrap_waker_start(const struct db_config *config, const char *channel);
void __wrap_waker_ring(struct waker *waker);
void __wrap_waker_stop(struct waker *waker);
int __wrap_PQgetisnull(const struct answer *answer, int row, int column);
int __wrap_PQgetlength(const struct answer *answer, int row, int column);
const char *__wrap_PQgetvalue(const struct answer *answer, int row, int column);

static enum schema schema_of(const char *name)
{
    static const char *const NAMES[] = {"authorization", "ledger", "saga", "bus"};
    for (size_t at = 0; at < COUNT(NAMES); at++)
        if (strcmp(NAMES[at], name) == 0)
            return (enum schema)at;
    sim_fail("the simulation has no schema %s", name);
}

struct db *__wrap_db_new(const struct db_config *config)
{
    size_t at = 0;
    while (at < COUNT(connections) && connections[at].is_used)
        at++;
    ASSERT(at < COUNT(connections));
    struct db *db = &connections[at];
    db->is_used = true;
    db->process = process_current();
    db->schema = schema_of(config->schema);
    db->lock_timeout_us =
        1000LL * (config->lock_timeout_ms > 0 ? config->lock_timeout_ms : LOCK_TIMEOUT_MS);
    db->epoch = -1;
    db->channel = NULL;
    db->is_notified = false;
    db->tx = (struct transaction){0};
    db->is_in_transaction = false;
    db->step_count = db->answer_count = 0;
    return db;
}

void __wrap_db_free(struct db *db)
{
    if (db == NULL)
        return;
    roll_back(db);
    db->is_used = false;
}

void __wrap_db_set_cause(struct db *db, const struct span_group *cause)
{
    (void)db, (void)cause;
}

const char *__wrap_db_sqlstate(const struct db *db)
{
    return db->tx.sqlstate == NULL ? "" : db->tx.sqlstate;
}

enum status __wrap_db_connect(struct db *db, struct error *err)
{
    const bool was_in_transaction = db->is_in_transaction;
    if (db->epoch == server.epoch && sim.now_us >= server.down_until_us)
        return OK;
    roll_back(db);
    db->epoch = -1;
    db->is_notified = false;
    if (was_in_transaction)
        return error_set(err, ERR_DOWN, "the connection was lost within an SQL transaction");
    if (sim.now_us < server.down_until_us)
        return error_set(err, ERR_DOWN, "the server is down");
    db->epoch = server.epoch;
    return OK;
}

/* ---- a trip ---------------------------------------------------------------------------------- */

static struct step *add_step(struct db *db, enum step_kind kind)
{
    ASSERT(db->step_count < DB_TRIP_MAX);
    struct step *step = &db->steps[db->step_count++];
    step->kind = kind;
    step->args.count = 0;
    return step;
}

void __wrap_db_send(struct db *db, const struct sql_statement *statement,
                    const struct sql_args *args)
{
    const int count = args == NULL ? 0 : args->count;
    ASSERT(statement->param_count == count);
    struct step *step = add_step(db, STEP_STATEMENT);
    step->statement = statement;
    step->args.count = count;
    if (count == 0)
        return;
    memcpy(step->args.values, args->values, (size_t)count * sizeof args->values[0]);
    memcpy(step->args.sizes, args->sizes, (size_t)count * sizeof args->sizes[0]);
}

/* What is copied comes to the models as it does to unnest(): an array for each column. */
void __wrap_db_send_copy(struct db *db, const struct sql_statement *statement, struct text rows)
{
    struct step *step = add_step(db, STEP_STATEMENT);
    step->statement = statement;
    statement_read_copy(rows, statement->param_count, &step->args);
}

void __wrap_db_send_begin(struct db *db)
{
    add_step(db, STEP_BEGIN);
}

void __wrap_db_send_commit(struct db *db)
{
    add_step(db, STEP_COMMIT);
}

static bool trip_has(const struct db *db, enum step_kind kind)
{
    for (int at = 0; at < db->step_count; at++)
        if (db->steps[at].kind == kind)
            return true;
    return false;
}

static void begin_refusal(const struct db *db)
{
    refusal.until_us = sim.now_us + sim_below(40 * 1000);
    refusal.schema = db->schema;
}

static enum status lose(struct db *db, struct error *err)
{
    const bool commits = trip_has(db, STEP_COMMIT);
    sim_tell("connection lost%s", commits ? ", with a COMMIT under way" : "");
    if (commits && sim.faults.refusal > 0 && sim_below(2) == 0)
        begin_refusal(db); /* a server in trouble loses connections, and refuses then */
    roll_back(db);
    db->epoch = -1;
    return error_set(err, commits ? ERR_UNKNOWN : ERR_DOWN, "connection lost");
}

/* Lost before the server had it, or after it was done: who asked cannot tell. */
static enum status commit(struct db *db, struct error *err)
{
    const bool answer_is_lost = sim_fault(sim.faults.commit_unknown);
    if (answer_is_lost && sim_below(2) == 0)
        return lose(db, err);
    sim_tell("commit");
    transaction_end(&db->tx, true);
    db->is_in_transaction = false;
    if (answer_is_lost)
        return lose(db, err);
    return OK;
}

/* A bug that shows for a while: one room's statements are refused, one in four. */
static bool is_refused(const struct db *db)
{
    if (sim_fault(sim.faults.refusal)) {
        begin_refusal(db);
        return true;
    }
    return !sim.is_calm && sim.now_us < refusal.until_us && db->schema == refusal.schema &&
           sim_below(4) == 0;
}

static enum status run_statement(struct db *db, const struct step *step, struct error *err)
{
    struct call call = {.statement = step->statement,
                        .args = &step->args,
                        .schema = db->schema,
                        .tx = &db->tx,
                        .until_us = sim.now_us + db->lock_timeout_us};
    if (is_refused(db))
        return error_set(err, ERR_BROKEN, "the database will not have it");
    TRY(statement_run(&call, err));
    db->answers[db->answer_count++] = call.answer;
    return OK;
}

static enum status run_step(struct db *db, const struct step *step, struct error *err)
{
    sim_point();
    if (db->epoch != server.epoch || sim_fault(sim.faults.disconnect))
        return lose(db, err);
    if (!db->tx.is_open)
        db->tx = (struct transaction){.is_open = true};
    if (step->kind == STEP_STATEMENT)
        return run_statement(db, step, err);
    if (step->kind == STEP_COMMIT)
        TRY(commit(db, err));
    else
        db->is_in_transaction = true;
    db->answers[db->answer_count++] = (struct answer){0};
    return OK;
}

static enum status run_steps(struct db *db, struct error *err)
{
    for (int at = 0; at < db->step_count; at++) {
        struct error why = {.status = OK};
        const enum status status = run_step(db, &db->steps[at], &why);
        if (status == OK)
            continue;
        if (db->epoch == server.epoch)
            sim_tell("%s: %s", db->steps[at].statement->name, why.message);
        else if (status != ERR_UNKNOWN)
            why.status = trip_has(db, STEP_COMMIT) ? ERR_UNKNOWN : ERR_DOWN;
        roll_back(db);
        if (err != NULL)
            *err = why;
        return why.status;
    }
    /* Without BEGIN a trip is an SQL transaction of its own. */
    if (db->tx.is_open && !db->is_in_transaction)
        transaction_end(&db->tx, true);
    sim_point();
    return OK;
}

enum status __wrap_db_run(struct db *db, struct error *err)
{
    enum status status = OK;
    db->answer_count = 0;
    db->tx.sqlstate = NULL;
    if (trip_has(db, STEP_COMMIT) && !trip_has(db, STEP_BEGIN) &&
        (!db->is_in_transaction || !db->tx.is_open))
        status = error_set(err, ERR_DOWN, "the SQL transaction to commit has been lost");
    else
        status = __wrap_db_connect(db, err);
    if (status == OK)
        status = run_steps(db, err);
    if (status != OK)
        roll_back(db);
    db->step_count = 0;
    return status;
}

enum status __wrap_db_run_one(struct db *db, const struct sql_statement *statement,
                              const struct sql_args *args, struct error *err)
{
    ASSERT(db->step_count == 0);
    __wrap_db_send(db, statement, args);
    return __wrap_db_run(db, err);
}

void __wrap_db_rollback(struct db *db)
{
    db->step_count = 0;
    roll_back(db);
}

/* ---- answers: the readers of platform/postgres/sql_rows.c ask libpq, and are asked here ------ */

struct sql_rows __wrap_db_rows(const struct db *db, int trip_index)
{
    ASSERT(trip_index >= 0 && trip_index < db->answer_count);
    const struct answer *answer = &db->answers[trip_index];
    return (struct sql_rows){answer, answer->row_count, answer->affected};
}

static struct cell answered(const struct answer *answer, int row, int column)
{
    ASSERT(row < answer->row_count);
    ASSERT(column < answer->column_count);
    return answer->cells[row * ANSWER_COLUMNS_MAX + column];
}

int __wrap_PQgetisnull(const struct answer *answer, int row, int column)
{
    return answered(answer, row, column).data == NULL;
}

int __wrap_PQgetlength(const struct answer *answer, int row, int column)
{
    return (int)answered(answer, row, column).size;
}

const char *__wrap_PQgetvalue(const struct answer *answer, int row, int column)
{
    return answered(answer, row, column).data;
}

/* ---- LISTEN and NOTIFY ----------------------------------------------------------------------- */

/* A channel is the address of its name here. */
static const char *channel_of(const char *name)
{
    static const char *const CHANNELS[] = {CHANNEL_OUTBOX, CHANNEL_BUS};
    for (size_t at = 0; at < COUNT(CHANNELS); at++)
        if (strcmp(CHANNELS[at], name) == 0)
            return CHANNELS[at];
    sim_fail("the simulation has no channel %s", name);
}

enum status __wrap_db_listen(struct db *db, const char *channel, struct error *err)
{
    TRY(__wrap_db_connect(db, err));
    db->channel = channel_of(channel);
    return OK;
}

enum status __wrap_db_wait(struct db *db, int wait_ms, bool *woken_out, struct error *err)
{
    if (!db->is_notified && db->channel != NULL)
        sim_listen(db->channel, wait_ms * WAIT_US_PER_MS);
    else
        sim_point();
    TRY(__wrap_db_connect(db, err));
    *woken_out = db->is_notified;
    db->is_notified = false;
    return OK;
}

struct waker {
    const char *channel;
};

struct waker *__wrap_waker_start(const struct db_config *config, const char *channel)
{
    static struct waker wakers[2];
    struct waker *waker = &wakers[strcmp(channel, CHANNEL_BUS) == 0];
    (void)config;
    waker->channel = channel_of(channel);
    return waker;
}

/* A ring that is lost costs a poll. */
void __wrap_waker_ring(struct waker *waker)
{
    if (sim_below(8) == 0)
        return;
    for (size_t at = 0; at < COUNT(connections); at++)
        if (connections[at].is_used && connections[at].channel != NULL &&
            connections[at].channel == waker->channel)
            connections[at].is_notified = true;
    sim_ring(waker->channel);
}

void __wrap_waker_stop(struct waker *waker)
{
    (void)waker;
}
