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

struct sql_statement {
    const char *name; /* room.verb_noun: the prepared statement's name on the server */
    const char *text;
    int param_count;
};

struct sql_migration {
    const char *name;   /* 0001_accounts; NULL ends a list */
    const char *sha256; /* of the text, hex: an applied migration must not have changed since */
    const char *text;
};

#endif
