/* gateway/batch.h - POST /v1/authorizations/batch: many at once, each for itself.
 *
 * Purpose:   {"items": [...]}, 1 to 1,000 of what /authorize takes, answered as {"items": [...]} in
 *            the same order, each an authorization or a problem; one bad item spoils no other. The
 *            header's key covers the whole; an item's own is made of it and its index.
 * Units:     none.
 * Ownership: the visit is handed on; items live in the request's arena.
 * Errors:    a body of another shape is refused as a whole: 422 validation_failed.
 * Threads:   batch_item_answered from any thread. */
#ifndef GATEWAY_BATCH_H
#define GATEWAY_BATCH_H

#include "gateway/hop.h"

void batch_handle(struct visit *visit);

/* One item of the visit has its answer; the last one answers the client. */
void batch_item_answered(struct hop_item *item);

#endif
