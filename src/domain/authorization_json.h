/* domain/authorization_json.h - an authorization and an account as clients and consumers read them.
 *
 * Purpose:   the one place that knows these bodies. A body is rendered from immutable columns up to
 *            a version, so that a replay is byte-identical whatever happened since.
 * Units:     amounts as in domain/money_json.h.
 * Ownership: writes into the writer given.
 * Errors:    none.
 * Threads:   values. */
#ifndef DOMAIN_AUTHORIZATION_JSON_H
#define DOMAIN_AUTHORIZATION_JSON_H

#include "base/json.h"
#include "domain/account.h"
#include "domain/authorization.h"

/* Stored with each authorization. A change of what authorization_write prints is a new number, and
 * the old one is still printed for the authorizations that carry it. */
enum { AUTHORIZATION_BODY_FORMAT = 1 };

struct authorization_view {
    const struct authorization *authorization;
    const struct authorization_change *changes; /* all of it, in order of version */
    size_t change_count;
    int64_t version;    /* as it was at this version; later changes are left out */
    bool shows_reasons; /* every failing check: for trusted callers only */
};

/* The body of an answer. */
void authorization_write(struct json_writer *w, const char *name,
                         const struct authorization_view *view);

/* The payload of an event: the state after it, and change{from,to,by}; `from` NULL: it is new. */
void authorization_event_write(struct json_writer *w, const struct authorization *authorization,
                               const char *from, struct text by);

void account_write(struct json_writer *w, const char *name, const struct account *account);
void account_balance_write(struct json_writer *w, const struct account *account);
/* As authorization_event_write. */
void account_event_write(struct json_writer *w, const struct account *account, const char *from,
                         const char *by);

#endif
