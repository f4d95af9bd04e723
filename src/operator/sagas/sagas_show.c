#include "base/arena.h"
#include "operator/operator_sql.h"
#include "operator/sagas/sagas.h"
#include "operator/table.h"

#include <stdio.h>

const struct sql_statement *const SAGAS_STATEMENTS[] = {
    SQL_LIST_SAGAS, SQL_FIND_SAGA, SQL_LIST_SAGA_STEPS, SQL_LIST_DEEDS, NULL,
};

enum status sagas_list(const struct sagas *sagas, struct db *db, struct error *err)
{
    static const char *const COLUMNS[] = {
        "id",      "type",  "state",      "step",       "authorization_id",
        "user_id", "tries", "started_at", "updated_at", NULL};
    struct sql_args args;
    struct table table;
    sql_args_init(&args, sagas->arena);
    sql_add_text(&args, text_of(sagas->config->state));
    sql_add_i64(&args, sagas->config->limit);
    TRY(db_run_one(db, SQL_LIST_SAGAS, &args, err));
    const struct sql_rows rows = db_rows(db, 0);
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

static void print_deeds(const struct sagas *sagas, struct sql_rows rows)
{
    struct table table;
    deed_read_rows(sagas->arena, rows, &table);
    table_print(&table, sagas->config->output);
}

enum status sagas_show(const struct sagas *sagas, struct db *db, const char *id_text,
                       struct error *err)
{
    struct uuid id;
    struct sql_args args;
    if (!uuid_parse(text_of(id_text), &id))
        return error_set(err, ERR_INVALID, "'%s' is not a saga's id; see: tallystick saga ls",
                         id_text);
    sql_args_init(&args, sagas->arena);
    sql_add_uuid(&args, &id);
    db_send(db, SQL_FIND_SAGA, &args);
    db_send(db, SQL_LIST_SAGA_STEPS, &args);
    db_send(db, SQL_LIST_DEEDS, &args);
    TRY(db_run(db, err));
    if (db_rows(db, 0).count == 0)
        return error_set(err, ERR_NOT_FOUND, "there is no saga '%s'", id_text);
    const bool is_json = strcmp(sagas->config->output, "json") == 0;
    printf("%s", is_json ? "{\"saga\":" : "");
    print_saga(sagas, db_rows(db, 0));
    printf("%s", is_json ? ",\"steps\":" : "\n");
    print_steps(sagas, db_rows(db, 1));
    printf("%s", is_json ? ",\"deeds\":" : "\n");
    print_deeds(sagas, db_rows(db, 2));
    printf("%s", is_json ? "}\n" : "");
    return OK;
}
