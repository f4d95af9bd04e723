/* platform/bus/sns_sender.h - publishes entries to topics of SNS, in order within a group.
 *
 * Purpose:   PublishBatch takes ten entries, and any of them may fail alone. So that nothing
 *            overtakes what failed, a batch has at most one entry of a group: the first of every
 *            group go out in parallel batches, then the second of those whose first was taken,
 *            and so on.
 * Units:     sizes in bytes.
 * Ownership: texts borrow from the caller.
 * Errors:    those of sns_call.h, of the first failure. is_sent says what SNS has taken.
 * Threads:   as the client. */
#ifndef PLATFORM_BUS_SNS_SENDER_H
#define PLATFORM_BUS_SNS_SENDER_H

#include "platform/aws/aws_client.h"

struct sns_attribute {
    const char *name;
    struct text value; /* TEXT_NONE: left out, as is an empty one */
};

enum { SNS_ATTRIBUTES_MAX = 4, SNS_SIZE_MAX = 256 * 1024 };

struct sns_entry {
    struct text topic_arn;
    struct text body;          /* TEXT_NONE: cannot be sent, and stops its group */
    struct text group;         /* TEXT_NONE: a standard topic, in no order */
    struct text deduplication; /* with a group */
    struct sns_attribute attributes[SNS_ATTRIBUTES_MAX];
    bool is_sent; /* entries that are sent already are passed over */
};

MUST_CHECK enum status sns_send(struct aws_client *client, struct arena *arena,
                                struct sns_entry *entries, size_t count, struct error *err);

#endif
