#include "base/arena.h"
#include "base/json.h"
#include "operator/dead_letters/dead_letters.h"
#include "operator/operator_sql.h"
#include "operator/table.h"

#include <stdio.h>
#include <string.h>

/* What is JSON is given as it is, so that a program need not parse it out of a string. */
static void write_field(struct json_writer *w, struct arena *arena, struct text name,
                        struct text value)
{
    struct json_value ignored_value;
    struct error ignored;
    const char *const c_name = text_to_c(arena, name);
    const bool may_be_json = text_equals_c(name, "headers") || text_equals_c(name, "payload");
    if (text_is_none(value))
        json_write_null(w, c_name);
    else if (may_be_json && json_parse(arena, value, &ignored_value, &ignored) == OK)
        json_write_raw(w, c_name, value);
    else
        json_write_text(w, c_name, value);
}

static void print_json(const struct dead_letters *letters, struct sql_rows fields,
                       const struct table *deeds)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, letters->arena, 4096);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    for (int row = 0; row < fields.count; row++)
        write_field(&w, letters->arena, sql_text(fields, row, FIND_DEAD_LETTER_FIELD),
                    sql_text(fields, row, FIND_DEAD_LETTER_VALUE));
    json_end_object(&w);
    printf("{\"letter\":%.*s,\"deeds\":", TEXT_ARGS(text_builder_text(&out)));
    table_print(deeds, "json");
    printf("}\n");
}

/* Its headers one by one; those that cannot be read, as they are. */
static void add_headers(const struct dead_letters *letters, struct table *table,
                        struct text headers)
{
    struct json_value all;
    struct error ignored;
    if (json_parse(letters->arena, headers, &all, &ignored) != OK || all.type != JSON_OBJECT) {
        struct text *cells = table_add(table);
        cells[0] = TEXT("headers");
        cells[1] = headers;
        return;
    }
    for (size_t at = 0; at < all.count; at++) {
        struct text *cells = table_add(table);
        cells[0] = text_format(letters->arena, "header %.*s", TEXT_ARGS(all.members[at].name));
        cells[1] = all.members[at].value.text;
    }
}

static void print_for_people(const struct dead_letters *letters, struct sql_rows fields,
                             const struct table *deeds)
{
    static const char *const COLUMNS[] = {"field", "value", NULL};
    struct table table;
    table_init(&table, letters->arena, COLUMNS);
    for (int row = 0; row < fields.count; row++) {
        const struct text name = sql_text(fields, row, FIND_DEAD_LETTER_FIELD);
        const struct text value = sql_text(fields, row, FIND_DEAD_LETTER_VALUE);
        if (text_equals_c(name, "headers")) {
            add_headers(letters, &table, value);
            continue;
        }
        struct text *cells = table_add(&table);
        cells[0] = name;
        cells[1] = value;
    }
    table_print(&table, "table");
    printf("\n");
    table_print(deeds, "table");
}

/* The letter's own id, of either id that it is known by. */
static enum status find_id(const struct dead_letters *letters, const char *id_text,
                           struct uuid *id_out, struct error *err)
{
    struct uuid id;
    struct sql_rows rows;
    if (!uuid_parse(text_of(id_text), &id))
        return error_set(err, ERR_INVALID, "'%s' is not a dead letter's id; see: tallystick dlq ls",
                         id_text);
    const struct letter_question question = {.ids = &id, .id_count = 1, .count_max = 2};
    TRY(dead_letters_find(letters, &question, &rows, err));
    if (rows.count == 0)
        return error_set(err, ERR_NOT_FOUND, "there is no dead letter '%s'", id_text);
    if (rows.count > 1)
        return error_set(err, ERR_INVALID,
                         "several groups have a dead letter of event '%s'; take a letter's own id",
                         id_text);
    *id_out = sql_uuid(rows, 0, LIST_DEAD_LETTERS_ID);
    return OK;
}

enum status dead_letters_show(const struct dead_letters *letters, const char *id_text,
                              struct error *err)
{
    struct uuid id;
    struct sql_args args;
    struct table deeds;
    TRY(find_id(letters, id_text, &id, err));
    sql_args_init(&args, letters->arena);
    sql_add_uuid(&args, &id);
    db_send(letters->db, SQL_FIND_DEAD_LETTER, &args);
    db_send(letters->db, SQL_LIST_DEEDS, &args);
    TRY(db_run(letters->db, err));
    deed_read_rows(letters->arena, db_rows(letters->db, 1), &deeds);
    if (strcmp(letters->config->output, "json") == 0)
        print_json(letters, db_rows(letters->db, 0), &deeds);
    else
        print_for_people(letters, db_rows(letters->db, 0), &deeds);
    return OK;
}
