/* One connection against a real PostgreSQL: what its failures are called. */
#include "store.h"

static const struct sql_statement SLOW = {"test.sleep", "SELECT pg_sleep(20)", 0};
static const struct sql_statement QUICK = {"test.answer", "SELECT 42::bigint", 0};
static const struct sql_statement BREAKS = {"test.divide", "SELECT 1 / 0", 0};
static const struct sql_statement TAKEN = {"test.raise",
                                           "DO $$ BEGIN RAISE unique_violation; END $$", 0};
static const struct sql_statement *const STATEMENTS[] = {&SLOW, &QUICK, &BREAKS, &TAKEN, NULL};

/* A failure with a known outcome leaves the connection as good as new. */
static void test_db_run__failures(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const struct sql_statement *statement;
        bool commits;
        enum status status;
        const char *sqlstate;
    } CASES[] = {
        {"a statement that takes too long", &SLOW, false, ERR_CONFLICT, "57014"},
        {"one before a commit", &SLOW, true, ERR_CONFLICT, "57014"},
        {"a key that was taken", &TAKEN, true, ERR_CONFLICT, "23505"},
        {"a fault", &BREAKS, true, ERR_BROKEN, "22012"},
    };
    struct db_config config = store_db("tallystick_ledger", "ledger");
    config.statements[0] = STATEMENTS;
    config.timeout_ms = 1000;
    struct db *db = db_new(&config);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct error err;
        db_send_begin(db);
        db_send(db, CASES[at].statement, NULL);
        if (CASES[at].commits)
            db_send_commit(db);
        CHECK_EQ(CASES[at].given, db_run(db, &err), CASES[at].status);
        CHECK_TEXT(CASES[at].given, text_of(db_sqlstate(db)), CASES[at].sqlstate);
        CHECK_EQ(CASES[at].given, db_run_one(db, &QUICK, NULL, &err), OK);
        CHECK_EQ(CASES[at].given, sql_i64(db_rows(db, 0), 0, 0), 42);
    }
    db_free(db);
}

int main(void)
{
    store_need_database();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_db_run__failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
