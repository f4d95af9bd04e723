/* platform/aws/aws_reply.h - what an answer of AWS means for the call it answers.
 *
 * Purpose:   tells done, refused, throttled and failed apart, and finds the error's code and words
 *            in either dialect: JSON's `__type`, or <Code> of the query protocol.
 * Units:     none.
 * Ownership: code and message live in the arena given.
 * Errors:    none; an answer that says nothing is judged by its HTTP status.
 * Threads:   values. */
#ifndef PLATFORM_AWS_AWS_REPLY_H
#define PLATFORM_AWS_AWS_REPLY_H

#include "platform/aws/aws_client.h"

/* Judges by `status` and `reply`; sets `outcome`, `code` and `message`. */
void aws_reply_judge(struct arena *arena, struct aws_call *call);

/* The credentials it was signed with have run out, or are not known any more: fresh ones may do. */
bool aws_reply_wants_fresh_credentials(const struct aws_call *call);

#endif
