/* platform/bus/sqs_keeper.h - keeps received messages from others while they are worked on.
 *
 * Purpose:   SQS hands a message to somebody else when its visibility timeout has passed. A thread
 *            puts that off for as long as its consumer holds the messages, but not for ever: a
 *            consumer that hangs loses them.
 * Units:     seconds, as SQS counts.
 * Ownership: receipts are copied; the keeper owns its thread and its client.
 * Errors:    sqs_keeper_start: no region is set. Later ones are tried again until the time is over.
 * Threads:   the functions belong to the consumer's thread. */
#ifndef PLATFORM_BUS_SQS_KEEPER_H
#define PLATFORM_BUS_SQS_KEEPER_H

#include "base/error.h"
#include "base/text.h"

struct sqs_keeper;

MUST_CHECK enum status sqs_keeper_start(int64_t visibility_s, struct sqs_keeper **keeper_out,
                                        struct error *err);
void sqs_keeper_stop(struct sqs_keeper *keeper); /* accepts NULL */

/* From now on these, instead of others. */
void sqs_keeper_hold(struct sqs_keeper *keeper, struct text url, const struct text *receipts,
                     size_t count);
/* They are worked on once more: the time begins anew. Writes which of them are lost: SQS said that
 * others may have them by now. */
void sqs_keeper_hold_on(struct sqs_keeper *keeper, bool *lost_out);
void sqs_keeper_let_go(struct sqs_keeper *keeper);

#endif
