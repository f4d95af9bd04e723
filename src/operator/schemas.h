/* operator/schemas.h - every schema of the database and the migrations that make it.
 *
 * Purpose:   the list that migrate walks. Roles and schemas themselves are made by
 *            sql/prepare_database.sql.
 * Units:     none.
 * Ownership: constants of the program.
 * Errors:    none.
 * Threads:   constants. */
#ifndef OPERATOR_SCHEMAS_H
#define OPERATOR_SCHEMAS_H

#include "platform/postgres/sql.h"

struct schema {
    const char *name; /* NULL ends the list */
    const struct sql_migration *migrations;
};

/* In the order in which they are migrated: whoever is granted rights on another comes later. */
extern const struct schema SCHEMAS[];

#endif
