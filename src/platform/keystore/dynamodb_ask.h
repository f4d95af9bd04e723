/* platform/keystore/dynamodb_ask.h - the requests of many claims, on their way to DynamoDB.
 *
 * Purpose:   many requests travel as PartiQL statements, 25 in a call, which costs DynamoDB and us
 *            a fraction of single calls. A statement can say yes, but a no brings no record along,
 *            so whatever a statement did not do is asked again by a single conditional call, whose
 *            no brings the record that stood in the way. Few requests are asked singly at once.
 * Units:     deadlines in microseconds of the monotonic clock.
 * Ownership: replies live in the arena given.
 * Errors:    none: a request without an answer says so; `trouble` is the call that got none.
 * Threads:   as the client. */
#ifndef PLATFORM_KEYSTORE_DYNAMODB_ASK_H
#define PLATFORM_KEYSTORE_DYNAMODB_ASK_H

#include "platform/keystore/dynamodb_record.h"

struct aws_call;
struct aws_client;

enum dynamodb_answer {
    DYNAMODB_SILENCE, /* no answer, or one that says nothing about the record */
    DYNAMODB_YES,     /* done                                                 */
    DYNAMODB_NO,      /* the condition does not hold                          */
};

struct dynamodb_request {
    enum dynamodb_verb verb;
    struct keystore_claim *claim;
    size_t place; /* of the claim in its batch */

    /* Written by dynamodb_ask. */
    enum dynamodb_answer answer;
    struct text reply; /* of a single call; TEXT_NONE: a statement said yes */
    bool may_be_done;  /* DYNAMODB_SILENCE: it may have had its effect */
};

struct dynamodb_asking {
    struct aws_client *client;
    const struct dynamodb_claimant *claimant;
    struct arena *arena;
    int64_t deadline_us;
    const struct aws_call *trouble; /* written: the first call without an answer; NULL: none */
};

enum {
    DYNAMODB_STATEMENTS_MAX = 25, /* in one call */
    DYNAMODB_SINGLES_MAX = 4,     /* up to so many requests are asked singly */
};

void dynamodb_ask(struct dynamodb_asking *asking, struct dynamodb_request *requests, size_t count);

#endif
