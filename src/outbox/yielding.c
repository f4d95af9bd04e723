#include "outbox/yielding.h"

#include "base/arena.h"
#include "outbox/readers.h"
#include "platform/clock.h"
#include "platform/log/log.h"

static const int64_t LOOK_EVERY_US = YIELDING_LOOK_EVERY_MS * 1000;

void yielding_init(struct yielding *yielding, const struct yielding_config *config,
                   struct arena *arena)
{
    static const char *const TOLD[YIELDING_TOPICS] = {"authorization", "account"};
    *yielding = (struct yielding){.config = *config};
    if (config->source != SOURCE_AUTHORIZATION)
        yielding->config.wait_max_us = 0;
    for (size_t at = 0; at < YIELDING_TOPICS; at++)
        yielding->topics[at] = text_format(arena, "%s.%s.v1", config->topic_prefix, TOLD[at]).data;
}

/* What has begun or ended is told once. A trial that shows no burst is not worth a word. */
static void tell(struct yielding *yielding, const struct pace_sample *sample)
{
    const struct pace *pace = &yielding->pace;
    const char *source = outbox_source_name(yielding->config.source);
    metric_set(&METRIC_OUTBOX_YIELDING, yielding->config.source, pace_yields(pace));
    if (pace->state == PACE_YIELDING && yielding->began_us == 0) {
        yielding->began_us = sample->at_us;
        log_info(NULL, "outbox.yielding", "more is decided than can be booked, booking yields",
                 kv_str("source", source), kv_i64("arriving_per_s", pace->arriving),
                 kv_i64("booked_per_s", pace->capacity),
                 kv_i64("wait_max_ms", yielding->config.wait_max_us / 1000));
    } else if (!pace_yields(pace) && yielding->began_us != 0) {
        log_info(NULL, "outbox.yielded", "booking catches up", kv_str("source", source),
                 kv_i64("waiting", sample->waiting),
                 kv_i64("yielded_ms", (sample->at_us - yielding->began_us) / 1000));
        yielding->began_us = 0;
    }
}

enum status yielding_look(struct yielding *yielding, struct arena *arena, const bool *is_resting,
                          struct error *err)
{
    struct yielding_config *config = &yielding->config;
    const int64_t now_us = clock_monotonic_us();
    struct bus_flow flow;
    struct store_waiting waiting;
    if (config->wait_max_us == 0 || now_us < yielding->due_us)
        return OK;
    TRY(bus_measure(config->publisher, yielding->topics, READERS_THAT_BOOK, &flow, err));
    if (!flow.is_known) { /* nor will it ever be */
        config->wait_max_us = 0;
        return OK;
    }
    TRY(store_measure_waiting(config->store, arena, is_resting, &waiting, err));
    yielding->due_us = now_us + LOOK_EVERY_US;
    const struct pace_sample sample = {
        .at_us = now_us,
        .arrived = flow.published + waiting.count,
        .waiting = flow.unread + waiting.count,
        .oldest_age_us = waiting.oldest_age_us,
    };
    pace_take(&yielding->pace, &sample, config->wait_max_us);
    tell(yielding, &sample);
    return OK;
}
