/* gateway/pages.h - what everybody may read: health, problems, the API's description.
 *
 * Purpose:   /livez, /readyz, /problems/<code>, /openapi.yaml; no key, no secrets.
 * Units:     none.
 * Ownership: the visit is answered.
 * Errors:    404 for a problem that is none.
 * Threads:   the door's thread. */
#ifndef GATEWAY_PAGES_H
#define GATEWAY_PAGES_H

#include "gateway/visit.h"

void pages_health(struct visit *visit);
void pages_problem(struct visit *visit);
void pages_openapi(struct visit *visit);

#endif
