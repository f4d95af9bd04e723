/* authorization/spans.h - what the authorization service tells a trace.
 *
 * Purpose:   one span for each item that the door brought, one for each hold whose time was over;
 *            and for whom the trips of a batch are made.
 * Units:     times in microseconds of the monotonic clock.
 * Ownership: everything is copied, but for the group, which the batch's trips borrow.
 * Errors:    none.
 * Threads:   as the batch. */
#ifndef AUTHORIZATION_SPANS_H
#define AUTHORIZATION_SPANS_H

#include "authorization/batch.h"
#include "platform/tracing/tracing.h"

/* Of an item with an answer; `brought_us`: when the request that brought it arrived. */
void item_span_record(const struct item *item, int64_t brought_us, size_t batch_size);
/* Of a hold that this batch gave back by itself. */
void expiry_span_record(const struct batch_authorization *expired, int64_t begun_us);

#endif
