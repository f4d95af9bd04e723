/* Round trips with a real PostgreSQL: what fails, what is lost, and what is never done twice. */
#include "store.h"

#include "base/arena.h"
#include "platform/clock.h"

#include <pthread.h>

static const struct sql_statement ADD_SPOT = {"test.add_spot", "INSERT INTO spot (id) VALUES ($1)",
                                              1};
static const struct sql_statement LOCK_SPOT = {"test.lock_spot",
                                               "SELECT id FROM spot WHERE id = $1 FOR UPDATE", 1};
static const struct sql_statement TOUCH_SPOTS = {"test.touch_spots", "UPDATE spot SET id = id", 0};
/* Whose COMMIT checks ids that stand twice, ends its own session, or takes its time. */
static const struct sql_statement ADD_LATE = {"test.add_late",
                                              "INSERT INTO late_spot (id) VALUES ($1)", 1};
static const struct sql_statement ADD_FATAL = {"test.add_fatal",
                                               "INSERT INTO fatal_spot (id) VALUES ($1)", 1};
static const struct sql_statement ADD_SLOW = {"test.add_slow",
                                              "INSERT INTO slow_spot (id) VALUES ($1)", 1};
static const struct sql_statement READ_BACKEND = {"test.read_backend", "SELECT pg_backend_pid()",
                                                  0};
static const struct sql_statement SLEEP = {"test.sleep",
                                           "SELECT pg_sleep($1::integer / 1000.0)::text", 1};
static const struct sql_statement ECHO_TEXTS = {"test.echo_texts", "SELECT unnest($1::text[])", 1};

static const struct sql_statement *const STATEMENTS[] = {
    &ADD_SPOT, &LOCK_SPOT,    &TOUCH_SPOTS, &ADD_LATE,   &ADD_FATAL,
    &ADD_SLOW, &READ_BACKEND, &SLEEP,       &ECHO_TEXTS, NULL};

static struct arena *arena;
static struct db *db;    /* the one that is looked at */
static struct db *other; /* somebody else, who is in the way */
static struct error err;

static struct db *open_db(int timeout_ms, int lock_timeout_ms)
{
    struct db_config config = store_db("tallystick_owner", "public");
    config.statements[0] = STATEMENTS;
    config.timeout_ms = timeout_ms;
    config.lock_timeout_ms = lock_timeout_ms;
    return db_new(&config);
}

static int make_tables(void **state)
{
    (void)state;
    store_sql("DROP TABLE IF EXISTS spot, late_spot, fatal_spot, slow_spot");
    store_sql("CREATE TABLE spot (id int PRIMARY KEY)");
    store_sql("CREATE TABLE late_spot (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    store_sql("CREATE TABLE fatal_spot (id int)");
    store_sql("CREATE TABLE slow_spot (id int)");
    store_sql("CREATE OR REPLACE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS"
              " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'");
    store_sql("CREATE OR REPLACE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS"
              " 'BEGIN PERFORM pg_sleep(0.8); RETURN NULL; END'");
    store_sql("CREATE CONSTRAINT TRIGGER fatal AFTER INSERT ON fatal_spot"
              " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_session()");
    store_sql("CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON slow_spot"
              " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION take_time()");
    return 0;
}

static int before_each(void **state)
{
    (void)state;
    store_sql("TRUNCATE spot, late_spot, fatal_spot, slow_spot");
    store_sql("INSERT INTO spot VALUES (1), (2)");
    arena = arena_new(64 * 1024 * 1024);
    db = open_db(0, 0);
    other = open_db(0, 0);
    err = (struct error){.message = ""};
    return 0;
}

static int after_each(void **state)
{
    (void)state;
    db_free(db);
    db_free(other);
    arena_free(arena);
    return 0;
}

static void send_id(struct db *to, const struct sql_statement *statement, int id)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i32(&args, id);
    db_send(to, statement, &args);
}

/* A trip of BEGIN and one statement, which leaves its SQL transaction open. */
static void begin_with(struct db *with, const struct sql_statement *statement, int id)
{
    db_send_begin(with);
    send_id(with, statement, id);
    if (db_run(with, &err) != OK)
        fail_msg("beginning: %s", err.message);
}

static enum status run_id(const struct sql_statement *statement, int id)
{
    send_id(db, statement, id);
    return db_run(db, &err);
}

static enum status commit(void)
{
    db_send_commit(db);
    return db_run(db, &err);
}

/* The process that serves the connection: another one means another connection. */
static int backend(void)
{
    if (db_run_one(db, &READ_BACKEND, NULL, &err) != OK)
        fail_msg("asking for the backend: %s", err.message);
    return sql_i32(db_rows(db, 0), 0, 0);
}

/* Waits until the process is gone. */
static void end_backend(int pid)
{
    assert_int_equal(store_sql("SELECT pg_terminate_backend(%d, 10000)::int", pid), 1);
}

static int64_t spots(void)
{
    return store_sql("SELECT count(*) FROM spot");
}

/* ---- statements that fail ------------------------------------------------------------------ */

static void test_db_run__a_failed_statement_ends_the_transaction(void **state)
{
    (void)state;
    const int pid = backend();
    begin_with(db, &ADD_SPOT, 3);
    CHECK_EQ("an id that is there", run_id(&ADD_SPOT, 1), ERR_CONFLICT);
    CHECK_TEXT("an id that is there", text_of(db_sqlstate(db)), "23505");
    CHECK("the statement's name", strstr(err.message, "test.add_spot") != NULL);
    CHECK_EQ("what the transaction had done", spots(), 2);
    CHECK_EQ("the connection", backend(), pid);
    CHECK_TEXT("no error since", text_of(db_sqlstate(db)), "");
}

static void test_db_run__nothing_after_a_failure(void **state)
{
    (void)state;
    db_send_begin(db);
    send_id(db, &ADD_SPOT, 3);
    send_id(db, &ADD_SPOT, 1);
    send_id(db, &ADD_SPOT, 4);
    db_send_commit(db);
    CHECK_EQ("a conflict in the middle of one trip", db_run(db, &err), ERR_CONFLICT);
    CHECK_EQ("what stands before and after it", spots(), 2);
    db_send_begin(db);
    send_id(db, &ADD_SPOT, 3);
    db_send(db, &TOUCH_SPOTS, NULL);
    db_send_commit(db);
    CHECK_EQ("the same without the conflict", db_run(db, &err), OK);
    CHECK_EQ("rows touched, BEGIN counts as a step", db_rows(db, 2).affected, 3);
    CHECK_EQ("all of it", spots(), 3);
}

static void test_db_run__a_conflict_found_by_the_commit(void **state)
{
    (void)state;
    begin_with(db, &ADD_LATE, 1);
    CHECK_EQ("not yet checked", run_id(&ADD_LATE, 1), OK);
    CHECK_EQ("the commit", commit(), ERR_CONFLICT);
    CHECK_EQ("what it would have saved", store_sql("SELECT count(*) FROM late_spot"), 0);
}

static void test_db_run__commit_answered_by_rollback(void **state)
{
    (void)state;
    begin_with(db, &ADD_SPOT, 3);
    CHECK_EQ("a name that cannot be one", db_notify(db, "two words", &err), ERR_BROKEN);
    CHECK_EQ("the commit of what failed", commit(), ERR_BROKEN);
    CHECK_TEXT("the commit of what failed", text_of(err.message),
               "the server rolled back instead of committing");
    CHECK_EQ("nothing was saved", spots(), 2);
    CHECK_EQ("the next one", run_id(&ADD_SPOT, 3), OK);
}

static void test_db_run__a_lock_that_is_held(void **state)
{
    (void)state;
    const int pid = backend();
    begin_with(other, &LOCK_SPOT, 1);
    const int64_t begun_us = clock_monotonic_us();
    CHECK_EQ("somebody else's row", run_id(&LOCK_SPOT, 1), ERR_CONFLICT);
    CHECK_TEXT("somebody else's row", text_of(db_sqlstate(db)), "55P03");
    CHECK("a wait of its own, not the trip's", clock_monotonic_us() - begun_us < 5000000);
    CHECK_EQ("a row that is free", run_id(&LOCK_SPOT, 2), OK);
    db_rollback(other);
    CHECK_EQ("given back", run_id(&LOCK_SPOT, 1), OK);
    CHECK_EQ("the connection", backend(), pid);
}

static void *lock_first(void *argument)
{
    struct error ignored;
    send_id(other, &LOCK_SPOT, 1);
    *(enum status *)argument = db_run(other, &ignored);
    return NULL;
}

static void test_db_run__deadlock(void **state)
{
    (void)state;
    db_free(db);
    db_free(other);
    db = open_db(0, 8000);
    other = open_db(0, 8000);
    const int pid = backend();
    begin_with(db, &LOCK_SPOT, 1);
    begin_with(other, &LOCK_SPOT, 2);
    enum status others = OK;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, lock_first, &others), 0);
    const enum status ours = run_id(&LOCK_SPOT, 2);
    db_rollback(db);
    pthread_join(thread, NULL);
    CHECK("one loses, the other goes on",
          (ours == ERR_CONFLICT && others == OK) || (ours == OK && others == ERR_CONFLICT));
    CHECK_TEXT("the loser", text_of(db_sqlstate(ours == OK ? other : db)), "40P01");
    db_rollback(other);
    CHECK_EQ("the connection", backend(), pid);
}

static void test_db_run__values_of_another_type(void **state)
{
    (void)state;
    const int pid = backend();
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i64(&args, 3);
    CHECK_EQ("eight bytes for four", db_run_one(db, &ADD_SPOT, &args, &err), ERR_BROKEN);
    CHECK_TEXT("eight bytes for four", text_of(err.message),
               "test.add_spot: incorrect binary data format in bind parameter 1 (SQLSTATE 22P03)");
    sql_args_init(&args, arena);
    sql_add_i16(&args, 3);
    CHECK_EQ("two bytes for four", db_run_one(db, &ADD_SPOT, &args, &err), ERR_BROKEN);
    CHECK_TEXT("two bytes for four", text_of(err.message),
               "test.add_spot: insufficient data left in message (SQLSTATE 08P01)");
    CHECK_EQ("the connection", backend(), pid);
}

static void test_db_connect__a_statement_that_cannot_be(void **state)
{
    (void)state;
    static const struct sql_statement WRONG = {"test.wrong", "SELECT id FROM no_table", 0};
    static const struct sql_statement *const ALL[] = {&WRONG, NULL};
    struct db_config config = store_db("tallystick_owner", "public");
    config.statements[0] = ALL;
    struct db *wrong = db_new(&config);
    CHECK_EQ("a table that is not there", db_connect(wrong, &err), ERR_BROKEN);
    CHECK_TEXT("a table that is not there", text_of(err.message),
               "prepare: relation \"no_table\" does not exist (SQLSTATE 42P01)");
    CHECK_EQ("it stays unusable", db_run_one(wrong, &WRONG, NULL, &err), ERR_BROKEN);
    db_free(wrong);
}

/* ---- connections that end ------------------------------------------------------------------ */

static void test_db_run__lost_while_idle(void **state)
{
    (void)state;
    const int pid = backend();
    end_backend(pid);
    CHECK_EQ("the next trip, over a new connection", run_id(&ADD_SPOT, 3), OK);
    CHECK_EQ("done once", spots(), 3);
    CHECK("the new connection", backend() != pid);
}

static void test_db_run__lost_within_a_transaction(void **state)
{
    (void)state;
    const int pid = backend();
    begin_with(db, &ADD_SPOT, 3);
    end_backend(pid);
    CHECK_EQ("its next trip", run_id(&ADD_SPOT, 4), ERR_DOWN);
    send_id(db, &ADD_SPOT, 5);
    CHECK_EQ("its commit, whose BEGIN is gone", commit(), ERR_DOWN);
    CHECK_EQ("nothing of it", spots(), 2);
    begin_with(db, &ADD_SPOT, 3);
    CHECK_EQ("a transaction of its own", commit(), OK);
    CHECK_EQ("a transaction of its own", spots(), 3);
    begin_with(db, &ADD_SPOT, 4);
    end_backend(backend());
    CHECK_EQ("a commit at once: who sends it cannot know", commit(), ERR_UNKNOWN);
    CHECK_EQ("nothing of it", spots(), 3);
}

static void test_db_rollback__lost_within_a_transaction(void **state)
{
    (void)state;
    const int pid = backend();
    begin_with(db, &ADD_SPOT, 3);
    end_backend(pid);
    db_rollback(db);
    CHECK("a new connection", backend() != pid);
    CHECK_EQ("nothing of it", spots(), 2);
}

static void test_db_run__lost_while_committing(void **state)
{
    (void)state;
    begin_with(db, &ADD_FATAL, 1);
    CHECK_EQ("the server ends in its commit", commit(), ERR_UNKNOWN);
    CHECK_EQ("the status goes with the message", err.status, ERR_UNKNOWN);
    CHECK_EQ("nothing of it", store_sql("SELECT count(*) FROM fatal_spot"), 0);
    CHECK_EQ("a new connection", run_id(&ADD_SPOT, 3), OK);
}

/* The server goes on and commits what nobody waits for any more. */
static void test_db_run__a_commit_that_takes_too_long(void **state)
{
    (void)state;
    db_free(db);
    db = open_db(300, 0);
    CHECK_EQ("no limit at the server", db_run_script(db, "SET statement_timeout = 0", &err), OK);
    begin_with(db, &ADD_SLOW, 1);
    CHECK_EQ("the commit", commit(), ERR_UNKNOWN);
    CHECK("it has happened", store_wait_for(1, "SELECT count(*) FROM slow_spot"));
    CHECK_EQ("a new connection", run_id(&ADD_SPOT, 3), OK);
}

/* The server gives up before we do, and then it is known that nothing was committed. */
static void test_db_run__deadline(void **state)
{
    (void)state;
    static const struct {
        const char *given, *script;
        bool commits;
        enum status then;
        const char *sqlstate;
    } CASES[] = {
        {"a statement alone", "SELECT 1", false, ERR_CONFLICT, "57014"},
        {"one before a commit", "SELECT 1", true, ERR_CONFLICT, "57014"},
        {"a server that never ends", "SET statement_timeout = 0", false, ERR_TIMEOUT, ""},
        {"the same before a commit", "SET statement_timeout = 0", true, ERR_UNKNOWN, ""},
    };
    db_free(db);
    db = open_db(1000, 0);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const char *given = CASES[at].given;
        CHECK_EQ(given, db_run_script(db, CASES[at].script, &err), OK);
        const int pid = backend();
        const int64_t begun_us = clock_monotonic_us();
        db_send_begin(db);
        send_id(db, &SLEEP, 30000);
        CHECK_EQ(given, CASES[at].commits ? commit() : db_run(db, &err), CASES[at].then);
        CHECK_TEXT(given, text_of(db_sqlstate(db)), CASES[at].sqlstate);
        CHECK(given, clock_monotonic_us() - begun_us < 15000000);
        CHECK_EQ(given, backend() == pid, CASES[at].then == ERR_CONFLICT);
    }
}

/* ---- size ---------------------------------------------------------------------------------- */

enum { TRIPS = 8, TEXTS = 4000, TEXT_SIZE = 300 };

/* Far more than the sockets hold in both directions: who only writes, or only reads, hangs. */
static void test_db_run__megabytes_both_ways(void **state)
{
    (void)state;
    char letters[TEXT_SIZE];
    memset(letters, 'x', sizeof letters);
    for (int trip = 0; trip < TRIPS; trip++) {
        struct sql_array texts;
        struct sql_args args;
        sql_array_init(&texts, arena, SQL_TEXT, TEXTS);
        for (int at = 0; at < TEXTS; at++) {
            letters[0] = (char)('a' + (trip + at) % 26);
            sql_array_add_text(&texts, (struct text){letters, sizeof letters});
        }
        sql_args_init(&args, arena);
        sql_add_array(&args, &texts);
        db_send(db, &ECHO_TEXTS, &args);
    }
    CHECK_EQ("one trip", db_run(db, &err), OK);
    for (int trip = 0; trip < TRIPS; trip++) {
        const struct sql_rows rows = db_rows(db, trip);
        CHECK_EQ("all of them", rows.count, TEXTS);
        for (int at = 0; at < TEXTS; at++) {
            const struct text value = sql_text(rows, at, 0);
            CHECK_EQ("whole", value.size, TEXT_SIZE);
            CHECK_EQ("in order", value.data[0], 'a' + (trip + at) % 26);
        }
    }
}

/* ---- scripts and waiting ------------------------------------------------------------------- */

static void test_db_run_script__all_or_nothing(void **state)
{
    (void)state;
    CHECK_EQ("two statements",
             db_run_script(db, "INSERT INTO spot VALUES (3); INSERT INTO spot VALUES (4)", &err),
             OK);
    CHECK_EQ("two statements", spots(), 4);
    CHECK_EQ("the second fails",
             db_run_script(db, "INSERT INTO spot VALUES (5); INSERT INTO spot VALUES (1)", &err),
             ERR_CONFLICT);
    CHECK_EQ("the second fails", spots(), 4);
    begin_with(db, &ADD_SPOT, 5);
    CHECK_EQ("in an open transaction", db_run_script(db, "INSERT INTO spot VALUES (6)", &err), OK);
    db_rollback(db);
    CHECK_EQ("undone with it", spots(), 4);
    begin_with(db, &ADD_SPOT, 5);
    CHECK_EQ("it fails there", db_run_script(db, "SELECT 1 / 0", &err), ERR_BROKEN);
    CHECK_EQ("the transaction has ended", run_id(&LOCK_SPOT, 1), OK);
    CHECK_EQ("the transaction has ended", spots(), 4);
}

static bool is_woken(int wait_ms)
{
    bool woken = false;
    if (db_wait(db, wait_ms, &woken, &err) != OK)
        fail_msg("waiting: %s", err.message);
    return woken;
}

static void test_db_wait__notifications(void **state)
{
    (void)state;
    CHECK_EQ("listening", db_listen(db, "test_bell", &err), OK);
    CHECK("silence", !is_woken(0));
    CHECK_EQ("another channel", db_notify(other, "test_other", &err), OK);
    CHECK("another channel", !is_woken(50));
    for (int times = 0; times < 3; times++)
        CHECK_EQ("our channel", db_notify(other, "test_bell", &err), OK);
    CHECK("our channel", is_woken(10000));
    while (is_woken(50)) /* the rest of the three, if they came apart */
        ;
    CHECK_EQ("while it does something else", db_notify(other, "test_bell", &err), OK);
    backend();
    CHECK("while it does something else", is_woken(10000));
}

static void test_db_wait__after_a_loss(void **state)
{
    (void)state;
    CHECK_EQ("listening", db_listen(db, "test_bell", &err), OK);
    end_backend(backend());
    bool woken = false;
    enum status status = OK;
    for (int tries = 0; status == OK && tries < 10; tries++)
        status = db_wait(db, 1000, &woken, &err);
    CHECK_EQ("the wait that finds it lost", status, ERR_DOWN);
    CHECK("a new connection: look, something may have been missed", is_woken(0));
    CHECK("then silence", !is_woken(0));
    CHECK_EQ("the bell", db_notify(other, "test_bell", &err), OK);
    CHECK("it listens again", is_woken(10000));
}

static void test_db_notify__after_a_loss(void **state)
{
    (void)state;
    CHECK_EQ("listening", db_listen(db, "test_bell", &err), OK);
    end_backend(backend());
    CHECK_EQ("over a new connection", db_notify(db, "test_bell", &err), OK);
    CHECK("heard by itself", is_woken(10000));
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, before_each, after_each)

int main(void)
{
    store_need_database();
    const struct CMUnitTest tests[] = {
        EACH(test_db_run__a_failed_statement_ends_the_transaction),
        EACH(test_db_run__nothing_after_a_failure),
        EACH(test_db_run__a_conflict_found_by_the_commit),
        EACH(test_db_run__commit_answered_by_rollback),
        EACH(test_db_run__a_lock_that_is_held),
        EACH(test_db_run__deadlock),
        EACH(test_db_run__values_of_another_type),
        EACH(test_db_connect__a_statement_that_cannot_be),
        EACH(test_db_run__lost_while_idle),
        EACH(test_db_run__lost_within_a_transaction),
        EACH(test_db_rollback__lost_within_a_transaction),
        EACH(test_db_run__lost_while_committing),
        EACH(test_db_run__a_commit_that_takes_too_long),
        EACH(test_db_run__deadline),
        EACH(test_db_run__megabytes_both_ways),
        EACH(test_db_run_script__all_or_nothing),
        EACH(test_db_wait__notifications),
        EACH(test_db_wait__after_a_loss),
        EACH(test_db_notify__after_a_loss),
    };
    return cmocka_run_group_tests_name("platform/postgres", tests, make_tables, NULL);
}
