/* gateway/hop_message.h - the hop's request and answer as JSON.
 *
 * Purpose:   POST /internal/authorizations of the authorization service: {"items": [...]} both
 *            ways, in the same order. The bodies for the clients are passed on as they came.
 * Units:     deadline_ms: milliseconds left for an item, counted from now_us.
 * Ownership: texts live in the arena.
 * Errors:    ERR_BROKEN: the answer is not what was agreed; no item has been written to.
 * Threads:   values. */
#ifndef GATEWAY_HOP_MESSAGE_H
#define GATEWAY_HOP_MESSAGE_H

#include "gateway/hop.h"

struct text hop_message_write(struct arena *arena, struct hop_item *const *items, size_t count,
                              int64_t now_us);
MUST_CHECK enum status hop_message_read(struct arena *arena, struct text body,
                                        struct hop_item *const *items, size_t count,
                                        struct error *err);

#endif
