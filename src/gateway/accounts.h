/* gateway/accounts.h - /v1/accounts/{user_id}: credit lines, their balances and entries.
 *
 * Purpose:   an operator sets limit, currency and status (PUT, through the hop, in order with the
 *            account's decisions); anybody with the scope reads.
 * Units:     none.
 * Ownership: the visit is handed on.
 * Errors:    400 parameter_invalid for a user id that cannot be one; 404 not_found.
 * Threads:   the door's thread. */
#ifndef GATEWAY_ACCOUNTS_H
#define GATEWAY_ACCOUNTS_H

#include "gateway/visit.h"

void accounts_put(struct visit *visit);
void accounts_get(struct visit *visit);
void accounts_get_balance(struct visit *visit);
/* From the ledger's books, page by page. */
void accounts_get_entries(struct visit *visit);

#endif
