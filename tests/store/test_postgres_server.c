/* What is the server's own fault, and not that of a statement: it lacks something, or fails where
 * no statement waits for an answer. */
#include "store.h"

#include "base/arena.h"

static const struct sql_statement ADD = {"test.add", "INSERT INTO spot (id) VALUES ($1)", 1};
/* What is checked, or ends its own session, when its SQL transaction is committed. */
static const struct sql_statement ADD_LATE = {"test.add_late",
                                              "INSERT INTO late_spot (id) VALUES ($1)", 1};
static const struct sql_statement ADD_FATAL = {"test.add_fatal",
                                               "INSERT INTO fatal_spot (id) VALUES ($1)", 1};
static const struct sql_statement FAIL_AS = {"test.fail_as", "SELECT fail_as($1)::text", 1};
static const struct sql_statement READ_BACKEND = {"test.read_backend", "SELECT pg_backend_pid()",
                                                  0};
static const struct sql_statement *const STATEMENTS[] = {&ADD,     &ADD_LATE,     &ADD_FATAL,
                                                         &FAIL_AS, &READ_BACKEND, NULL};

static struct arena *arena;
static struct db *db;
static struct error err;

static int make_tables(void **state)
{
    (void)state;
    store_sql("DROP TABLE IF EXISTS spot, late_spot, fatal_spot");
    store_sql("CREATE TABLE spot (id int PRIMARY KEY)");
    store_sql("CREATE TABLE late_spot (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    store_sql("CREATE TABLE fatal_spot (id int)");
    store_sql("CREATE OR REPLACE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS"
              " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'");
    store_sql("CREATE CONSTRAINT TRIGGER fatal AFTER INSERT ON fatal_spot"
              " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_session()");
    store_sql("CREATE OR REPLACE FUNCTION fail_as(code int) RETURNS void LANGUAGE plpgsql AS"
              " $$BEGIN RAISE 'as told' USING ERRCODE = code::text; END$$");
    return 0;
}

static int before_each(void **state)
{
    (void)state;
    struct db_config config = store_db("tallystick_owner", "public");
    config.statements[0] = STATEMENTS;
    db = db_new(&config);
    arena = arena_new(1024 * 1024);
    return 0;
}

static int after_each(void **state)
{
    (void)state;
    db_free(db);
    arena_free(arena);
    return 0;
}

static void send_number(const struct sql_statement *statement, int number)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i32(&args, number);
    db_send(db, statement, &args);
}

static enum status run_number(const struct sql_statement *statement, int number)
{
    send_number(statement, number);
    return db_run(db, &err);
}

/* The process that serves the connection: another one means another connection. */
static int backend(void)
{
    if (db_run_one(db, &READ_BACKEND, NULL, &err) != OK)
        fail_msg("asking for the backend: %s", err.message);
    return sql_i32(db_rows(db, 0), 0, 0);
}

/* Where no step is a COMMIT the sync commits, and its failure is no step's. */
static void test_db_run__a_failure_of_the_sync(void **state)
{
    (void)state;
    const int pid = backend();
    CHECK_EQ("the first", run_number(&ADD_LATE, 1), OK);
    CHECK_EQ("the same again", run_number(&ADD_LATE, 1), ERR_CONFLICT);
    CHECK("said so", strstr(err.message, "end of the trip") != NULL);
    CHECK_EQ("the first alone", store_sql("SELECT count(*) FROM late_spot"), 1);
    CHECK_EQ("the connection", backend(), pid);
    CHECK_EQ("the server ends in it", run_number(&ADD_FATAL, 1), ERR_DOWN);
    CHECK_EQ("nothing of it", store_sql("SELECT count(*) FROM fatal_spot"), 0);
    CHECK_EQ("a new connection", run_number(&ADD, 1), OK);
}

/* It is nobody's fault, nothing was done, and the session goes on. */
static void test_db_run__the_server_lacks_something(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int code;
        enum status then;
    } CASES[] = {
        {"no room on its disk", 53100, ERR_DOWN},
        {"no memory", 53200, ERR_DOWN},
        {"its disk fails", 58030, ERR_DOWN},
        {"a limit of the program's", 54000, ERR_BROKEN},
        {"a fault of the asker's", 22012, ERR_BROKEN},
    };
    const int64_t before = store_sql("SELECT count(*) FROM spot");
    const int pid = backend();
    for (size_t at = 0; at < COUNT(CASES); at++) {
        db_send_begin(db);
        send_number(&ADD, 2);
        send_number(&FAIL_AS, CASES[at].code);
        db_send_commit(db);
        CHECK_EQ(CASES[at].given, db_run(db, &err), CASES[at].then);
        CHECK_EQ(CASES[at].given, store_sql("SELECT count(*) FROM spot"), before);
        CHECK_EQ(CASES[at].given, backend(), pid);
    }
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, before_each, after_each)

int main(void)
{
    store_need_database();
    const struct CMUnitTest tests[] = {
        EACH(test_db_run__a_failure_of_the_sync),
        EACH(test_db_run__the_server_lacks_something),
    };
    return cmocka_run_group_tests_name("platform/postgres server", tests, make_tables, NULL);
}
