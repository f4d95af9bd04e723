/* tallystick outbox status: what waits to be published, and what holds it up. */
#include "base/arena.h"
#include "operator/operator.h"
#include "operator/operator_sql.h"
#include "operator/table.h"
#include "operator/tool.h"

enum { ARENA_SIZE_MAX = 16 * 1024 * 1024, TIMEOUT_MS = 60000, LANES_MAX = 3 * 64 };

struct outboxes_config {
    const char *database_url;
    const char *output;
    bool lanes;
};

#define FIELD(field) offsetof(struct outboxes_config, field)

/* clang-format off */
const struct option OUTBOX_STATUS_OPTIONS[] = {
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "PostgreSQL, as a URI or key=value text. DATABASE_URL is read too. Required."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What is found is printed as (short: -o).", "table|json"},
    {"lanes", OPT_BOOL, "false", FIELD(lanes),
     "Lane by lane, the longest waiting first: an event that cannot be published holds up its "
     "lane alone."},
    {NULL},
};
/* clang-format on */

static const struct tool OUTBOX = {
    .name = "outbox",
    .usage = "tallystick outbox status           what waits in each service's outbox\n"
             "tallystick outbox status --lanes   the same by lane, with the first event of each\n"
             "Without a word it is the service: tallystick outbox --help.",
    .options = OUTBOX_STATUS_OPTIONS,
};

static const struct sql_statement *const STATEMENTS[] = {
    SQL_READ_OUTBOXES,
    SQL_LIST_OUTBOX_LANES,
    NULL,
};

struct outboxes {
    const struct outboxes_config *config;
    struct arena *arena;
    struct db *db;
};

static struct text id_or_none(const struct outboxes *outboxes, struct sql_rows rows, int row,
                              int column)
{
    if (sql_is_null(rows, row, column))
        return TEXT_NONE;
    const struct uuid id = sql_uuid(rows, row, column);
    return uuid_to_text(outboxes->arena, &id);
}

static struct text number(const struct outboxes *outboxes, struct sql_rows rows, int row,
                          int column)
{
    if (sql_is_null(rows, row, column))
        return TEXT_NONE;
    return text_format(outboxes->arena, "%lld", (long long)sql_i64(rows, row, column));
}

static enum status print_outboxes(const struct outboxes *outboxes, struct error *err)
{
    static const char *const COLUMNS[] = {"outbox", "events",     "lanes",    "oldest_at",
                                          "age_s",  "first_type", "first_id", NULL};
    struct table table;
    TRY(db_run_one(outboxes->db, SQL_READ_OUTBOXES, NULL, err));
    const struct sql_rows rows = db_rows(outboxes->db, 0);
    table_init(&table, outboxes->arena, COLUMNS);
    for (int row = 0; row < rows.count; row++) {
        struct text *cells = table_add(&table);
        cells[0] = sql_text(rows, row, READ_OUTBOXES_OUTBOX);
        cells[1] = number(outboxes, rows, row, READ_OUTBOXES_EVENTS);
        cells[2] = number(outboxes, rows, row, READ_OUTBOXES_LANES);
        cells[3] = sql_text(rows, row, READ_OUTBOXES_OLDEST_AT);
        cells[4] = number(outboxes, rows, row, READ_OUTBOXES_AGE_S);
        cells[5] = sql_text(rows, row, READ_OUTBOXES_FIRST_TYPE);
        cells[6] = id_or_none(outboxes, rows, row, READ_OUTBOXES_FIRST_ID);
    }
    table_print(&table, outboxes->config->output);
    return OK;
}

static enum status print_lanes(const struct outboxes *outboxes, struct error *err)
{
    static const char *const COLUMNS[] = {"outbox", "lane",       "events",   "oldest_at",
                                          "age_s",  "first_type", "first_id", NULL};
    struct table table;
    struct sql_args args;
    sql_args_init(&args, outboxes->arena);
    sql_add_i64(&args, LANES_MAX);
    TRY(db_run_one(outboxes->db, SQL_LIST_OUTBOX_LANES, &args, err));
    const struct sql_rows rows = db_rows(outboxes->db, 0);
    table_init(&table, outboxes->arena, COLUMNS);
    for (int row = 0; row < rows.count; row++) {
        struct text *cells = table_add(&table);
        cells[0] = sql_text(rows, row, LIST_OUTBOX_LANES_OUTBOX);
        cells[1] = text_format(outboxes->arena, "%d", sql_i16(rows, row, LIST_OUTBOX_LANES_LANE));
        cells[2] = number(outboxes, rows, row, LIST_OUTBOX_LANES_EVENTS);
        cells[3] = sql_text(rows, row, LIST_OUTBOX_LANES_OLDEST_AT);
        cells[4] = number(outboxes, rows, row, LIST_OUTBOX_LANES_AGE_S);
        cells[5] = sql_text(rows, row, LIST_OUTBOX_LANES_FIRST_TYPE);
        cells[6] = id_or_none(outboxes, rows, row, LIST_OUTBOX_LANES_FIRST_ID);
    }
    table_print(&table, outboxes->config->output);
    return OK;
}

int outbox_status_main(int argc, char **argv)
{
    struct outboxes_config config = {.lanes = false};
    struct error err;
    int code = TOOL_DONE;
    if (!tool_start(&OUTBOX, &config, &argc, argv, &code))
        return code;
    if (argc != 2 || strcmp(argv[1], "status") != 0)
        return tool_complain(&OUTBOX, "status is expected");
    const struct outboxes outboxes = {
        .config = &config,
        .arena = arena_new(ARENA_SIZE_MAX),
        .db = tool_open_db(config.database_url, STATEMENTS, TIMEOUT_MS),
    };
    const enum status status =
        config.lanes ? print_lanes(&outboxes, &err) : print_outboxes(&outboxes, &err);
    if (status != OK)
        code = tool_fail(&OUTBOX, &err);
    db_free(outboxes.db);
    arena_free(outboxes.arena);
    return code;
}
