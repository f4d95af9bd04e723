#include "platform/tracing/exporter.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/random.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/tracing/otlp_encode.h"
#include "platform/tracing/otlp_post.h"
#include "platform/tracing/tracing_metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    TRIES_MAX = 5,
    PAUSE_FIRST_MS = 1000,
    PAUSE_MAX_MS = 5000,
    RETRY_AFTER_MS_MAX = 30000, /* whoever asks for more is not waited for */
    BATCH_BYTES_MAX = 2 * 1024 * 1024,
};

static const size_t ARENA_SIZE_MAX = 128u * 1024 * 1024;

struct exporter {
    const struct tracing_settings *settings;
    struct otlp_source source;
    struct span_queue *queue;
    struct otlp_post *post;
    struct arena *arena; /* of one batch */
    const struct span_record **records;
    atomic_int_least64_t stop_at_us; /* 0: not stopping; then nothing is tried any more */
    bool is_failing;                 /* said once */
    pthread_t thread;
};

/* ---- one batch ------------------------------------------------------------------------------- */

/* When to be done: the try's own time, and what is left when the service stops. */
static int64_t time_left_ms(const struct exporter *exporter)
{
    const int64_t stop_at_us = atomic_load(&exporter->stop_at_us);
    if (stop_at_us == 0)
        return exporter->settings->timeout_ms;
    const int64_t left_ms = (stop_at_us - clock_monotonic_us()) / 1000;
    return left_ms < exporter->settings->timeout_ms ? left_ms : exporter->settings->timeout_ms;
}

/* Between half of the pause and all of it: five services that were refused together do not come
 * again together. */
static int64_t jitter(int64_t pause_ms)
{
    uint32_t noise;
    random_bytes(&noise, sizeof noise);
    return pause_ms / 2 + noise % (pause_ms / 2 + 1);
}

static int64_t pause_ms(const struct otlp_answer *answer, int tries)
{
    if (answer->retry_after_ms > 0)
        return answer->retry_after_ms;
    const int64_t wished_ms = (int64_t)PAUSE_FIRST_MS << (tries - 1);
    return jitter(wished_ms < PAUSE_MAX_MS ? wished_ms : PAUSE_MAX_MS);
}

static bool deserves_another_try(const struct otlp_answer *answer, int tries)
{
    return answer->outcome == OTLP_TRY_AGAIN && tries < TRIES_MAX &&
           answer->retry_after_ms <= RETRY_AFTER_MS_MAX;
}

/* Posts until the receiver has taken it, refused it, or the tries are used up. */
static struct otlp_answer deliver(struct exporter *exporter, struct text body)
{
    struct otlp_answer answer = {.outcome = OTLP_TRY_AGAIN, .why = "no time was left"};
    for (int tries = 1;; tries++) {
        const int64_t left_ms = time_left_ms(exporter);
        if (left_ms <= 0)
            return answer;
        const int64_t begun_us = clock_monotonic_us();
        answer = otlp_post_send(exporter->post, exporter->arena, body, left_ms);
        metric_observe(&METRIC_SPAN_EXPORT_DURATION, 0, clock_monotonic_us() - begun_us);
        if (!deserves_another_try(&answer, tries))
            return answer;
        if (span_queue_is_closed(exporter->queue))
            return answer; /* a service that stops does not wait for a collector */
        span_queue_rest(exporter->queue, pause_ms(&answer, tries));
    }
}

/* ---- what became of it ----------------------------------------------------------------------- */

static void tell_failed(struct exporter *exporter, const struct otlp_answer *answer)
{
    if (!exporter->is_failing)
        log_warning(NULL, "tracing.failing",
                    "spans do not reach the collector; they are dropped and counted",
                    kv_str("url", exporter->settings->url), kv_str("why", answer->why),
                    kv_i64("status", answer->http_status));
    exporter->is_failing = true;
}

static void tell_delivered(struct exporter *exporter)
{
    if (exporter->is_failing)
        log_info(NULL, "tracing.recovered", "spans reach the collector again",
                 kv_str("url", exporter->settings->url));
    exporter->is_failing = false;
}

static void count(enum spans_exported outcome, int64_t spans)
{
    metric_add(&METRIC_SPANS_EXPORTED, outcome, spans);
}

static void settle(struct exporter *exporter, const struct otlp_answer *answer, size_t spans)
{
    const int64_t all = (int64_t)spans;
    const int64_t rejected = answer->rejected < all ? answer->rejected : all;
    switch (answer->outcome) {
    case OTLP_TAKEN:
        count(SPAN_EXPORTED, all - rejected);
        count(SPAN_REJECTED, rejected);
        if (rejected > 0)
            tell_failed(exporter, answer);
        else
            tell_delivered(exporter);
        return;
    case OTLP_REFUSED:
        count(SPAN_REFUSED, all);
        tell_failed(exporter, answer);
        return;
    case OTLP_TRY_AGAIN:
        count(span_queue_is_closed(exporter->queue) ? SPAN_SHUTDOWN : SPAN_UNAVAILABLE, all);
        tell_failed(exporter, answer);
        return;
    }
    UNREACHABLE();
}

/* False: nothing waited. The queue has its memory back before the batch is on its way. */
static bool export_batch(struct exporter *exporter)
{
    arena_reset(exporter->arena);
    const size_t count = span_queue_look(exporter->queue, exporter->records, BATCH_BYTES_MAX);
    if (count == 0)
        return false;
    struct text body = otlp_encode(exporter->arena, &exporter->source, exporter->records, count);
    span_queue_drop(exporter->queue, count);
    if (exporter->settings->uses_gzip)
        body = otlp_compress(exporter->arena, body);
    const struct otlp_answer answer = deliver(exporter, body);
    settle(exporter, &answer, count);
    metric_set(&METRIC_SPAN_QUEUE_SIZE, 0, (int64_t)span_queue_count(exporter->queue));
    return true;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void *run(void *context)
{
    struct exporter *exporter = context;
    while (!span_queue_is_closed(exporter->queue)) {
        span_queue_wait(exporter->queue, exporter->settings->delay_ms);
        export_batch(exporter);
    }
    while (export_batch(exporter))
        continue;
    return NULL;
}

static bool is_over(void *context)
{
    const struct exporter *exporter = context;
    const int64_t stop_at_us = atomic_load(&exporter->stop_at_us);
    return stop_at_us != 0 && clock_monotonic_us() > stop_at_us;
}

struct exporter *exporter_start(const struct tracing_settings *settings, const char *scope,
                                struct span_queue *queue)
{
    struct exporter *exporter = calloc(1, sizeof *exporter);
    ASSERT(exporter != NULL);
    exporter->settings = settings;
    exporter->source = (struct otlp_source){
        .resource = settings->resource, .resource_count = settings->resource_count, .scope = scope};
    exporter->queue = queue;
    exporter->post = otlp_post_new(settings, is_over, exporter);
    exporter->arena = arena_new(ARENA_SIZE_MAX);
    exporter->records = calloc((size_t)settings->batch_size_max, sizeof *exporter->records);
    ASSERT(exporter->records != NULL);
    atomic_init(&exporter->stop_at_us, 0);
    ASSERT(pthread_create(&exporter->thread, NULL, run, exporter) == 0);
    pthread_setname_np(exporter->thread, "spans");
    return exporter;
}

void exporter_stop(struct exporter *exporter, int64_t wait_ms)
{
    atomic_store(&exporter->stop_at_us, clock_monotonic_us() + wait_ms * 1000);
    span_queue_close(exporter->queue);
    pthread_join(exporter->thread, NULL);
    otlp_post_free(exporter->post);
    arena_free(exporter->arena);
    free(exporter->records);
    free(exporter);
}
