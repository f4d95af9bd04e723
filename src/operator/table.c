#include "operator/table.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"

#include <stdio.h>

enum { COLUMN_GAP = 2 };

void table_init(struct table *table, struct arena *arena, const char *const columns[])
{
    *table = (struct table){.arena = arena, .columns = columns};
    while (columns[table->column_count] != NULL)
        table->column_count++;
    ASSERT(table->column_count <= TABLE_COLUMNS_MAX);
}

struct text *table_add(struct table *table)
{
    struct table_row *row = ARENA_NEW(table->arena, struct table_row);
    if (table->last == NULL)
        table->first = row;
    else
        table->last->next = row;
    table->last = row;
    table->row_count++;
    return row->cells;
}

/* Characters, not bytes: what a continuation byte adds has no width. */
static size_t width_of(struct text t)
{
    size_t width = 0;
    for (size_t at = 0; at < t.size; at++)
        width += ((unsigned char)t.data[at] & 0xc0) != 0x80;
    return width;
}

static size_t width_of_column(const struct table *table, size_t column)
{
    size_t widest = strlen(table->columns[column]);
    for (const struct table_row *row = table->first; row != NULL; row = row->next) {
        const size_t width = width_of(row->cells[column]);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void print_line(const struct table *table, const size_t *widths, const struct text *cells)
{
    for (size_t at = 0; at < table->column_count; at++) {
        const bool is_last = at + 1 == table->column_count;
        const size_t blanks = is_last ? 0 : widths[at] - width_of(cells[at]) + COLUMN_GAP;
        printf("%.*s%*s", TEXT_ARGS(cells[at]), (int)blanks, "");
    }
    putchar('\n');
}

static void print_lines(const struct table *table)
{
    size_t widths[TABLE_COLUMNS_MAX];
    struct text head[TABLE_COLUMNS_MAX];
    for (size_t at = 0; at < table->column_count; at++) {
        widths[at] = width_of_column(table, at);
        head[at] = text_of(table->columns[at]);
    }
    print_line(table, widths, head);
    for (const struct table_row *row = table->first; row != NULL; row = row->next)
        print_line(table, widths, row->cells);
}

static void print_json(const struct table *table)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, table->arena, 4096);
    json_writer_init(&w, &out);
    json_begin_array(&w, NULL);
    for (const struct table_row *row = table->first; row != NULL; row = row->next) {
        json_begin_object(&w, NULL);
        for (size_t at = 0; at < table->column_count; at++) {
            if (text_is_none(row->cells[at]))
                json_write_null(&w, table->columns[at]);
            else
                json_write_text(&w, table->columns[at], row->cells[at]);
        }
        json_end_object(&w);
    }
    json_end_array(&w);
    printf("%.*s\n", TEXT_ARGS(text_builder_text(&out)));
}

void table_print(const struct table *table, const char *format)
{
    if (strcmp(format, "json") == 0)
        print_json(table);
    else
        print_lines(table);
}
