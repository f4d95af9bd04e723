/* platform/messaging/inbox.h - each event has its effect once.
 *
 * Purpose:   a consumer claims a batch's event ids in the SQL transaction of their effect; an id
 *            that was claimed before is a duplicate and must have none. The claims are sorted, so
 *            that two consumers cannot deadlock on them, and come before every other lock.
 * Units:     none.
 * Ownership: arrays in the arena of the batch.
 * Errors:    those of the round trip.
 * Threads:   as the db. */
#ifndef PLATFORM_MESSAGING_INBOX_H
#define PLATFORM_MESSAGING_INBOX_H

#include "base/uuid.h"
#include "platform/postgres/postgres.h"

struct delivery;

/* Queues the claim of those of deliveries [0, count) that are DELIVERY_APPLIED; its rows are read
 * by inbox_read_claims. The db's config lists messaging_statements (outbox.h). */
void inbox_send_claims(struct db *db, struct arena *arena, const char *group,
                       struct delivery *const *deliveries, size_t count);
/* Marks each delivery whose id was claimed before, here or by a twin in the same batch, as
 * DELIVERY_DUPLICATE. */
void inbox_read_claims(struct sql_rows rows, struct delivery *const *deliveries, size_t count);

#endif
