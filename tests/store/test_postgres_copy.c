/* Rows by COPY: every type and NULL, what is refused, what is lost, and that nothing of it stays.
 */
#include "store.h"

#include "base/arena.h"
#include "platform/postgres/sql_columns.h"

static const struct sql_statement COPY_SPOTS = {"test.copy_spots",
                                                "COPY spot (id) FROM STDIN (FORMAT binary)", 1};
static const struct sql_statement COPY_FATAL = {
    "test.copy_fatal", "COPY fatal_spot (id) FROM STDIN (FORMAT binary)", 1};
static const struct sql_statement COPY_ALL = {
    "test.copy_all",
    "COPY everything (b, i16, i32, i64, at, day, u, t, y) FROM STDIN (FORMAT binary)", 9};
static const struct sql_statement READ_ALL = {
    "test.read_all",
    "SELECT concat_ws('|', b, i16, i32, i64, at, day, u, t, y) FROM everything ORDER BY i64", 0};
static const struct sql_statement READ_BACKEND = {"test.read_backend", "SELECT pg_backend_pid()",
                                                  0};
static const struct sql_statement *const STATEMENTS[] = {&COPY_SPOTS, &COPY_FATAL,   &COPY_ALL,
                                                         &READ_ALL,   &READ_BACKEND, NULL};

static struct arena *arena;
static struct db *db;
static struct error err;

static int make_tables(void **state)
{
    (void)state;
    store_sql("DROP TABLE IF EXISTS spot, fatal_spot, everything");
    store_sql("CREATE TABLE spot (id int PRIMARY KEY)");
    store_sql("CREATE TABLE fatal_spot (id int)");
    store_sql("CREATE TABLE everything (b bool, i16 smallint, i32 int, i64 bigint, at timestamptz,"
              " day date, u uuid, t text, y bytea)");
    store_sql("CREATE OR REPLACE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS"
              " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END'");
    store_sql("CREATE TRIGGER fatal BEFORE INSERT ON fatal_spot"
              " FOR EACH ROW EXECUTE FUNCTION end_session()");
    return 0;
}

static int before_each(void **state)
{
    (void)state;
    store_sql("TRUNCATE spot, fatal_spot, everything");
    store_sql("INSERT INTO spot VALUES (1), (2)");
    struct db_config config = store_db("tallystick_owner", "public");
    config.statements[0] = STATEMENTS;
    arena = arena_new(64 * 1024 * 1024);
    db = db_new(&config);
    err = (struct error){.message = ""};
    return 0;
}

static int after_each(void **state)
{
    (void)state;
    db_free(db);
    arena_free(arena);
    return 0;
}

/* Queues numbers of [first, first + count). */
static void send_ids(const struct sql_statement *statement, int first, int count)
{
    struct sql_columns rows;
    SQL_COPY_INIT(&rows, arena, 1, SQL_I32);
    for (int id = first; id < first + count; id++)
        sql_columns_add_i64(&rows, id);
    sql_columns_send(&rows, db, statement);
}

static enum status run_in_transaction(void)
{
    db_send_commit(db);
    return db_run(db, &err);
}

static int64_t spots(void)
{
    return store_sql("SELECT count(*) FROM spot");
}

static void add_values(struct sql_columns *rows, int64_t time_us, const struct uuid *id)
{
    const struct sha256 hash = {.bytes = {0xab}};
    sql_columns_add_bool(rows, true);
    sql_columns_add_i64(rows, INT16_MIN);
    sql_columns_add_i64(rows, INT32_MAX);
    sql_columns_add_i64(rows, time_us);
    sql_columns_add_time(rows, time_us);
    sql_columns_add_i64(rows, time_us);
    sql_columns_add_uuid(rows, id);
    sql_columns_add_name(rows, "a\tb\\.");
    sql_columns_add_hash(rows, &hash);
}

static void test_copy__every_type(void **state)
{
    (void)state;
    const int64_t day_us = 86400LL * 1000000;
    struct sql_columns rows;
    struct uuid id = {.bytes = {0x10}};
    db_send_begin(db);
    SQL_COPY_INIT(&rows, arena, 1, SQL_BOOL, SQL_I16, SQL_I32, SQL_I64, SQL_TIME, SQL_DATE,
                  SQL_UUID, SQL_TEXT, SQL_BYTES);
    CHECK("before the first row", sql_columns_is_empty(&rows));
    add_values(&rows, -1, &id);
    add_values(&rows, 10957 * day_us - 1, &id);
    add_values(&rows, 20000 * day_us, &(struct uuid){{0}});
    CHECK("after the last row", !sql_columns_is_empty(&rows));
    sql_columns_send(&rows, db, &COPY_ALL);
    CHECK_EQ("copied", run_in_transaction(), OK);
    CHECK_EQ("rows", db_rows(db, 1).affected, 3);
    CHECK_EQ("read", db_run_one(db, &READ_ALL, NULL, &err), OK);
    static const char HASH[] =
        "\\xab00000000000000000000000000000000000000000000000000000000000000";
    const char *const WANTED[] = {
        "t|-32768|2147483647|-1|1969-12-31 23:59:59.999999+00|1969-12-31|"
        "10000000-0000-0000-0000-000000000000|a\tb\\.|",
        "t|-32768|2147483647|946684799999999|1999-12-31 23:59:59.999999+00|1999-12-31|"
        "10000000-0000-0000-0000-000000000000|a\tb\\.|",
        "t|-32768|2147483647|1728000000000000|2024-10-04 00:00:00+00|2024-10-04|a\tb\\.|",
    };
    for (int row = 0; row < 3; row++) {
        struct text_builder wanted;
        text_builder_init(&wanted, arena, 64);
        text_builder_add_c(&wanted, WANTED[row]);
        text_builder_add(&wanted, HASH, sizeof HASH); /* with its end */
        CHECK_TEXT("a row", sql_text(db_rows(db, 0), row, 0), wanted.data);
    }
}

/* Statements before, between and after are where they were queued. */
static void test_copy__among_others(void **state)
{
    (void)state;
    db_send_begin(db);
    db_send(db, &READ_BACKEND, NULL);
    send_ids(&COPY_SPOTS, 10, 5);
    send_ids(&COPY_SPOTS, 20, 2);
    db_send(db, &READ_BACKEND, NULL);
    CHECK_EQ("the trip", run_in_transaction(), OK);
    CHECK_EQ("the first COPY", db_rows(db, 2).affected, 5);
    CHECK_EQ("the second", db_rows(db, 3).affected, 2);
    CHECK_EQ("the same session", sql_i32(db_rows(db, 4), 0, 0), sql_i32(db_rows(db, 1), 0, 0));
    CHECK_EQ("all of it", spots(), 9);
}

/* More than the socket takes at once, and a row that is refused when all of it is under way. */
static void test_copy__many_rows(void **state)
{
    (void)state;
    db_send_begin(db);
    send_ids(&COPY_SPOTS, 10, 300000);
    CHECK_EQ("a third of a million", run_in_transaction(), OK);
    CHECK_EQ("all of it", spots(), 300002);
    db_send_begin(db);
    send_ids(&COPY_SPOTS, 300000, 300000);
    CHECK_EQ("its first rows are there", run_in_transaction(), ERR_CONFLICT);
    CHECK_EQ("nothing of it", spots(), 300002);
    db_send_begin(db);
    send_ids(&COPY_SPOTS, 400000, 1);
    CHECK_EQ("the connection goes on", run_in_transaction(), OK);
}

static void test_copy__a_key_that_is_there(void **state)
{
    (void)state;
    db_send_begin(db);
    send_ids(&COPY_SPOTS, 100, 3);
    send_ids(&COPY_SPOTS, 0, 5);
    send_ids(&COPY_SPOTS, 200, 3);
    CHECK_EQ("the second COPY", run_in_transaction(), ERR_CONFLICT);
    CHECK_TEXT("why", text_of(db_sqlstate(db)), "23505");
    CHECK_EQ("nothing of the trip", spots(), 2);
    send_ids(&COPY_SPOTS, 300, 1);
    CHECK_EQ("a commit of what was rolled back", run_in_transaction(), ERR_DOWN);
    CHECK_EQ("nothing", spots(), 2);
}

static void test_copy__values_of_another_type(void **state)
{
    (void)state;
    struct sql_columns rows;
    db_send_begin(db);
    SQL_COPY_INIT(&rows, arena, 1, SQL_I64);
    sql_columns_add_i64(&rows, 7);
    sql_columns_send(&rows, db, &COPY_SPOTS);
    CHECK_EQ("eight bytes for four", run_in_transaction(), ERR_BROKEN);
    CHECK_EQ("nothing", spots(), 2);
}

/* Before COMMIT was sent it is known that nothing was committed. */
static void test_copy__the_connection_lost(void **state)
{
    (void)state;
    db_send_begin(db);
    send_ids(&COPY_SPOTS, 10, 1);
    send_ids(&COPY_FATAL, 1, 1000);
    CHECK_EQ("the server ends in its COPY", run_in_transaction(), ERR_DOWN);
    CHECK_EQ("the status goes with the message", err.status, ERR_DOWN);
    CHECK_EQ("nothing of it", spots(), 2);
    db_send_begin(db);
    send_ids(&COPY_SPOTS, 10, 1);
    CHECK_EQ("over a new connection", run_in_transaction(), OK);
    CHECK_EQ("done once", spots(), 3);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, before_each, after_each)

int main(void)
{
    store_need_database();
    const struct CMUnitTest tests[] = {
        EACH(test_copy__every_type),
        EACH(test_copy__among_others),
        EACH(test_copy__many_rows),
        EACH(test_copy__a_key_that_is_there),
        EACH(test_copy__values_of_another_type),
        EACH(test_copy__the_connection_lost),
    };
    return cmocka_run_group_tests_name("platform/postgres copy", tests, make_tables, NULL);
}
