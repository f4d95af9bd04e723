/* ledger/routes.h - the door of the ledger where questions come in: HTTP.
 *
 * Purpose:   GET /internal/accounts/{account_id}/entries and /balance, for services that show the
 *            shared secret. Nothing is changed here.
 * Units:     none.
 * Ownership: the door lives in the arena given and owns its server and its readers; config and
 *            arena must outlive it.
 * Errors:    ledger_door_start: the address cannot be had. Everything else is answered.
 * Threads:   main thread. */
#ifndef LEDGER_ROUTES_H
#define LEDGER_ROUTES_H

#include "ledger/service.h"

struct arena;
struct ledger_door;

MUST_CHECK enum status ledger_door_start(const struct ledger_config *config, struct arena *arena,
                                         struct ledger_door **door_out, struct error *err);
void ledger_door_drain(struct ledger_door *door);
int ledger_door_open_requests(const struct ledger_door *door);
void ledger_door_stop(struct ledger_door *door); /* accepts NULL */

#endif
