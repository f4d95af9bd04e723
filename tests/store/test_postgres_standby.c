/* What a connection makes of two servers: a COMMIT whose wait for the standby was ended, and a
 * server that takes no writes. */
#include "store.h"

#include "platform/postgres/postgres.h"

static const struct sql_statement ADD_SPOT = {"test.add_spot", "INSERT INTO spot VALUES (1)", 0};
/* Its COMMIT comes with a warning, as PostgreSQL's does when a wait is ended. */
static const struct sql_statement ADD_WARNING = {"test.add_warning",
                                                 "INSERT INTO warning_spot VALUES (1)", 0};
static const struct sql_statement WARN = {"test.warn", "SELECT warn()::text", 0};
static const struct sql_statement READ_BACKEND = {"test.read_backend", "SELECT pg_backend_pid()",
                                                  0};

static const struct sql_statement *const STATEMENTS[] = {&ADD_SPOT, &ADD_WARNING, &WARN,
                                                         &READ_BACKEND, NULL};

static struct db *db;
static struct error err;

static int make_tables(void **state)
{
    (void)state;
    store_sql("CREATE TABLE spot (id int)");
    store_sql("CREATE TABLE warning_spot (id int)");
    store_sql("CREATE FUNCTION warn() RETURNS void LANGUAGE plpgsql AS"
              " $$BEGIN RAISE WARNING 'not so loud'; END$$");
    store_sql("CREATE FUNCTION warn_late() RETURNS trigger LANGUAGE plpgsql AS"
              " 'BEGIN PERFORM warn(); RETURN NULL; END'");
    store_sql("CREATE CONSTRAINT TRIGGER warning AFTER INSERT ON warning_spot"
              " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION warn_late()");
    return 0;
}

static int before_each(void **state)
{
    (void)state;
    store_sql("TRUNCATE spot, warning_spot");
    struct db_config config = store_db("tallystick_owner", "public");
    config.statements[0] = STATEMENTS;
    db = db_new(&config);
    return 0;
}

static int after_each(void **state)
{
    (void)state;
    db_free(db);
    return 0;
}

static int backend(void)
{
    if (db_run_one(db, &READ_BACKEND, NULL, &err) != OK)
        fail_msg("asking for the backend: %s", err.message);
    return sql_i32(db_rows(db, 0), 0, 0);
}

static enum status run_in_transaction(const struct sql_statement *statement)
{
    db_send_begin(db);
    db_send(db, statement, NULL);
    db_send_commit(db);
    return db_run(db, &err);
}

static void test_db_run__a_commit_with_a_warning(void **state)
{
    (void)state;
    const int pid = backend();
    CHECK_EQ("the commit", run_in_transaction(&ADD_WARNING), ERR_UNKNOWN);
    CHECK_EQ("the status goes with the message", err.status, ERR_UNKNOWN);
    CHECK_EQ("it has happened", store_sql("SELECT count(*) FROM warning_spot"), 1);
    CHECK_EQ("the connection stays", backend(), pid);
    CHECK_EQ("a warning before the commit", run_in_transaction(&WARN), OK);
    CHECK_EQ("the next one", run_in_transaction(&ADD_SPOT), OK);
}

/* A standby stays one for as long as somebody holds on to it. */
static void test_db_run__a_server_that_takes_no_writes(void **state)
{
    (void)state;
    const int pid = backend();
    const char set[] = "SET default_transaction_read_only = on";
    CHECK_EQ("as a standby is", db_run_script(db, set, &err), OK);
    CHECK_EQ("a write", db_run_one(db, &ADD_SPOT, NULL, &err), ERR_DOWN);
    CHECK_EQ("another", db_run_one(db, &ADD_SPOT, NULL, &err), OK);
    CHECK("over another connection", backend() != pid);
    CHECK_EQ("done once", store_sql("SELECT count(*) FROM spot"), 1);
}

/* A server that takes none from anybody is not connected to, whatever else it would answer. */
static void test_db_connect__a_server_that_takes_no_writes(void **state)
{
    (void)state;
    store_sql("DO $$BEGIN EXECUTE format('ALTER ROLE tallystick_outbox IN DATABASE %%I"
              " SET default_transaction_read_only = on', current_database()); END$$");
    struct db_config config = store_db("tallystick_outbox", "public");
    struct db *of_outbox = db_new(&config);
    CHECK_EQ("connecting", db_connect(of_outbox, &err), ERR_DOWN);
    CHECK("what is said", strstr(err.message, "session is read-only") != NULL);
    db_free(of_outbox);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, before_each, after_each)

int main(void)
{
    store_need_database();
    const struct CMUnitTest tests[] = {
        EACH(test_db_run__a_commit_with_a_warning),
        EACH(test_db_run__a_server_that_takes_no_writes),
        EACH(test_db_connect__a_server_that_takes_no_writes),
    };
    return cmocka_run_group_tests_name("platform/postgres two servers", tests, make_tables, NULL);
}
