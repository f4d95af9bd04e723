/* authorization/busy.h - accounts that somebody else keeps locked, as one worker has found them.
 *
 * Purpose:   a batch waits in vain for an account once. From then on the account is busy: it is
 *            asked for without waiting, its requests are refused at once, and everybody else's go
 *            on; whoever gets its lock forgets it.
 * Units:     none.
 * Ownership: a value; zeroed, it is empty.
 * Errors:    none: where there is no room the oldest is forgotten, and waited for once more.
 * Threads:   belongs to one worker. */
#ifndef AUTHORIZATION_BUSY_H
#define AUTHORIZATION_BUSY_H

#include "base/uuid.h"

enum { BUSY_ACCOUNTS_MAX = 256 };

struct busy_accounts {
    struct uuid ids[BUSY_ACCOUNTS_MAX]; /* the oldest first */
    size_t count;
};

bool busy_accounts_has(const struct busy_accounts *busy, const struct uuid *account_id);
/* True: it was not known. */
bool busy_accounts_add(struct busy_accounts *busy, const struct uuid *account_id);
/* True: it was known. */
bool busy_accounts_forget(struct busy_accounts *busy, const struct uuid *account_id);

#endif
