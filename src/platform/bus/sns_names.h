/* platform/bus/sns_names.h - what topics and consumer groups are called at SNS and SQS.
 *
 * Purpose:   tallystick.authorization.v1 is the topic tallystick-authorization-v1.fifo; the group
 *            ledger reads the queue tallystick-ledger.fifo, whose own dead-letter queue is
 *            tallystick-ledger-dlq.fifo; the topic of dead letters tallystick.ledger.v1.dlq has a
 *            queue of its name, for others to read.
 * Units:     none.
 * Ownership: names live in the arena.
 * Errors:    ERR_INVALID: longer than a queue's name may be, or a character it may not have.
 * Threads:   values. */
#ifndef PLATFORM_BUS_SNS_NAMES_H
#define PLATFORM_BUS_SNS_NAMES_H

#include "base/error.h"
#include "base/text.h"

struct arena;

enum { SNS_NAME_SIZE_MAX = 80 };

MUST_CHECK enum status sns_name_topic(struct arena *arena, struct text topic, struct text *name_out,
                                      struct error *err);
/* `prefix`: of all topics; may be NULL. */
MUST_CHECK enum status sns_name_queue(struct arena *arena, const char *prefix, const char *group,
                                      struct text *name_out, struct error *err);
/* `name`: of a group's queue. */
MUST_CHECK enum status sns_name_dead_letter_queue(struct arena *arena, struct text name,
                                                  struct text *name_out, struct error *err);

/* The ARN of another thing in the same account and region: arn:aws:sqs:r:1:q and sns, t give
 * arn:aws:sns:r:1:t. TEXT_NONE: `arn` is none. */
struct text sns_arn_beside(struct arena *arena, struct text arn, const char *service,
                           struct text name);

#endif
