/* tallystick key: API keys for the public door. A key is shown once, when it is made; what is kept
 * is its SHA-256, so that nobody who reads the database can come in. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/random.h"
#include "operator/operator.h"
#include "operator/operator_sql.h"
#include "operator/table.h"
#include "operator/tool.h"

#include <stdio.h>

enum {
    ARENA_SIZE_MAX = 64 * 1024 * 1024,
    TIMEOUT_MS = 30000,
    NAME_SIZE_MAX = 100,
    PREFIX_BYTES = 4,
    SECRET_BYTES = 24,
    LIMIT_MAX = 1000000,
};

struct key_config {
    const char *database_url;
    const char *output;
    const char *name;
    const char *scopes;
    int64_t rate; /* -1: not said */
    int64_t burst;
};

#define FIELD(field) offsetof(struct key_config, field)

/* clang-format off */
const struct option KEY_OPTIONS[] = {
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "PostgreSQL, as a URI or key=value text. DATABASE_URL is read too. Required."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What is found is printed as (short: -o).", "table|json"},
    {"name", OPT_TEXT, NULL, FIELD(name), "Whose key it is, for people."},
    {"scopes", OPT_TEXT, NULL, FIELD(scopes),
     "What the key allows, separated by commas: auth:write, auth:read, capture:write, "
     "refund:write, ledger:read, ledger:adjust, limits:write, dlq:write, saga:write, admin."},
    {"rate", OPT_INT, NULL, FIELD(rate),
     "How many requests a second the key may send to each gateway, over time; a batch counts its "
     "items; 0: any number."},
    {"burst", OPT_INT, "0", FIELD(burst),
     "How many it may send at once after a pause; 0: as many as in a second."},
    {NULL},
};
/* clang-format on */

static const struct tool KEY = {
    .name = "key",
    .usage = "tallystick key create --name NAME --scopes SCOPE,... [--rate N [--burst M]]\n"
             "                                             prints the key, once\n"
             "tallystick key ls                            lists keys, never secrets\n"
             "tallystick key limit ID --rate N [--burst M] limits what a key sends from now on\n"
             "tallystick key revoke ID                     closes a key for ever",
    .options = KEY_OPTIONS,
};

static const struct sql_statement *const STATEMENTS[] = {
    SQL_INSERT_API_KEY, SQL_LIMIT_API_KEY, SQL_LIST_API_KEYS, SQL_REVOKE_API_KEY, NULL,
};

struct keys {
    const struct key_config *config;
    struct arena *arena;
    struct db *db;
};

/* ---- create -------------------------------------------------------------------------------- */

struct new_key {
    struct uuid id;
    struct text prefix; /* tk_ and a few digits: how people tell keys apart */
    struct text key;
};

static struct new_key make_key(struct arena *arena)
{
    uint8_t bytes[PREFIX_BYTES + SECRET_BYTES];
    char digits[2 * sizeof bytes];
    random_bytes(bytes, sizeof bytes);
    hex_write(digits, bytes, sizeof bytes);
    struct new_key made = {.id = uuid_make_v7()};
    made.prefix = text_format(arena, "tk_%.*s", 2 * PREFIX_BYTES, digits);
    made.key = text_format(arena, "%.*s_%.*s", TEXT_ARGS(made.prefix), 2 * SECRET_BYTES,
                           digits + (size_t)2 * PREFIX_BYTES);
    return made;
}

static bool is_scope(struct text name)
{
    static const char *const SCOPES[] = {
        "auth:write",    "auth:read",    "capture:write", "refund:write", "ledger:read",
        "ledger:adjust", "limits:write", "dlq:write",     "saga:write",   "admin",
    };
    for (size_t at = 0; at < COUNT(SCOPES); at++)
        if (text_equals_c(name, SCOPES[at]))
            return true;
    return false;
}

static enum status read_scopes(const struct keys *keys, struct sql_array *scopes, struct error *err)
{
    struct text rest = text_of(keys->config->scopes);
    sql_array_init(scopes, keys->arena, SQL_TEXT, 4);
    while (!text_is_none(rest)) {
        const struct text name = text_trim(text_cut(&rest, ','));
        if (!is_scope(name))
            return error_set(err, ERR_INVALID, "'%.*s' is not a scope; see: tallystick key --help",
                             TEXT_ARGS(name));
        sql_array_add_text(scopes, name);
    }
    return OK;
}

/* Without a limit, two nulls. */
static void add_limit(struct sql_args *args, const struct key_config *config)
{
    if (config->rate <= 0) {
        sql_add_null(args);
        sql_add_null(args);
        return;
    }
    sql_add_i32(args, (int32_t)config->rate);
    sql_add_i32(args, (int32_t)(config->burst == 0 ? config->rate : config->burst));
}

static enum status check_limit(const struct key_config *config, struct error *err)
{
    if (config->rate > LIMIT_MAX || config->burst > LIMIT_MAX)
        return error_set(err, ERR_INVALID, "rate and burst are at most %d", LIMIT_MAX);
    if (config->rate <= 0 && config->burst > 0)
        return error_set(err, ERR_INVALID, "a burst needs a rate: --rate N --burst M");
    return OK;
}

static void print_new(const struct keys *keys, const struct new_key *made)
{
    struct text_builder out;
    struct json_writer w;
    tool_say(&KEY, "this is the only time the key is shown:");
    if (strcmp(keys->config->output, "table") == 0) {
        printf("%.*s\n", TEXT_ARGS(made->key));
        return;
    }
    text_builder_init(&out, keys->arena, 512);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_write_uuid(&w, "id", &made->id);
    json_write_text(&w, "prefix", made->prefix);
    json_write_text(&w, "key", made->key);
    json_end_object(&w);
    printf("%.*s\n", TEXT_ARGS(text_builder_text(&out)));
}

static enum status create(const struct keys *keys, struct error *err)
{
    struct sql_array scopes;
    TRY(read_scopes(keys, &scopes, err));
    TRY(check_limit(keys->config, err));
    const struct new_key made = make_key(keys->arena);
    const struct sha256 hash = sha256_of(made.key);
    struct sql_args args;
    sql_args_init(&args, keys->arena);
    sql_add_uuid(&args, &made.id);
    sql_add_text(&args, made.prefix);
    sql_add_bytes(&args, hash.bytes, sizeof hash.bytes);
    sql_add_text(&args, text_of(keys->config->name));
    sql_add_array(&args, &scopes);
    add_limit(&args, keys->config);
    TRY(db_run_one(keys->db, SQL_INSERT_API_KEY, &args, err));
    print_new(keys, &made);
    return OK;
}

/* ---- ls, limit, revoke
 * ---------------------------------------------------------------------------- */

static enum status list(const struct keys *keys, struct error *err)
{
    static const char *const COLUMNS[] = {
        "id", "prefix", "name", "scopes", "rate_per_s", "burst", "created_at", "revoked_at", NULL};
    TRY(db_run_one(keys->db, SQL_LIST_API_KEYS, NULL, err));
    const struct sql_rows rows = db_rows(keys->db, 0);
    struct table table;
    table_init(&table, keys->arena, COLUMNS);
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, LIST_API_KEYS_ID);
        struct text *cells = table_add(&table);
        cells[0] = uuid_to_text(keys->arena, &id);
        for (int column = LIST_API_KEYS_PREFIX; column <= LIST_API_KEYS_REVOKED_AT; column++)
            cells[column] = sql_text(rows, row, column);
    }
    table_print(&table, keys->config->output);
    return OK;
}

static enum status read_id(const char *text, struct uuid *id_out, struct error *err)
{
    if (uuid_parse(text_of(text), id_out))
        return OK;
    return error_set(err, ERR_INVALID, "'%s' is not a key's id; see: tallystick key ls", text);
}

static enum status limit(const struct keys *keys, const char *id_text, struct error *err)
{
    struct uuid id;
    struct sql_args args;
    TRY(read_id(id_text, &id, err));
    TRY(check_limit(keys->config, err));
    sql_args_init(&args, keys->arena);
    sql_add_uuid(&args, &id);
    add_limit(&args, keys->config);
    TRY(db_run_one(keys->db, SQL_LIMIT_API_KEY, &args, err));
    if (db_rows(keys->db, 0).count == 0)
        return error_set(err, ERR_NOT_FOUND, "there is no key '%s' that is open", id_text);
    tool_say(&KEY, "within two seconds every gateway %s",
             keys->config->rate == 0 ? "lets it send what it likes" : "keeps it to that");
    return OK;
}

static enum status revoke(const struct keys *keys, const char *id_text, struct error *err)
{
    struct uuid id;
    TRY(read_id(id_text, &id, err));
    struct sql_args args;
    sql_args_init(&args, keys->arena);
    sql_add_uuid(&args, &id);
    TRY(db_run_one(keys->db, SQL_REVOKE_API_KEY, &args, err));
    if (db_rows(keys->db, 0).count == 0)
        return error_set(err, ERR_NOT_FOUND, "there is no key '%s'", id_text);
    tool_say(&KEY, "revoked; within two seconds it opens nothing any more");
    return OK;
}

/* ---- the command --------------------------------------------------------------------------- */

static int run(const struct keys *keys, int argc, char **argv)
{
    const struct key_config *config = keys->config;
    struct error err;
    enum status status = OK;
    if (argc == 2 && strcmp(argv[1], "create") == 0) {
        if (config->name == NULL || config->scopes == NULL)
            return tool_complain(&KEY, "create needs --name and --scopes");
        if (strlen(config->name) > NAME_SIZE_MAX)
            return tool_complain(&KEY, "a name has at most %d bytes", NAME_SIZE_MAX);
        status = create(keys, &err);
    } else if (argc == 2 && strcmp(argv[1], "ls") == 0) {
        status = list(keys, &err);
    } else if (argc == 3 && strcmp(argv[1], "limit") == 0) {
        if (config->rate < 0)
            return tool_complain(&KEY, "limit needs --rate N; --rate 0 lifts the limit");
        status = limit(keys, argv[2], &err);
    } else if (argc == 3 && strcmp(argv[1], "revoke") == 0) {
        status = revoke(keys, argv[2], &err);
    } else {
        return tool_complain(&KEY, "one of create, ls, limit ID, revoke ID is expected");
    }
    return status == OK ? TOOL_DONE : tool_fail(&KEY, &err);
}

int key_main(int argc, char **argv)
{
    struct key_config config = {.rate = -1};
    int code = TOOL_DONE;
    if (!tool_start(&KEY, &config, &argc, argv, &code))
        return code;
    const struct keys keys = {
        .config = &config,
        .arena = arena_new(ARENA_SIZE_MAX),
        .db = tool_open_db(config.database_url, STATEMENTS, TIMEOUT_MS),
    };
    code = run(&keys, argc, argv);
    db_free(keys.db);
    arena_free(keys.arena);
    return code;
}
