/* gateway/token_bucket.h - how many requests somebody may send in a time.
 *
 * Purpose:   a bucket holds at most `burst` tokens and gets `rate` new ones a second. Who finds a
 *            whole one is let in and takes it. What turns out to count for more, as a batch does,
 *            is charged afterwards: the bucket then owes, and whoever comes next waits for longer.
 *            So nothing is too large to be ever let in, and over time the rate holds all the same.
 * Units:     whole tokens; times in microseconds of the monotonic clock.
 * Ownership: a value; its owner guards it.
 * Errors:    none.
 * Threads:   one at a time. */
#ifndef GATEWAY_TOKEN_BUCKET_H
#define GATEWAY_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TOKEN_RATE_MAX = 1000000,
    TOKEN_BURST_MAX = 1000000,
};

struct token_bucket {
    int64_t rate_per_s;       /* 0: no limit, every request is let in */
    int64_t burst;            /* at least 1, where there is a limit   */
    int64_t level_millionths; /* of tokens; negative: it owes         */
    int64_t filled_us;        /* when it was last filled; 0: never    */
};

/* A full bucket. */
struct token_bucket token_bucket_make(int64_t rate_per_s, int64_t burst);
/* 0: let in. Otherwise how long until there is a token, if nobody else takes it. */
int64_t token_bucket_take(struct token_bucket *bucket, int64_t now_us);
/* What was let in counts for so many more. */
void token_bucket_charge(struct token_bucket *bucket, int64_t tokens);
/* The limit has changed: keeps what is left, as far as the new burst has room for it. */
void token_bucket_adopt(struct token_bucket *bucket, const struct token_bucket *before);

#endif
