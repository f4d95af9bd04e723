#include "operator/schemas.h"

#include <stddef.h>

/* Made from the rooms' migrations/ at build time. This list is the one place that knows them all;
 * nothing else of a room is known here. */
extern const struct sql_migration outbox_migrations[];
extern const struct sql_migration gateway_migrations[];
extern const struct sql_migration authorization_migrations[];
extern const struct sql_migration ledger_migrations[];
extern const struct sql_migration saga_migrations[];
extern const struct sql_migration operator_migrations[];

const struct schema SCHEMAS[] = {
    {"bus", outbox_migrations},
    {"gateway", gateway_migrations},
    {"authorization", authorization_migrations},
    {"ledger", ledger_migrations},
    {"saga", saga_migrations},
    {"operator", operator_migrations},
    {NULL, NULL},
};
