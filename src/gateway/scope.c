#include "gateway/scope.h"

#include "base/assert.h"

static const struct {
    const char *name;
    enum scope scope;
} SCOPES[] = {
    {"auth:write", SCOPE_AUTH_WRITE},
    {"auth:read", SCOPE_AUTH_READ},
    {"ledger:read", SCOPE_LEDGER_READ},
    {"admin", SCOPE_ADMIN},
};

unsigned scope_parse_list(struct text names)
{
    unsigned scopes = SCOPE_NONE;
    while (!text_is_none(names)) {
        const struct text name = text_cut(&names, ' ');
        for (size_t at = 0; at < COUNT(SCOPES); at++)
            if (text_equals_c(name, SCOPES[at].name))
                scopes |= SCOPES[at].scope;
    }
    return scopes;
}

const char *scope_name(enum scope scope)
{
    for (size_t at = 0; at < COUNT(SCOPES); at++)
        if (SCOPES[at].scope == scope)
            return SCOPES[at].name;
    UNREACHABLE();
}

bool scope_allows(unsigned scopes, enum scope wanted)
{
    return wanted == SCOPE_NONE || (scopes & ((unsigned)wanted | SCOPE_ADMIN)) != 0;
}
