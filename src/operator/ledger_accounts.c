/* tallystick ledger account: the ledger's own accounts. Their status is the ledger's alone: a
 * frozen one refuses to be booked on, and the saga then gives the credit back. */
#include "base/arena.h"
#include "base/assert.h"
#include "domain/lane.h"
#include "domain/money.h"
#include "operator/deed.h"
#include "operator/operator.h"
#include "operator/operator_sql.h"
#include "operator/table.h"
#include "operator/tool.h"

enum { ARENA_SIZE_MAX = 1024 * 1024, TIMEOUT_MS = 30000 };

struct ledger_account_config {
    const char *database_url;
    const char *output;
    const char *reason;
    const char *by;
};

#define TENANT TEXT("default") /* the only one, until tenants come */

#define FIELD(field) offsetof(struct ledger_account_config, field)

/* clang-format off */
const struct option LEDGER_ACCOUNT_OPTIONS[] = {
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "PostgreSQL, as a URI or key=value text. DATABASE_URL is read too. Required."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What is found is printed as (short: -o).", "table|json"},
    {"reason", OPT_TEXT, NULL, FIELD(reason),
     "freeze, close, open: why, for the record; up to 500 bytes."},
    {"by", OPT_TEXT, NULL, FIELD(by),
     "freeze, close, open: on whose behalf, for the record; the system's user unless told."},
    {NULL},
};
/* clang-format on */

static const struct tool LEDGER_ACCOUNT = {
    .name = "ledger account",
    .usage = "tallystick ledger account show USER     prints the ledger's account of a user\n"
             "tallystick ledger account freeze USER   the ledger refuses to book on it\n"
             "tallystick ledger account close USER    the same, for good\n"
             "tallystick ledger account open USER     the ledger books on it again\n"
             "The last three take --reason TEXT and --by NAME.",
    .options = LEDGER_ACCOUNT_OPTIONS,
};

static const struct sql_statement *const STATEMENTS[] = {
    SQL_FIND_LEDGER_ACCOUNT,
    SQL_SET_LEDGER_ACCOUNT_STATUS,
    NULL,
};

static const struct {
    const char *verb;
    const char *status;
} VERBS[] = {
    {"freeze", "frozen"},
    {"close", "closed"},
    {"open", "open"},
};

struct ledger_accounts {
    const struct ledger_account_config *config;
    struct arena *arena;
    struct db *db;
    const char *user;
    struct uuid id;
    struct deed_words words;
};

static const char *status_of_verb(const char *verb)
{
    for (size_t at = 0; at < COUNT(VERBS); at++)
        if (strcmp(verb, VERBS[at].verb) == 0)
            return VERBS[at].status;
    return NULL;
}

static void add_account(const struct ledger_accounts *accounts, struct sql_args *args)
{
    sql_args_init(args, accounts->arena);
    sql_add_i16(args, lane_of(&accounts->id));
    sql_add_uuid(args, &accounts->id);
}

static enum status refuse_absent(const struct ledger_accounts *accounts, struct error *err)
{
    return error_set(err, ERR_NOT_FOUND,
                     "user '%s' has no account in the ledger yet: the first hold opens it",
                     accounts->user);
}

static struct text amount(const struct ledger_accounts *accounts, int64_t minor,
                          const struct currency *currency)
{
    char text[MONEY_TEXT_SIZE + 1];
    return text_copy(accounts->arena, money_format(minor, currency->exponent, text));
}

static enum status show(const struct ledger_accounts *accounts, struct error *err)
{
    static const char *const COLUMNS[] = {"user_id", "account_id", "code",   "currency",
                                          "status",  "pending",    "posted", NULL};
    struct sql_args args;
    struct table table;
    add_account(accounts, &args);
    TRY(db_run_one(accounts->db, SQL_FIND_LEDGER_ACCOUNT, &args, err));
    const struct sql_rows rows = db_rows(accounts->db, 0);
    if (rows.count == 0)
        return refuse_absent(accounts, err);
    const struct text code = sql_text(rows, 0, FIND_LEDGER_ACCOUNT_CURRENCY);
    const struct currency *currency = currency_find(code);
    if (currency == NULL)
        return error_set(err, ERR_BROKEN, "the account has an unknown currency, '%.*s'",
                         TEXT_ARGS(code));
    table_init(&table, accounts->arena, COLUMNS);
    struct text *cells = table_add(&table);
    cells[0] = text_of(accounts->user);
    cells[1] = uuid_to_text(accounts->arena, &accounts->id);
    cells[2] = sql_text(rows, 0, FIND_LEDGER_ACCOUNT_CODE);
    cells[3] = code;
    cells[4] = sql_text(rows, 0, FIND_LEDGER_ACCOUNT_STATUS);
    cells[5] = amount(accounts, sql_i64(rows, 0, FIND_LEDGER_ACCOUNT_PENDING_MINOR), currency);
    cells[6] = amount(accounts, sql_i64(rows, 0, FIND_LEDGER_ACCOUNT_POSTED_MINOR), currency);
    table_print(&table, accounts->config->output);
    return OK;
}

static enum status set_status(const struct ledger_accounts *accounts, const char *status,
                              struct error *err)
{
    struct sql_args args;
    add_account(accounts, &args);
    sql_add_text(&args, text_of(status));
    deed_add(&accounts->words, &args);
    TRY(db_run_one(accounts->db, SQL_SET_LEDGER_ACCOUNT_STATUS, &args, err));
    if (text_equals_c(sql_text(db_rows(accounts->db, 0), 0, SET_LEDGER_ACCOUNT_STATUS_OUTCOME),
                      "absent"))
        return refuse_absent(accounts, err);
    tool_say(&LEDGER_ACCOUNT, "the ledger's account of user '%s' is now %s", accounts->user,
             status);
    return OK;
}

int ledger_account_main(int argc, char **argv)
{
    struct ledger_account_config config = {0};
    int code = TOOL_DONE;
    if (!tool_start(&LEDGER_ACCOUNT, &config, &argc, argv, &code))
        return code;
    if (argc != 4 || strcmp(argv[1], "account") != 0)
        return tool_complain(&LEDGER_ACCOUNT,
                             "account show, freeze, close or open USER is expected");
    const char *const status = status_of_verb(argv[2]);
    if (status == NULL && strcmp(argv[2], "show") != 0)
        return tool_complain(&LEDGER_ACCOUNT, "'%s' is none of show, freeze, close, open", argv[2]);
    struct ledger_accounts accounts = {
        .config = &config,
        .arena = arena_new(ARENA_SIZE_MAX),
        .db = tool_open_db(config.database_url, STATEMENTS, TIMEOUT_MS),
        .user = argv[3],
        .id = account_id_of(TENANT, text_of(argv[3])),
    };
    code = deed_begin(&LEDGER_ACCOUNT, accounts.arena, config.reason, config.by, &accounts.words);
    struct error err;
    enum status done = OK;
    if (code == TOOL_DONE)
        done = status == NULL ? show(&accounts, &err) : set_status(&accounts, status, &err);
    if (done != OK)
        code = tool_fail(&LEDGER_ACCOUNT, &err);
    db_free(accounts.db);
    arena_free(accounts.arena);
    return code;
}
