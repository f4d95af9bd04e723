/* gateway/scope.h - what an API key allows.
 *
 * Purpose:   the names of the scopes and their bits. `admin` allows everything.
 * Units:     none.
 * Ownership: values.
 * Errors:    names that nobody knows are ignored: a key may carry scopes of later versions.
 * Threads:   values. */
#ifndef GATEWAY_SCOPE_H
#define GATEWAY_SCOPE_H

#include "base/text.h"

enum scope {
    SCOPE_NONE = 0, /* open to everybody */
    SCOPE_AUTH_WRITE = 1 << 0,
    SCOPE_AUTH_READ = 1 << 1,
    SCOPE_LEDGER_READ = 1 << 2,
    SCOPE_ADMIN = 1 << 3,
};

/* "auth:write auth:read" as bits. */
unsigned scope_parse_list(struct text names);
const char *scope_name(enum scope scope);
bool scope_allows(unsigned scopes, enum scope wanted);

#endif
