/* gateway/query.h - query parameters, checked and passed on to another service.
 *
 * Purpose:   a route names the parameters it takes; everything else is refused by name, so that a
 *            misspelt filter does not answer everything.
 * Units:     none.
 * Ownership: results live in the request's arena.
 * Errors:    NULL: the visit has been refused with 400 parameter_invalid.
 * Threads:   values. */
#ifndef GATEWAY_QUERY_H
#define GATEWAY_QUERY_H

#include "gateway/visit.h"

/* base + path (which may have a query of its own) + the parameters that were sent, encoded anew.
 * `names` ends with NULL. `limit` must be 1 to 200. */
MUST_CHECK const char *query_pass_on(struct visit *visit, const char *base, const char *path,
                                     const char *const names[]);

#endif
