/* platform/postgres/sql.h - the shape of an embedded SQL statement or migration.
 *
 * Purpose:   tools/embed_sql.py writes one header per room from its .sql files; these are its
 * types. SQL text is never put together at run time: the folder listing of sql/ is the list of
 *            everything a room asks its database.
 * Units:     none.
 * Ownership: constants of the program.
 * Errors:    none.
 * Threads:   constants. */
#ifndef PLATFORM_POSTGRES_SQL_H
#define PLATFORM_POSTGRES_SQL_H

#include <stdbool.h>
#include <string.h>

struct sql_statement {
    const char *name; /* room.verb_noun: the prepared statement's name on the server */
    const char *text;
    int param_count; /* of a COPY: the columns of a row */
};

/* Takes rows after it, not parameters with it. */
static inline bool sql_is_copy(const struct sql_statement *statement)
{
    return strncmp(statement->text, "COPY ", 5) == 0;
}

struct sql_migration {
    const char *name;   /* 0001_accounts; NULL ends a list */
    const char *sha256; /* of the text, hex: an applied migration must not have changed since */
    const char *text;
};

#endif
