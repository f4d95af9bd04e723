/* gateway/routes.h - every public route, in one table.
 *
 * Purpose:   which handler answers which method and path, and what scope its caller needs.
 * Units:     none.
 * Ownership: constants of the program.
 * Errors:    no such path: 404; no such method there: 405 with Allow; no key or a wrong one: 401;
 *            a key without the scope: 403.
 * Threads:   the door's thread, or the keyring's where a request has waited for it. */
#ifndef GATEWAY_ROUTES_H
#define GATEWAY_ROUTES_H

#include "gateway/scope.h"
#include "gateway/visit.h"

struct route {
    const char *method;
    const char *path;
    enum scope scope;
    void (*handle)(struct visit *visit);
};

/* How many there are, and the one that is none; routes 1 to ROUTE_COUNT - 1 have names. */
enum { ROUTE_COUNT = 17 };
const char *routes_method(size_t at);
const char *routes_path(size_t at);

/* Finds the route of a visit, who its caller is, and hands it over. */
void routes_dispatch(struct visit *visit);

/* The largest body that may be sent to a path. */
size_t routes_body_size_max(struct text method, struct text path);

#endif
