/* tallystick parked ls, release: keys whose first message could not be applied, over all services,
 * and having one tried at once when its cause is gone. */
#include "base/arena.h"
#include "domain/lane.h"
#include "operator/deed.h"
#include "operator/operator.h"
#include "operator/operator_sql.h"
#include "operator/room_dbs.h"
#include "operator/table.h"
#include "operator/tool.h"
#include "platform/bus/message.h"

enum {
    ARENA_SIZE_MAX = 64 * 1024 * 1024,
    TIMEOUT_MS = 60000,
};

#define TENANT TEXT("default") /* the only one, until tenants come */

struct parked_config {
    const char *database_url;
    const char *output;
    const char *group;
    const char *user;
    const char *reason;
    const char *by;
    bool all;
    bool dry_run;
};

#define FIELD(field) offsetof(struct parked_config, field)

/* clang-format off */
const struct option PARKED_OPTIONS[] = {
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "PostgreSQL, as a URI or key=value text. DATABASE_URL is read too. Required."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What is found is printed as (short: -o).", "table|json"},
    {"group", OPT_CHOICE, NULL, FIELD(group),
     "Only what this consumer group has parked.", "authorization|ledger|saga"},
    {"user", OPT_TEXT, NULL, FIELD(user), "Only the key of this user's account."},
    {"all", OPT_BOOL, "false", FIELD(all), "release: every parked key."},
    {"reason", OPT_TEXT, NULL, FIELD(reason),
     "release needs it: why, for the record; up to 500 bytes."},
    {"by", OPT_TEXT, NULL, FIELD(by),
     "release: on whose behalf, for the record; the system's user unless told."},
    {"dry-run", OPT_BOOL, "false", FIELD(dry_run),
     "release: says what would be done and changes nothing."},
    {NULL},
};
/* clang-format on */

static const struct tool PARKED = {
    .name = "parked",
    .usage =
        "tallystick parked ls [--group GROUP] [--user USER]   lists parked keys, oldest first\n"
        "tallystick parked release KEY ... | --user USER | --all --reason TEXT [--dry-run]\n"
        "                                                     has them tried at once, in order",
    .options = PARKED_OPTIONS,
};

static const struct sql_statement *const STATEMENTS[] = {SQL_LIST_PARKED_KEYS, NULL};
static const struct sql_statement *const ROOM_STATEMENTS[] = {SQL_RELEASE_PARKED_KEY, NULL};

struct parked {
    const struct parked_config *config;
    struct arena *arena;
    struct db *db;
    struct room_dbs rooms;
    const struct uuid *keys; /* NULL: any */
    size_t key_count;
    struct deed_words words;
    struct sql_rows rows; /* of the keys, as they were found */
    struct table table;
    int released;
    int refused;
};

/* ---- which --------------------------------------------------------------------------------- */

static int read_keys(struct parked *parked, char *const *words, size_t count)
{
    const char *const user = parked->config->user;
    struct uuid *keys = ARENA_NEW_ARRAY(parked->arena, struct uuid, count + 1);
    for (size_t at = 0; at < count; at++)
        if (!uuid_parse(text_of(words[at]), &keys[at]))
            return tool_complain(&PARKED, "'%s' is not a key; see: tallystick parked ls",
                                 words[at]);
    if (user != NULL)
        keys[count++] = account_id_of(TENANT, text_of(user));
    parked->keys = count == 0 ? NULL : keys;
    parked->key_count = count;
    return TOOL_DONE;
}

static enum status find_keys(struct parked *parked, struct error *err)
{
    struct sql_args args;
    struct sql_array keys;
    sql_args_init(&args, parked->arena);
    sql_add_text(&args, text_of(parked->config->group));
    if (parked->keys == NULL) {
        sql_add_null(&args);
    } else {
        sql_array_init(&keys, parked->arena, SQL_UUID, parked->key_count);
        for (size_t at = 0; at < parked->key_count; at++)
            sql_array_add_uuid(&keys, &parked->keys[at]);
        sql_add_array(&args, &keys);
    }
    TRY(db_run_one(parked->db, SQL_LIST_PARKED_KEYS, &args, err));
    parked->rows = db_rows(parked->db, 0);
    return OK;
}

/* ---- ls ------------------------------------------------------------------------------------ */

static struct text type_of(struct text ce_type)
{
    const struct text name = message_event_name(ce_type);
    return text_is_none(name) ? ce_type : name;
}

static struct text key_text(const struct parked *parked, int row)
{
    const struct uuid key = sql_uuid(parked->rows, row, LIST_PARKED_KEYS_KEY);
    return uuid_to_text(parked->arena, &key);
}

static void print_keys(struct parked *parked)
{
    static const char *const COLUMNS[] = {
        "group",    "topic",           "key",         "waiting", "first_event_id", "first_type",
        "attempts", "first_failed_at", "next_try_at", "class",   "reason",         NULL};
    struct arena *arena = parked->arena;
    const struct sql_rows rows = parked->rows;
    table_init(&parked->table, arena, COLUMNS);
    for (int row = 0; row < rows.count; row++) {
        struct text *cells = table_add(&parked->table);
        cells[0] = sql_text(rows, row, LIST_PARKED_KEYS_CONSUMER_GROUP);
        cells[1] = sql_text(rows, row, LIST_PARKED_KEYS_TOPIC);
        cells[2] = key_text(parked, row);
        cells[3] =
            text_format(arena, "%lld", (long long)sql_i64(rows, row, LIST_PARKED_KEYS_WAITING));
        if (!sql_is_null(rows, row, LIST_PARKED_KEYS_FIRST_EVENT_ID)) {
            const struct uuid id = sql_uuid(rows, row, LIST_PARKED_KEYS_FIRST_EVENT_ID);
            cells[4] = uuid_to_text(arena, &id);
            cells[5] = type_of(sql_text(rows, row, LIST_PARKED_KEYS_FIRST_TYPE));
        }
        cells[6] = text_format(arena, "%d", sql_i32(rows, row, LIST_PARKED_KEYS_ATTEMPTS));
        cells[7] = sql_text(rows, row, LIST_PARKED_KEYS_FIRST_FAILED_AT);
        cells[8] = sql_text(rows, row, LIST_PARKED_KEYS_NEXT_TRY_AT);
        cells[9] = sql_text(rows, row, LIST_PARKED_KEYS_ERROR_CLASS);
        cells[10] = sql_text(rows, row, LIST_PARKED_KEYS_REASON);
    }
    table_print(&parked->table, parked->config->output);
}

/* ---- release ------------------------------------------------------------------------------- */

static enum status release_one(struct parked *parked, int row, struct text *outcome_out,
                               struct error *err)
{
    const struct sql_rows rows = parked->rows;
    const struct uuid key = sql_uuid(rows, row, LIST_PARKED_KEYS_KEY);
    struct db *db = room_dbs_at(&parked->rooms, sql_text(rows, row, LIST_PARKED_KEYS_ROOM));
    struct sql_args args;
    sql_args_init(&args, parked->arena);
    sql_add_text(&args, sql_text(rows, row, LIST_PARKED_KEYS_CONSUMER_GROUP));
    sql_add_text(&args, sql_text(rows, row, LIST_PARKED_KEYS_TOPIC));
    sql_add_uuid(&args, &key);
    deed_add(&parked->words, &args);
    TRY(db_run_one(db, SQL_RELEASE_PARKED_KEY, &args, err));
    *outcome_out =
        text_copy(parked->arena, sql_text(db_rows(db, 0), 0, RELEASE_PARKED_KEY_OUTCOME));
    return OK;
}

static enum status release_all(struct parked *parked, struct error *err)
{
    static const char *const COLUMNS[] = {"group", "topic", "key", "outcome", NULL};
    table_init(&parked->table, parked->arena, COLUMNS);
    for (int row = 0; row < parked->rows.count; row++) {
        struct text outcome = TEXT("would_release");
        if (!parked->config->dry_run)
            TRY(release_one(parked, row, &outcome, err));
        struct text *cells = table_add(&parked->table);
        cells[0] = sql_text(parked->rows, row, LIST_PARKED_KEYS_CONSUMER_GROUP);
        cells[1] = sql_text(parked->rows, row, LIST_PARKED_KEYS_TOPIC);
        cells[2] = key_text(parked, row);
        cells[3] = outcome;
        if (text_equals_c(outcome, "not_parked"))
            parked->refused++;
        else
            parked->released++;
    }
    return OK;
}

/* A key that was asked for by name and is not parked is refused; another may have been applied. */
static enum status refuse_absent(const struct parked *parked, struct error *err)
{
    if (parked->keys == NULL || parked->rows.count > 0)
        return OK;
    return error_set(err, ERR_NOT_FOUND, "nothing of this key is parked");
}

static void say_result(const struct parked *parked)
{
    char id[UUID_TEXT_SIZE + 1];
    uuid_format(&parked->words.id, id);
    if (parked->config->dry_run)
        tool_say(&PARKED, "%d would be released; nothing was changed", parked->released);
    else
        tool_say(&PARKED, "%d released, %d were not parked any more; deed %s", parked->released,
                 parked->refused, id);
}

static int release(struct parked *parked)
{
    struct error err;
    enum status status = find_keys(parked, &err);
    if (status == OK)
        status = refuse_absent(parked, &err);
    if (status != OK)
        return tool_fail(&PARKED, &err);
    status = release_all(parked, &err);
    room_dbs_close(&parked->rooms);
    table_print(&parked->table, parked->config->output);
    if (status != OK)
        return tool_fail(&PARKED, &err);
    say_result(parked);
    return TOOL_DONE;
}

/* ---- the command --------------------------------------------------------------------------- */

static int run_ls(struct parked *parked)
{
    const struct parked_config *config = parked->config;
    struct error err;
    if (config->all || config->dry_run || config->reason != NULL || config->by != NULL)
        return tool_complain(&PARKED, "--all, --reason, --by and --dry-run are for release");
    const int code = read_keys(parked, NULL, 0);
    if (code != TOOL_DONE)
        return code;
    if (find_keys(parked, &err) != OK)
        return tool_fail(&PARKED, &err);
    print_keys(parked);
    return TOOL_DONE;
}

static int run_release(struct parked *parked, char *const *words, size_t count)
{
    const struct parked_config *config = parked->config;
    if ((count > 0) + (config->user != NULL) + config->all != 1)
        return tool_complain(&PARKED, "release takes KEYs, or --user, or --all");
    int code = read_keys(parked, words, count);
    if (code == TOOL_DONE)
        code = deed_begin_with_reason(&PARKED, parked->arena, config->reason, config->by,
                                      &parked->words);
    return code == TOOL_DONE ? release(parked) : code;
}

int parked_main(int argc, char **argv)
{
    struct parked_config config = {.all = false};
    int code = TOOL_DONE;
    if (!tool_start(&PARKED, &config, &argc, argv, &code))
        return code;
    const char *const verb = argc < 2 ? "" : argv[1];
    const bool is_ls = strcmp(verb, "ls") == 0 && argc == 2;
    if (!is_ls && strcmp(verb, "release") != 0)
        return tool_complain(&PARKED, "one of ls, release is expected");
    struct parked parked = {
        .config = &config,
        .arena = arena_new(ARENA_SIZE_MAX),
        .db = tool_open_db(config.database_url, STATEMENTS, TIMEOUT_MS),
        .rooms = {config.database_url, ROOM_STATEMENTS, {NULL}},
    };
    code = is_ls ? run_ls(&parked) : run_release(&parked, argv + 2, (size_t)argc - 2);
    db_free(parked.db);
    arena_free(parked.arena);
    return code;
}
