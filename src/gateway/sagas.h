/* gateway/sagas.h - how the booking of an authorization stands: GET /v1/sagas.
 *
 * Purpose:   one saga by its id, or those of a state, page by page.
 * Units:     none.
 * Ownership: the visit is handed on.
 * Errors:    404 not_found, 400 parameter_invalid.
 * Threads:   any. */
#ifndef GATEWAY_SAGAS_H
#define GATEWAY_SAGAS_H

#include "gateway/visit.h"

void sagas_get(struct visit *visit);
void sagas_find(struct visit *visit);

#endif
