#include "platform/bus/sqs_keeper.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/bus/sqs_calls.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/worker.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    ARENA_SIZE_MAX = 16 * 1024 * 1024,
    BEATS = 3, /* within one visibility timeout */
    TRIES_MAX = 2,
};

static const int64_t HOLD_US = 300 * 1000000LL; /* a consumer that needs longer hangs */

struct sqs_keeper {
    struct aws_client *client;
    struct arena *scratch; /* of one beat */
    struct loop *loop;
    int64_t visibility_s;
    pthread_mutex_t mutex; /* of all below */
    struct arena *arena;   /* of what is held */
    struct text url;
    struct text *receipts;
    bool *is_lost;
    size_t count;
    int64_t until_us;
    unsigned generation; /* tells one hold from the next */
};

/* What a beat works on, without the lock. */
struct beat {
    struct sqs_change change;
    unsigned generation;
};

static bool begin_beat(struct sqs_keeper *keeper, struct beat *beat_out)
{
    pthread_mutex_lock(&keeper->mutex);
    const bool is_due = keeper->count > 0 && clock_monotonic_us() < keeper->until_us;
    if (is_due) {
        struct text *receipts = ARENA_NEW_ARRAY(keeper->scratch, struct text, keeper->count);
        for (size_t at = 0; at < keeper->count; at++)
            receipts[at] = text_copy(keeper->scratch, keeper->receipts[at]);
        *beat_out = (struct beat){
            .change = {.url = text_copy(keeper->scratch, keeper->url),
                       .receipts = receipts,
                       .count = keeper->count,
                       .visibility_s = keeper->visibility_s,
                       .wait_ms = keeper->visibility_s * 1000 / BEATS},
            .generation = keeper->generation,
        };
    }
    pthread_mutex_unlock(&keeper->mutex);
    return is_due;
}

static void end_beat(struct sqs_keeper *keeper, const struct beat *beat, const enum sqs_fate *fates)
{
    int64_t lost = 0;
    pthread_mutex_lock(&keeper->mutex);
    const bool is_same = keeper->generation == beat->generation;
    for (size_t at = 0; is_same && at < keeper->count; at++) {
        lost += fates[at] == SQS_LOST && !keeper->is_lost[at];
        keeper->is_lost[at] |= fates[at] == SQS_LOST;
    }
    pthread_mutex_unlock(&keeper->mutex);
    if (lost > 0)
        log_warning(NULL, "bus.lost_hold", "messages that are worked on may go to others as well",
                    kv_text("queue", beat->change.url), kv_i64("messages", lost));
}

static int beat(void *context)
{
    struct sqs_keeper *keeper = context;
    struct beat beat;
    struct error err;
    arena_reset(keeper->scratch);
    if (begin_beat(keeper, &beat)) {
        enum sqs_fate *fates = ARENA_NEW_ARRAY(keeper->scratch, enum sqs_fate, beat.change.count);
        if (sqs_change(keeper->client, keeper->scratch, &beat.change, fates, &err) == OK)
            end_beat(keeper, &beat, fates);
    }
    return (int)(keeper->visibility_s * 1000 / BEATS);
}

enum status sqs_keeper_start(int64_t visibility_s, struct sqs_keeper **keeper_out,
                             struct error *err)
{
    struct aws_client *client = NULL;
    const struct aws_client_config config = {
        .service = AWS_SQS, .connections_max = 4, .tries_max = TRIES_MAX};
    TRY(aws_client_new(&config, &client, err));
    struct sqs_keeper *keeper = calloc(1, sizeof *keeper);
    ASSERT(keeper != NULL);
    keeper->client = client;
    keeper->scratch = arena_new(ARENA_SIZE_MAX);
    keeper->arena = arena_new(ARENA_SIZE_MAX);
    keeper->visibility_s = visibility_s;
    ASSERT(pthread_mutex_init(&keeper->mutex, NULL) == 0);
    keeper->loop = loop_start("keeper", beat, keeper);
    *keeper_out = keeper;
    return OK;
}

void sqs_keeper_stop(struct sqs_keeper *keeper)
{
    if (keeper == NULL)
        return;
    loop_stop(keeper->loop);
    aws_client_free(keeper->client);
    arena_free(keeper->scratch);
    arena_free(keeper->arena);
    pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
}

void sqs_keeper_hold(struct sqs_keeper *keeper, struct text url, const struct text *receipts,
                     size_t count)
{
    pthread_mutex_lock(&keeper->mutex);
    arena_reset(keeper->arena);
    keeper->url = text_copy(keeper->arena, url);
    keeper->receipts = ARENA_NEW_ARRAY(keeper->arena, struct text, count);
    keeper->is_lost = ARENA_NEW_ARRAY(keeper->arena, bool, count);
    for (size_t at = 0; at < count; at++)
        keeper->receipts[at] = text_copy(keeper->arena, receipts[at]);
    keeper->count = count;
    keeper->until_us = clock_monotonic_us() + HOLD_US;
    keeper->generation++;
    pthread_mutex_unlock(&keeper->mutex);
}

void sqs_keeper_hold_on(struct sqs_keeper *keeper, bool *lost_out)
{
    pthread_mutex_lock(&keeper->mutex);
    memcpy(lost_out, keeper->is_lost, keeper->count * sizeof *lost_out);
    keeper->until_us = clock_monotonic_us() + HOLD_US;
    pthread_mutex_unlock(&keeper->mutex);
}

void sqs_keeper_let_go(struct sqs_keeper *keeper)
{
    pthread_mutex_lock(&keeper->mutex);
    keeper->count = 0;
    keeper->generation++;
    pthread_mutex_unlock(&keeper->mutex);
}
