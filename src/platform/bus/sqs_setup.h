/* platform/bus/sqs_setup.h - the queues that have to be there.
 *
 * Purpose:   makes them where they are not. What exists stays as it is, whatever its attributes;
 *            several services may do this at once. Where making is not allowed, what somebody else
 *            has made is used.
 * Units:     none.
 * Ownership: names, URLs and ARNs live in the arena given.
 * Errors:    ERR_BROKEN: something is not there and may not be made, the text says what. Others
 *            as in sns_call.h.
 * Threads:   as the client. */
#ifndef PLATFORM_BUS_SQS_SETUP_H
#define PLATFORM_BUS_SQS_SETUP_H

#include "platform/aws/aws_client.h"
#include "platform/bus/bus.h"

enum { SQS_RECEIVES_MAX = 5 }; /* then a message goes to the group's dead-letter queue */

struct sqs_setup {
    struct aws_client *sqs;
    const struct bus_config *config;
};

struct sqs_queue {
    struct text name;
    struct text url;
    struct text arn;
};

struct sqs_group {
    struct sqs_queue queue;
    struct sqs_queue dead; /* what SQS itself gives up */
};

MUST_CHECK enum status sqs_setup_group(const struct sqs_setup *setup, struct arena *arena,
                                       const char *group, struct sqs_group *group_out,
                                       struct error *err);
/* The queue in which a topic of dead letters is kept for others to read. */
MUST_CHECK enum status sqs_setup_archive(const struct sqs_setup *setup, struct arena *arena,
                                         struct text topic, struct sqs_queue *queue_out,
                                         struct error *err);

#endif
