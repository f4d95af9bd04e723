/* Brings the schemas to what this binary knows: forward only, each migration with its record in one
 * SQL transaction, one at a time in a database however many run this at once. */
#include "base/arena.h"
#include "base/assert.h"
#include "operator/operator.h"
#include "operator/operator_sql.h"
#include "operator/schemas.h"
#include "operator/table.h"
#include "operator/tool.h"
#include "platform/http/http_client.h"
#include "platform/keystore/dynamodb_table.h"

enum { ARENA_SIZE_MAX = 16 * 1024 * 1024, TIMEOUT_MS = 600000 };

struct migrate_config {
    const char *database_url;
    const char *migrate_database_url; /* NULL: database_url */
    const char *keystore;
    const char *dynamodb_table;
    const char *output;
};

#define FIELD(field) offsetof(struct migrate_config, field)

/* clang-format off */
const struct option MIGRATE_OPTIONS[] = {
    {"migrate-database-url", OPT_TEXT, NULL, FIELD(migrate_database_url),
     "PostgreSQL as the owner of the schemas, who may create roles. Without it, database-url."},
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "PostgreSQL, as a URI or key=value text. DATABASE_URL is read too."},
    {"keystore", OPT_CHOICE, "none", FIELD(keystore),
     "dynamodb: its table of keys is looked after, too.", "none|dynamodb"},
    {"dynamodb-table", OPT_TEXT, "tallystick_idempotency", FIELD(dynamodb_table),
     "Name of the table of keys in DynamoDB."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What a list is printed as (short: -o).", "table|json"},
    {NULL},
};
/* clang-format on */

static const struct tool MIGRATE = {
    .name = "migrate",
    .usage = "tallystick migrate plan    lists what would be applied\n"
             "tallystick migrate check   ends with 1 when something would be\n"
             "tallystick migrate apply   applies it; roles and schemas are made where they lack\n"
             "With TALLYSTICK_KEYSTORE=dynamodb each of them looks after the table of keys, too.",
    .options = MIGRATE_OPTIONS,
};

static const struct sql_statement *const STATEMENTS[] = {
    SQL_LOCK_MIGRATIONS,
    SQL_READ_MIGRATIONS,
    SQL_INSERT_MIGRATION,
    NULL,
};

struct migrate {
    const struct migrate_config *config;
    struct arena *arena;
    const char *url;
    struct table pending;
    int applied; /* by this run */
};

static struct db *open_schema(const struct migrate *migrate, const char *schema,
                              const struct sql_statement *const *statements)
{
    return db_new(&(struct db_config){
        .url = migrate->url,
        .schema = schema,
        .application_name = "tallystick_migrate",
        .statements = {statements},
        .timeout_ms = TIMEOUT_MS,
        .lock_timeout_ms = TIMEOUT_MS, /* another run may hold the lock for long */
    });
}

/* ---- what is there ------------------------------------------------------------------------- */

static enum status compare(const struct schema *schema, int at, struct sql_rows rows,
                           struct error *err)
{
    const struct sql_migration *known = &schema->migrations[at];
    const struct text name = sql_text(rows, at, READ_MIGRATIONS_NAME);
    if (known->name == NULL)
        return error_set(err, ERR_INVALID,
                         "schema '%s' has migration '%.*s', which this binary does not know: "
                         "it is older than the schema",
                         schema->name, TEXT_ARGS(name));
    if (!text_equals_c(name, known->name) ||
        !text_equals_c(sql_text(rows, at, READ_MIGRATIONS_SHA256), known->sha256))
        return error_set(err, ERR_INVALID,
                         "schema '%s': migration '%s' has changed since it was applied; "
                         "a change needs a migration of its own",
                         schema->name, known->name);
    return OK;
}

/* How many of the schema's migrations have been applied. */
static enum status count_applied(struct db *db, const struct schema *schema, int *count_out,
                                 struct error *err)
{
    static const char UNDEFINED_TABLE[] = "42P01";
    const enum status status = db_run_one(db, SQL_READ_MIGRATIONS, NULL, err);
    if (status != OK && strcmp(db_sqlstate(db), UNDEFINED_TABLE) == 0) {
        *count_out = 0; /* not even the schema is there */
        return OK;
    }
    TRY(status);
    const struct sql_rows rows = db_rows(db, 0);
    for (int at = 0; at < rows.count; at++) {
        ASSERT(sql_i32(rows, at, READ_MIGRATIONS_VERSION) == at + 1);
        TRY(compare(schema, at, rows, err));
    }
    *count_out = rows.count;
    return OK;
}

static enum status list_pending(struct migrate *migrate, const struct schema *schema,
                                struct error *err)
{
    int count = 0;
    struct db *db = open_schema(migrate, schema->name, STATEMENTS);
    const enum status status = count_applied(db, schema, &count, err);
    db_free(db);
    TRY(status);
    for (; schema->migrations[count].name != NULL; count++) {
        struct text *cells = table_add(&migrate->pending);
        cells[0] = text_of(schema->name);
        cells[1] = text_of(schema->migrations[count].name);
    }
    return OK;
}

/* ---- the table of keys --------------------------------------------------------------------- */

static bool uses_dynamodb(const struct migrate *migrate)
{
    return strcmp(migrate->config->keystore, "dynamodb") == 0;
}

static void list_step(struct migrate *migrate, const char *step)
{
    struct text *cells = table_add(&migrate->pending);
    cells[0] = TEXT("dynamodb");
    cells[1] = text_format(migrate->arena, "%s %s", step, migrate->config->dynamodb_table);
}

static enum status list_keystore_pending(struct migrate *migrate, struct error *err)
{
    struct dynamodb_plan plan;
    if (!uses_dynamodb(migrate))
        return OK;
    TRY(dynamodb_table_plan(migrate->config->dynamodb_table, &plan, err));
    if (plan.must_create)
        list_step(migrate, "create table");
    if (plan.must_set_ttl)
        list_step(migrate, "set time to live of");
    return OK;
}

static enum status apply_keystore(struct migrate *migrate, struct error *err)
{
    struct dynamodb_plan done;
    if (!uses_dynamodb(migrate))
        return OK;
    TRY(dynamodb_table_apply(migrate->config->dynamodb_table, &done, err));
    if (!done.must_create && !done.must_set_ttl)
        return OK;
    tool_say(&MIGRATE, "DynamoDB: table %s %s", migrate->config->dynamodb_table,
             done.must_create ? "created" : "given its time to live");
    migrate->applied++;
    return OK;
}

static enum status list_all_pending(struct migrate *migrate, struct error *err)
{
    static const char *const COLUMNS[] = {"schema", "migration", NULL};
    table_init(&migrate->pending, migrate->arena, COLUMNS);
    for (const struct schema *schema = SCHEMAS; schema->name != NULL; schema++)
        TRY(list_pending(migrate, schema, err));
    return list_keystore_pending(migrate, err);
}

/* ---- applying ------------------------------------------------------------------------------ */

static enum status apply_one(struct migrate *migrate, struct db *db, const struct schema *schema,
                             int at, struct error *err)
{
    const struct sql_migration *migration = &schema->migrations[at];
    struct error why;
    if (db_run_script(db, migration->text, &why) != OK)
        return error_set(err, why.status, "schema '%s', migration '%s': %s", schema->name,
                         migration->name, why.message);
    struct sql_args args;
    sql_args_init(&args, migrate->arena);
    sql_add_i32(&args, at + 1);
    sql_add_text(&args, text_of(migration->name));
    sql_add_text(&args, text_of(migration->sha256));
    db_send(db, SQL_INSERT_MIGRATION, &args);
    db_send_commit(db);
    TRY(db_run(db, err));
    tool_say(&MIGRATE, "schema %s: %s applied", schema->name, migration->name);
    migrate->applied++;
    return OK;
}

/* Applies the next one, whichever it is once the lock is held. */
static enum status apply_next(struct migrate *migrate, struct db *db, const struct schema *schema,
                              bool *is_done_out, struct error *err)
{
    db_send_begin(db);
    db_send(db, SQL_LOCK_MIGRATIONS, NULL);
    TRY(db_run(db, err));
    int count = 0;
    TRY(count_applied(db, schema, &count, err));
    *is_done_out = schema->migrations[count].name == NULL;
    if (!*is_done_out)
        return apply_one(migrate, db, schema, count, err);
    db_rollback(db);
    return OK;
}

static enum status apply_schema(struct migrate *migrate, const struct schema *schema,
                                struct error *err)
{
    struct db *db = open_schema(migrate, schema->name, STATEMENTS);
    enum status status = OK;
    for (bool is_done = false; status == OK && !is_done;)
        status = apply_next(migrate, db, schema, &is_done, err);
    db_free(db);
    return status;
}

static enum status run_script(const struct migrate *migrate, const struct sql_statement *script,
                              struct error *err)
{
    struct db *db = open_schema(migrate, NULL, NULL);
    const enum status status = db_run_script(db, script->text, err);
    db_free(db);
    return status;
}

static enum status apply(struct migrate *migrate, struct error *err)
{
    TRY(run_script(migrate, SQL_PREPARE_DATABASE, err));
    for (const struct schema *schema = SCHEMAS; schema->name != NULL; schema++)
        TRY(apply_schema(migrate, schema, err));
    TRY(run_script(migrate, SQL_GRANT_OPERATOR, err));
    TRY(apply_keystore(migrate, err));
    if (migrate->applied == 0)
        tool_say(&MIGRATE, "nothing to do, the database is up to date");
    return OK;
}

/* ---- the command --------------------------------------------------------------------------- */

static int run(struct migrate *migrate, const char *verb)
{
    struct error err;
    if (strcmp(verb, "apply") == 0)
        return apply(migrate, &err) == OK ? TOOL_DONE : tool_fail(&MIGRATE, &err);
    const bool is_check = strcmp(verb, "check") == 0;
    if (!is_check && strcmp(verb, "plan") != 0)
        return tool_complain(&MIGRATE, "'%s' is none of plan, check, apply", verb);
    if (list_all_pending(migrate, &err) != OK)
        return tool_fail(&MIGRATE, &err);
    if (migrate->pending.row_count == 0)
        tool_say(&MIGRATE, "nothing to do, the database is up to date");
    if (migrate->pending.row_count > 0 || strcmp(migrate->config->output, "json") == 0)
        table_print(&migrate->pending, migrate->config->output);
    return is_check && migrate->pending.row_count > 0 ? TOOL_FAILED : TOOL_DONE;
}

int migrate_main(int argc, char **argv)
{
    struct migrate_config config = {0};
    int code = TOOL_DONE;
    if (!tool_start(&MIGRATE, &config, &argc, argv, &code))
        return code;
    if (argc != 2)
        return tool_complain(&MIGRATE, "one of plan, check, apply is expected");
    struct migrate migrate = {.config = &config};
    migrate.url =
        config.migrate_database_url == NULL ? config.database_url : config.migrate_database_url;
    if (migrate.url == NULL)
        return tool_complain(&MIGRATE, "TALLYSTICK_MIGRATE_DATABASE_URL is required");
    migrate.arena = arena_new(ARENA_SIZE_MAX);
    http_client_init_all();
    code = run(&migrate, argv[1]);
    arena_free(migrate.arena);
    return code;
}
