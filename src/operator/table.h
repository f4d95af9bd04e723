/* operator/table.h - what a tool found, as a table for people or JSON for programs.
 *
 * Purpose:   one way to print lists: columns lined up under their names, or an array of objects.
 * Units:     none.
 * Ownership: rows live in the arena; cells borrow.
 * Errors:    none.
 * Threads:   values. */
#ifndef OPERATOR_TABLE_H
#define OPERATOR_TABLE_H

#include "base/text.h"

enum { TABLE_COLUMNS_MAX = 12 };

/* One line, its cells in the order of the columns. */
struct table_row {
    struct text cells[TABLE_COLUMNS_MAX];
    struct table_row *next;
};

struct table {
    struct arena *arena;
    const char *const *columns; /* ends with NULL */
    size_t column_count;
    size_t row_count;
    struct table_row *first;
    struct table_row *last;
};

void table_init(struct table *table, struct arena *arena, const char *const columns[]);
/* A new last line with empty cells; a cell that stays without text is null in JSON. */
struct text *table_add(struct table *table);
/* `format`: table or json. To stdout. */
void table_print(const struct table *table, const char *format);

#endif
