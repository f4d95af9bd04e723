/* authorization/item_json.h - the hop: many items in one request, many answers in one reply.
 *
 * Purpose:   the gateway sends what is queued for one worker's lanes as {"items": [...]} and gets
 *            {"items": [...]} back, in order. Each item has an op, its own key, trace and deadline.
 * Units:     deadline_ms counts from now; amounts are decimal text or whole minor units.
 * Ownership: items and what they borrow live in the arena given.
 * Errors:    ERR_INVALID: this is not what a gateway sends; the whole request is refused.
 * Threads:   values. */
#ifndef AUTHORIZATION_ITEM_JSON_H
#define AUTHORIZATION_ITEM_JSON_H

#include "authorization/item.h"

MUST_CHECK enum status items_parse(struct arena *arena, struct text body, struct item **items_out,
                                   size_t *count_out, struct error *err);

/* The reply: status, replayed, location and the exact body for each item. */
struct text items_render(struct arena *arena, const struct item *items, size_t count);

#endif
