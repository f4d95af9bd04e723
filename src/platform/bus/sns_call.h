/* platform/bus/sns_call.h - one call to SNS or SQS, and what its outcome means for the bus.
 *
 * Purpose:   gives the outcomes of AWS calls the bus's own names, with the words of the service.
 * Units:     milliseconds.
 * Ownership: texts in the arena given.
 * Errors:    ERR_NOT_FOUND: the topic or queue is not there. ERR_INVALID: refused for what it
 *            asks. ERR_BROKEN: not allowed, or no credentials. ERR_DOWN: not reached or throttled,
 *            without effect. ERR_UNKNOWN: perhaps done.
 * Threads:   as the client. */
#ifndef PLATFORM_BUS_SNS_CALL_H
#define PLATFORM_BUS_SNS_CALL_H

#include "platform/aws/aws_client.h"

MUST_CHECK enum status sns_outcome(const struct aws_call *call, struct error *err);
/* Who asks may not. */
bool sns_is_denied(const struct aws_call *call);
bool sns_has_code(const struct aws_call *call, const char *code);

/* aws_client_run, with its errors as above; the outcome of each call is for sns_outcome. */
MUST_CHECK enum status sns_run_all(struct aws_client *client, struct arena *arena,
                                   const struct aws_batch *batch, struct error *err);
/* Sends one call and waits at most `wait_ms`. */
MUST_CHECK enum status sns_run(struct aws_client *client, struct arena *arena,
                               struct aws_call *call, int64_t wait_ms, struct error *err);

#endif
