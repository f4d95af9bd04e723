/* platform/aws/aws_client.h - signed calls to one AWS service, many at a time.
 *
 * Purpose:   a batch of calls goes out in parallel over few kept connections, each signed
 *            (Signature Version 4); what was throttled or got lost is tried again with a jittered
 *            back-off while the deadline allows. What an answer means is the caller's business.
 *            Region, endpoint and credentials are found by the standard AWS_* names
 *            (aws_endpoint.h, aws_credentials.h).
 * Units:     times in milliseconds; deadlines in microseconds of the monotonic clock.
 * Ownership: replies, codes and messages live in the arena given to aws_client_run.
 * Errors:    of aws_client_new, ERR_INVALID: no region is set, or an endpoint that is no URL.
 *            Of aws_client_run: nothing was sent because there are no credentials (ERR_INVALID:
 *            none are set, the text says what to set; ERR_DOWN, ERR_TIMEOUT: whoever gives them
 *            does not answer). OK: each call has its own outcome.
 * Threads:   a client belongs to one thread; only aws_client_wake may come from another.
 *            http_client_init_all first. */
#ifndef PLATFORM_AWS_AWS_CLIENT_H
#define PLATFORM_AWS_AWS_CLIENT_H

#include "base/error.h"
#include "base/text.h"

struct arena;
struct aws_client;
struct aws_provider;

enum aws_service { AWS_DYNAMODB, AWS_SNS, AWS_SQS };

struct aws_client_config {
    enum aws_service service;
    int connections_max;           /* calls under way at once; 0: 16 */
    int timeout_ms;                /* of one try; 0: 5000 */
    int tries_max;                 /* of one call; 0: as many as the deadline allows */
    struct aws_provider *provider; /* of credentials; NULL: the one that all share */
};

enum aws_outcome {
    AWS_DONE,      /* 2xx */
    AWS_REFUSED,   /* the same again would be refused again: `code` says why */
    AWS_THROTTLED, /* too much at once, to the last try: it has had no effect */
    AWS_FAILED,    /* 5xx, a lost connection, or no answer in time, to the last try */
};

struct aws_call {
    const char *action; /* PutItem, ReceiveMessage, PublishBatch ... */
    struct text body;   /* JSON; of SNS a form (aws_form.h), which says its Action by itself */
    int timeout_ms;     /* of one try of this call (a long poll); 0: the client's */

    /* Written by aws_client_run. */
    enum aws_outcome outcome;
    int status;          /* HTTP status of the last try; 0: none came */
    struct text reply;   /* body of the last try's answer; TEXT_NONE: none came */
    struct text code;    /* of an error: ConditionalCheckFailedException; else TEXT_NONE */
    struct text message; /* of an error, in the service's words; else TEXT_NONE */
    int tries;           /* how often it was sent */
    bool may_be_done;    /* a try was sent whose answer never came: it may have had its effect,
                            whatever `outcome` says of later tries */
};

MUST_CHECK enum status aws_client_new(const struct aws_client_config *config,
                                      struct aws_client **client_out, struct error *err);
void aws_client_free(struct aws_client *client); /* accepts NULL */

/* Where it calls, for log lines: http://127.0.0.1:8000/ */
const char *aws_client_url(const struct aws_client *client);
const char *aws_client_region(const struct aws_client *client);

struct aws_batch {
    struct aws_call *const *calls;
    size_t count;
    int64_t deadline_us;
};

/* Sends all and waits until each has its outcome, at the latest at the deadline. */
MUST_CHECK enum status aws_client_run(struct aws_client *client, struct arena *arena,
                                      const struct aws_batch *batch, struct error *err);

/* Ends an aws_client_run that waits (a long poll), from another thread: its open calls end as
 * AWS_FAILED. One that comes when nothing waits ends the next run at once. */
void aws_client_wake(struct aws_client *client);

#endif
