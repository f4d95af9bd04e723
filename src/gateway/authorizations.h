/* gateway/authorizations.h - GET /v1/authorizations: one by its id, or some by whose they are.
 *
 * Purpose:   by id; by transaction_id (none or one); by user_id, newest first, page by page.
 * Units:     none.
 * Ownership: the visit is handed on.
 * Errors:    404 not_found, 400 parameter_invalid.
 * Threads:   the door's thread. */
#ifndef GATEWAY_AUTHORIZATIONS_H
#define GATEWAY_AUTHORIZATIONS_H

#include "gateway/visit.h"

void authorizations_get(struct visit *visit);
void authorizations_find(struct visit *visit);

#endif
