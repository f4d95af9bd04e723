/* operator/sagas/sagas.h - tallystick saga ls, show, retry ...: inside of the command.
 *
 * Purpose:   what its verbs share. ls and show read the database; a deed is done by the saga
 *            service, which alone moves sagas.
 * Units:     none.
 * Ownership: everything lives in the arena of the command.
 * Errors:    those of the round trips.
 * Threads:   one. */
#ifndef OPERATOR_SAGAS_SAGAS_H
#define OPERATOR_SAGAS_SAGAS_H

#include "base/trace_context.h"
#include "operator/deed.h"
#include "operator/tool.h"

struct http_client;

struct sagas_config {
    const char *database_url;
    const char *saga_url;
    const char *service_secret;
    const char *output;
    const char *state;
    const char *reason;
    const char *by;
    int64_t limit;
    bool dry_run;
};

struct sagas {
    const struct sagas_config *config;
    const struct tool *tool;
    struct arena *arena;
};

extern const struct sql_statement *const SAGAS_STATEMENTS[]; /* of the database's verbs */

MUST_CHECK enum status sagas_list(const struct sagas *sagas, struct db *db, struct error *err);
MUST_CHECK enum status sagas_show(const struct sagas *sagas, struct db *db, const char *id_text,
                                  struct error *err);

/* retry, compensate, abandon; of each saga, in turn. Gives an exit code. */
int sagas_do(const struct sagas *sagas, const char *deed, char *const *ids, size_t count);

#endif
