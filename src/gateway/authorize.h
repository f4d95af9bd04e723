/* gateway/authorize.h - POST /authorize, POST /v1/authorizations: may this be spent?
 *
 * Purpose:   reads and validates a request and hands it to the hop; the answer is a decision,
 *            approved or declined, durable before it leaves.
 * Units:     none.
 * Ownership: the visit is handed on; items live in the request's arena.
 * Errors:    every refusal that needs no account is answered here.
 * Threads:   the door's thread. */
#ifndef GATEWAY_AUTHORIZE_H
#define GATEWAY_AUTHORIZE_H

#include "base/json.h"
#include "gateway/hop.h"

void authorize_handle(struct visit *visit);

/* Reads one request, alone or of a batch, into an item; all but the key's hash. False: the item has
 * its answer, a refusal. */
MUST_CHECK bool authorize_read_item(struct visit *visit, const struct json_value *body,
                                    struct hop_item *item);

#endif
