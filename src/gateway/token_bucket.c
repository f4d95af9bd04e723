#include "gateway/token_bucket.h"

#include "base/assert.h"

static const int64_t TOKEN = 1000000; /* in millionths: a rate of one a second fills one each us */

struct token_bucket token_bucket_make(int64_t rate_per_s, int64_t burst)
{
    ASSERT(rate_per_s >= 0 && rate_per_s <= TOKEN_RATE_MAX);
    ASSERT(burst >= 0 && burst <= TOKEN_BURST_MAX);
    ASSERT((rate_per_s == 0) == (burst == 0));
    return (struct token_bucket){
        .rate_per_s = rate_per_s, .burst = burst, .level_millionths = burst * TOKEN};
}

/* After a longer time than it takes to fill, it is full: so the product below cannot overflow. */
static void fill(struct token_bucket *bucket, int64_t now_us)
{
    const int64_t room = bucket->burst * TOKEN - bucket->level_millionths;
    const int64_t passed_us = bucket->filled_us == 0 ? 0 : now_us - bucket->filled_us;
    bucket->filled_us = now_us;
    if (passed_us >= room / bucket->rate_per_s + 1)
        bucket->level_millionths += room;
    else if (passed_us > 0)
        bucket->level_millionths += passed_us * bucket->rate_per_s;
    ASSERT(bucket->level_millionths <= bucket->burst * TOKEN);
}

int64_t token_bucket_take(struct token_bucket *bucket, int64_t now_us)
{
    ASSERT(now_us > 0);
    if (bucket->rate_per_s == 0)
        return 0;
    fill(bucket, now_us);
    const int64_t lacking = TOKEN - bucket->level_millionths;
    if (lacking > 0)
        return (lacking + bucket->rate_per_s - 1) / bucket->rate_per_s;
    bucket->level_millionths -= TOKEN;
    return 0;
}

void token_bucket_charge(struct token_bucket *bucket, int64_t tokens)
{
    ASSERT(tokens >= 0 && tokens <= TOKEN_BURST_MAX);
    if (bucket->rate_per_s > 0)
        bucket->level_millionths -= tokens * TOKEN;
}

void token_bucket_adopt(struct token_bucket *bucket, const struct token_bucket *before)
{
    if (bucket->rate_per_s == 0 || before->rate_per_s == 0)
        return;
    bucket->filled_us = before->filled_us;
    if (before->level_millionths < bucket->level_millionths)
        bucket->level_millionths = before->level_millionths;
}
