/* platform/bus/sqs_calls.h - what is asked of a queue: receive, delete, keep from others.
 *
 * Purpose:   writes the calls of SQS's JSON protocol and reads its answers.
 * Units:     seconds, as SQS counts; microseconds since 1970.
 * Ownership: everything lives in the arena given.
 * Errors:    those of sns_call.h; ERR_BROKEN: an answer that cannot be read.
 * Threads:   as the client. */
#ifndef PLATFORM_BUS_SQS_CALLS_H
#define PLATFORM_BUS_SQS_CALLS_H

#include "platform/aws/aws_client.h"

enum { SQS_BATCH_MAX = 10 };

struct sqs_message {
    struct text body;
    struct text receipt;
    struct text message_id;    /* SQS's own */
    struct text group;         /* the key */
    struct text deduplication; /* the event's id */
    struct text topic;         /* a message attribute; TEXT_NONE: it has none */
    int64_t sent_us;
    int64_t receives; /* this one counted */
};

/* One ReceiveMessage, ready for aws_client_run. Tried again after a lost answer, it gives the same
 * messages: it has an attempt id. */
struct sqs_receive {
    struct text url;
    int64_t count_max; /* 1 to SQS_BATCH_MAX */
    int64_t wait_s;
    int64_t visibility_s;
};
struct aws_call sqs_receive_call(struct arena *arena, const struct sqs_receive *receive);
struct sqs_list {
    struct sqs_message *messages;
    size_t count;
    size_t capacity;
};
/* Adds what the answer says to the list. */
MUST_CHECK enum status sqs_read_received(struct arena *arena, const struct aws_call *call,
                                         struct sqs_list *list, struct error *err);

enum sqs_fate {
    SQS_FAILED, /* try again */
    SQS_DONE,
    SQS_LOST, /* others may have it by now */
};

enum { SQS_DELETE = -1 };

struct sqs_change {
    struct text url;
    const struct text *receipts;
    size_t count;
    int64_t visibility_s; /* from now; 0: others may have it; SQS_DELETE: it is done */
    int64_t wait_ms;
};
/* In batches, all at once. `fates_out` is written on OK only; OK says nothing of any message. */
MUST_CHECK enum status sqs_change(struct aws_client *client, struct arena *arena,
                                  const struct sqs_change *change, enum sqs_fate *fates_out,
                                  struct error *err);

#endif
