/* tallystick verify: what must always be true of the money, each promise one question to the
 * database (sql/verify_*.sql) whose answer lists what breaks it. All are asked in one snapshot, so
 * that what moves meanwhile breaks nothing. */
#include "base/arena.h"
#include "base/assert.h"
#include "domain/money.h"
#include "operator/operator.h"
#include "operator/operator_sql.h"
#include "operator/table.h"
#include "operator/tool.h"
#include "operator/verify/verify_report.h"

enum {
    ARENA_SIZE_MAX = 64 * 1024 * 1024,
    TIMEOUT_MS = 3600 * 1000,
    CODE_LETTERS = 26,
    UNSEEN_S = 60
};

struct verify_config {
    const char *database_url;
    const char *output;
    const char *only;
    const char *bus;
    int64_t unseen_s; /* below 0: as the bus needs it */
    bool list;
};

#define FIELD(field) offsetof(struct verify_config, field)

/* clang-format off */
const struct option VERIFY_OPTIONS[] = {
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "PostgreSQL, as a URI or key=value text. DATABASE_URL is read too."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What is found is printed as (short: -o).", "table|json"},
    {"only", OPT_TEXT, NULL, FIELD(only), "Checks this invariant alone."},
    {"bus", OPT_CHOICE, "postgres", FIELD(bus),
     "The event bus of the services; what is on one that is not PostgreSQL cannot be seen.",
     "postgres|kafka|sns-sqs"},
    {"unseen-s", OPT_INT, NULL, FIELD(unseen_s),
     "How long, in seconds, an event may be on such a bus: what was decided since then is not yet "
     "expected in the ledger. Default: 60, on PostgreSQL 0."},
    {"list", OPT_BOOL, "false", FIELD(list), "Lists the invariants and checks nothing."},
    {NULL},
};

static const struct tool VERIFY = {
    .name = "verify",
    .usage = "tallystick verify               checks everything; 3: something is wrong\n"
             "tallystick verify --only NAME   checks one invariant\n"
             "tallystick verify --list        lists them",
    .options = VERIFY_OPTIONS,
};

static const struct invariant {
    const char *name;
    const char *promise;
    const struct sql_statement *statement;
} INVARIANTS[] = {
    {"journals_balance", "every journal has entries, and they balance per currency and layer",
     SQL_VERIFY_JOURNALS_BALANCE},
    {"trial_balance", "all debits equal all credits, per currency and layer",
     SQL_VERIFY_TRIAL_BALANCE},
    {"balances_match_entries", "a stored balance is the sum of its entries",
     SQL_VERIFY_BALANCES_MATCH_ENTRIES},
    {"held_matches_open_authorizations", "an account holds what its open authorizations still hold",
     SQL_VERIFY_HELD_MATCHES_OPEN_AUTHORIZATIONS},
    {"available_not_negative", "available credit is never negative right after an approval",
     SQL_VERIFY_AVAILABLE_NOT_NEGATIVE},
    {"transaction_decided_once", "a transaction id is decided once per tenant, for ever",
     SQL_VERIFY_TRANSACTION_DECIDED_ONCE},
    {"keys_have_one_outcome", "an idempotency key has one outcome",
     SQL_VERIFY_KEYS_HAVE_ONE_OUTCOME},
    {"versions_match_changes", "a version is the number of recorded changes",
     SQL_VERIFY_VERSIONS_MATCH_CHANGES},
    {"events_applied_once", "each command is booked at most once, each journal has its command",
     SQL_VERIFY_EVENTS_APPLIED_ONCE},
    {"approved_is_booked_or_reversed",
     "every approval ends with its entries recorded, or reversed; no saga is lost",
     SQL_VERIFY_APPROVED_IS_BOOKED_OR_REVERSED},
    {"ledger_pending_matches_authorizations",
     "the ledger has pending what the authorizations hold",
     SQL_VERIFY_LEDGER_PENDING_MATCHES_AUTHORIZATIONS},
    {"chain_unbroken", "no journal and no entry was ever changed: the hash chains are whole",
     SQL_VERIFY_CHAIN_UNBROKEN},
    {"money_in_bounds", "every amount has a known currency and is within its bounds",
     SQL_VERIFY_MONEY_IN_BOUNDS},
    {"audit_unbroken", "no record of what an operator did was ever changed: its chain is whole",
     SQL_VERIFY_AUDIT_UNBROKEN},
    {"given_up_by_deed", "nothing is given up but by an operator's deed, and none without it",
     SQL_VERIFY_GIVEN_UP_BY_DEED},
};
/* clang-format on */

enum {
    INVARIANTS_COUNT = COUNT(INVARIANTS),
    OTHER_STATEMENTS = 3,
    STATEMENTS_MAX = OTHER_STATEMENTS + INVARIANTS_COUNT + 1, /* ends with NULL */
};

enum { ROW_WHAT, ROW_ID, ROW_DETAIL };

struct verify {
    const struct verify_config *config;
    struct arena *arena;
    struct db *db;
    struct verify_report report;
};

static bool is_wanted(const struct verify *verify, const struct invariant *invariant)
{
    return verify->config->only == NULL || strcmp(verify->config->only, invariant->name) == 0;
}

/* ---- asking -------------------------------------------------------------------------------- */

/* Every currency there is, by trying every code: the table is domain/money.c's alone. */
static void add_currencies(struct arena *arena, struct sql_args *args)
{
    struct sql_array codes;
    sql_array_init(&codes, arena, SQL_TEXT, 200);
    for (int number = 0; number < CODE_LETTERS * CODE_LETTERS * CODE_LETTERS; number++) {
        const char code[] = {(char)('A' + number / (CODE_LETTERS * CODE_LETTERS)),
                             (char)('A' + number / CODE_LETTERS % CODE_LETTERS),
                             (char)('A' + number % CODE_LETTERS)};
        const struct currency *currency = currency_find((struct text){code, sizeof code});
        if (currency != NULL)
            sql_array_add_text(&codes, text_of(currency->code));
    }
    sql_add_array(args, &codes);
}

static void add_rows(const struct verify *verify, struct sql_rows rows,
                     struct verify_finding *finding)
{
    finding->violations = rows.count;
    finding->shown = rows.count < VERIFY_ROWS_SHOWN ? rows.count : VERIFY_ROWS_SHOWN;
    for (int at = 0; at < finding->shown; at++)
        finding->rows[at] = (struct verify_row){
            .what = text_copy(verify->arena, sql_text(rows, at, ROW_WHAT)),
            .id = text_copy(verify->arena, sql_text(rows, at, ROW_ID)),
            .detail = text_copy(verify->arena, sql_text(rows, at, ROW_DETAIL)),
        };
}

static int64_t unseen_s(const struct verify_config *config)
{
    if (config->unseen_s >= 0)
        return config->unseen_s;
    return strcmp(config->bus, "postgres") == 0 ? 0 : UNSEEN_S;
}

static enum status check(struct verify *verify, const struct invariant *invariant,
                         struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, verify->arena);
    if (invariant->statement == SQL_VERIFY_MONEY_IN_BOUNDS) {
        add_currencies(verify->arena, &args);
        sql_add_i64(&args, AMOUNT_MINOR_CAP);
    }
    if (invariant->statement == SQL_VERIFY_APPROVED_IS_BOOKED_OR_REVERSED ||
        invariant->statement == SQL_VERIFY_LEDGER_PENDING_MATCHES_AUTHORIZATIONS)
        sql_add_i64(&args, unseen_s(verify->config));
    TRY(db_run_one(verify->db, invariant->statement, &args, err));
    struct verify_finding *finding = &verify->report.findings[verify->report.count++];
    finding->name = invariant->name;
    finding->promise = invariant->promise;
    add_rows(verify, db_rows(verify->db, 0), finding);
    return OK;
}

static enum status count_open_work(struct verify *verify, struct error *err)
{
    TRY(db_run_one(verify->db, SQL_COUNT_OPEN_WORK, NULL, err));
    const struct sql_rows rows = db_rows(verify->db, 0);
    verify->report.open_sagas = sql_i64(rows, 0, COUNT_OPEN_WORK_OPEN_SAGAS);
    verify->report.stuck_sagas = sql_i64(rows, 0, COUNT_OPEN_WORK_STUCK_SAGAS);
    verify->report.parked_messages = sql_i64(rows, 0, COUNT_OPEN_WORK_PARKED_MESSAGES);
    verify->report.dead_letters = sql_i64(rows, 0, COUNT_OPEN_WORK_DEAD_LETTERS);
    verify->report.abandoned_sagas = sql_i64(rows, 0, COUNT_OPEN_WORK_ABANDONED_SAGAS);
    verify->report.discarded = sql_i64(rows, 0, COUNT_OPEN_WORK_DISCARDED);
    return OK;
}

static enum status check_all(struct verify *verify, struct error *err)
{
    db_send_begin(verify->db);
    db_send(verify->db, SQL_TAKE_SNAPSHOT, NULL);
    db_send(verify->db, SQL_READ_WHOLE_TABLES, NULL);
    TRY(db_run(verify->db, err));
    for (size_t at = 0; at < INVARIANTS_COUNT; at++) {
        if (!is_wanted(verify, &INVARIANTS[at]))
            continue;
        verify_progress(at, INVARIANTS_COUNT, INVARIANTS[at].name);
        TRY(check(verify, &INVARIANTS[at], err));
    }
    verify_progress(INVARIANTS_COUNT, INVARIANTS_COUNT, "");
    return count_open_work(verify, err);
}

/* ---- the command --------------------------------------------------------------------------- */

static int print_list(const struct verify *verify)
{
    static const char *const COLUMNS[] = {"invariant", "promise", NULL};
    struct table table;
    table_init(&table, verify->arena, COLUMNS);
    for (size_t at = 0; at < INVARIANTS_COUNT; at++) {
        struct text *cells = table_add(&table);
        cells[0] = text_of(INVARIANTS[at].name);
        cells[1] = text_of(INVARIANTS[at].promise);
    }
    table_print(&table, verify->config->output);
    return TOOL_DONE;
}

static int run(struct verify *verify)
{
    bool is_known = false;
    for (size_t at = 0; at < INVARIANTS_COUNT; at++)
        is_known = is_known || is_wanted(verify, &INVARIANTS[at]);
    if (!is_known)
        return tool_complain(&VERIFY, "'%s' is no invariant; see: tallystick verify --list",
                             verify->config->only);
    if (verify->config->list)
        return print_list(verify);
    if (verify->config->database_url == NULL)
        return tool_complain(&VERIFY, "TALLYSTICK_DATABASE_URL is required");
    struct error err;
    if (check_all(verify, &err) != OK)
        return tool_fail(&VERIFY, &err);
    verify_report_print(&verify->report, verify->config->output);
    for (size_t at = 0; at < verify->report.count; at++)
        if (verify->report.findings[at].violations > 0)
            return TOOL_VIOLATION;
    return TOOL_DONE;
}

int verify_main(int argc, char **argv)
{
    struct verify_config config = {.unseen_s = -1};
    const struct sql_statement *statements[STATEMENTS_MAX] = {
        SQL_TAKE_SNAPSHOT, SQL_READ_WHOLE_TABLES, SQL_COUNT_OPEN_WORK};
    int code = TOOL_DONE;
    if (!tool_start(&VERIFY, &config, &argc, argv, &code))
        return code;
    if (argc != 1)
        return tool_complain(&VERIFY, "'%s' is not expected", argv[1]);
    for (size_t at = 0; at < INVARIANTS_COUNT; at++)
        statements[OTHER_STATEMENTS + at] = INVARIANTS[at].statement;
    struct verify verify = {
        .config = &config,
        .arena = arena_new(ARENA_SIZE_MAX),
        .db = tool_open_db(config.database_url, statements, TIMEOUT_MS),
    };
    verify.report.arena = verify.arena;
    verify.report.findings = ARENA_NEW_ARRAY(verify.arena, struct verify_finding, INVARIANTS_COUNT);
    code = run(&verify);
    db_free(verify.db);
    arena_free(verify.arena);
    return code;
}
