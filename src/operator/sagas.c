/* tallystick saga ls, show: where the business transactions stand. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "operator/operator.h"
#include "operator/operator_sql.h"
#include "operator/table.h"
#include "operator/tool.h"

#include <stdio.h>

enum { ARENA_SIZE_MAX = 64 * 1024 * 1024, TIMEOUT_MS = 60000, LIMIT_MAX = 100000 };

struct saga_list_config {
    const char *database_url;
    const char *output;
    const char *state;
    int64_t limit;
};

#define FIELD(field) offsetof(struct saga_list_config, field)

/* clang-format off */
const struct option SAGA_LIST_OPTIONS[] = {
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "PostgreSQL, as a URI or key=value text. DATABASE_URL is read too. Required."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What is found is printed as (short: -o).", "table|json"},
    {"state", OPT_CHOICE, NULL, FIELD(state), "ls: only sagas in this state.",
     "started|running|completed|compensating|compensated|stuck|abandoned"},
    {"limit", OPT_INT, "50", FIELD(limit), "ls: at most so many sagas, the newest."},
    {NULL},
};
/* clang-format on */

static const struct tool SAGA = {
    .name = "saga",
    .usage = "tallystick saga ls [--state STATE] [--limit N]   lists sagas, newest first\n"
             "tallystick saga show ID                          prints a saga and its steps",
    .options = SAGA_LIST_OPTIONS,
};

static const struct sql_statement *const STATEMENTS[] = {
    SQL_LIST_SAGAS,
    SQL_FIND_SAGA,
    SQL_LIST_SAGA_STEPS,
    NULL,
};

struct sagas {
    const struct saga_list_config *config;
    struct arena *arena;
    struct db *db;
};

static enum status list(const struct sagas *sagas, struct error *err)
{
    static const char *const COLUMNS[] = {
        "id",      "type",  "state",      "step",       "authorization_id",
        "user_id", "tries", "started_at", "updated_at", NULL};
    struct sql_args args;
    struct table table;
    sql_args_init(&args, sagas->arena);
    sql_add_text(&args, text_of(sagas->config->state));
    sql_add_i64(&args, sagas->config->limit);
    TRY(db_run_one(sagas->db, SQL_LIST_SAGAS, &args, err));
    const struct sql_rows rows = db_rows(sagas->db, 0);
    table_init(&table, sagas->arena, COLUMNS);
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, LIST_SAGAS_ID);
        const struct uuid authorization_id = sql_uuid(rows, row, LIST_SAGAS_AUTHORIZATION_ID);
        struct text *cells = table_add(&table);
        for (int column = LIST_SAGAS_TYPE; column <= LIST_SAGAS_UPDATED_AT; column++)
            cells[column] = sql_text(rows, row, column);
        cells[LIST_SAGAS_ID] = uuid_to_text(sagas->arena, &id);
        cells[LIST_SAGAS_AUTHORIZATION_ID] = uuid_to_text(sagas->arena, &authorization_id);
    }
    table_print(&table, sagas->config->output);
    return OK;
}

static void print_saga(const struct sagas *sagas, struct sql_rows rows)
{
    static const char *const COLUMNS[] = {"field", "value", NULL};
    struct table table;
    table_init(&table, sagas->arena, COLUMNS);
    for (int row = 0; row < rows.count; row++) {
        struct text *cells = table_add(&table);
        cells[0] = sql_text(rows, row, FIND_SAGA_FIELD);
        cells[1] = sql_text(rows, row, FIND_SAGA_VALUE);
    }
    table_print(&table, sagas->config->output);
}

static void print_steps(const struct sagas *sagas, struct sql_rows rows)
{
    static const char *const COLUMNS[] = {
        "step", "op", "state", "tries", "command_id", "started_at", "finished_at", "reason", NULL};
    struct table table;
    table_init(&table, sagas->arena, COLUMNS);
    for (int row = 0; row < rows.count; row++) {
        struct text *cells = table_add(&table);
        for (int column = LIST_SAGA_STEPS_STEP; column <= LIST_SAGA_STEPS_REASON; column++)
            cells[column] = sql_text(rows, row, column);
    }
    table_print(&table, sagas->config->output);
}

static enum status show(const struct sagas *sagas, const char *id_text, struct error *err)
{
    struct uuid id;
    struct sql_args args;
    if (!uuid_parse(text_of(id_text), &id))
        return error_set(err, ERR_INVALID, "'%s' is not a saga's id; see: tallystick saga ls",
                         id_text);
    sql_args_init(&args, sagas->arena);
    sql_add_uuid(&args, &id);
    db_send(sagas->db, SQL_FIND_SAGA, &args);
    db_send(sagas->db, SQL_LIST_SAGA_STEPS, &args);
    TRY(db_run(sagas->db, err));
    if (db_rows(sagas->db, 0).count == 0)
        return error_set(err, ERR_NOT_FOUND, "there is no saga '%s'", id_text);
    const bool is_json = strcmp(sagas->config->output, "json") == 0;
    printf("%s", is_json ? "{\"saga\":" : "");
    print_saga(sagas, db_rows(sagas->db, 0));
    printf("%s", is_json ? ",\"steps\":" : "\n");
    print_steps(sagas, db_rows(sagas->db, 1));
    printf("%s", is_json ? "}\n" : "");
    return OK;
}

static int run(const struct sagas *sagas, int argc, char **argv)
{
    struct error err;
    enum status status = OK;
    if (sagas->config->limit > LIMIT_MAX)
        return tool_complain(&SAGA, "--limit is at most %d", LIMIT_MAX);
    if (argc == 2 && strcmp(argv[1], "ls") == 0)
        status = list(sagas, &err);
    else if (argc == 3 && strcmp(argv[1], "show") == 0)
        status = show(sagas, argv[2], &err);
    else
        return tool_complain(&SAGA, "one of ls, show ID is expected");
    return status == OK ? TOOL_DONE : tool_fail(&SAGA, &err);
}

int saga_list_main(int argc, char **argv)
{
    struct saga_list_config config = {0};
    int code = TOOL_DONE;
    if (!tool_start(&SAGA, &config, &argc, argv, &code))
        return code;
    const struct sagas sagas = {
        .config = &config,
        .arena = arena_new(ARENA_SIZE_MAX),
        .db = tool_open_db(config.database_url, STATEMENTS, TIMEOUT_MS),
    };
    code = run(&sagas, argc, argv);
    db_free(sagas.db);
    arena_free(sagas.arena);
    return code;
}
