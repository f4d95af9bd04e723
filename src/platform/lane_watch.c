#include "platform/lane_watch.h"

#include "base/arena.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/worker.h"

enum { ARENA_SIZE_MAX = 256 * 1024, RETRY_MS_MIN = 1000 };

struct lane_watch {
    struct lane_watch_config config;
    struct db *db;
    struct arena *arena; /* reset before each look */
    int lane;            /* the next one */
    bool is_failing;
    int64_t *seen_at_us; /* of each lane; monotonic clock */
    struct loop *loop;
};

static int rest_after_failure(struct lane_watch *watch, const struct error *err)
{
    if (!watch->is_failing)
        log_warning(NULL, "books.unchecked", "the books cannot be looked at, retrying",
                    kv_i64("lane", watch->lane), kv_str("error", err->message));
    watch->is_failing = true;
    return watch->config.rest_ms > RETRY_MS_MIN ? watch->config.rest_ms : RETRY_MS_MIN;
}

static int step(void *context)
{
    struct lane_watch *watch = context;
    const struct lane_watch_config *config = &watch->config;
    struct error err;
    arena_reset(watch->arena);
    const enum status status =
        config->look(config->context, watch->db, watch->arena, watch->lane, &err);
    if (status == OK) {
        watch->seen_at_us[watch->lane] = clock_monotonic_us();
        watch->lane = (watch->lane + 1) % config->lanes;
        watch->is_failing = false;
    }
    /* Lanes have their turns in order: the next one was seen the longest time ago. */
    metric_set(config->lag, 0, clock_monotonic_us() - watch->seen_at_us[watch->lane]);
    return status == OK ? config->rest_ms : rest_after_failure(watch, &err);
}

struct lane_watch *lane_watch_start(const struct lane_watch_config *config, struct arena *arena)
{
    struct lane_watch *watch = ARENA_NEW(arena, struct lane_watch);
    watch->config = *config;
    watch->db = db_new(&config->db);
    watch->arena = arena_new(ARENA_SIZE_MAX);
    watch->seen_at_us = ARENA_NEW_ARRAY(arena, int64_t, (size_t)config->lanes);
    for (int lane = 0; lane < config->lanes; lane++)
        watch->seen_at_us[lane] = clock_monotonic_us();
    watch->loop = loop_start("self-check", step, watch);
    return watch;
}

void lane_watch_stop(struct lane_watch *watch)
{
    if (watch == NULL)
        return;
    loop_stop(watch->loop);
    db_free(watch->db);
    arena_free(watch->arena);
}

void lane_watch_report(const char *check, int lane, int64_t known, int64_t violations)
{
    if (violations > 0 && violations != known)
        log_error(NULL, "books.violated", "an invariant is broken, see: tallystick verify --only",
                  kv_str("check", check), kv_i64("lane", lane), kv_i64("violations", violations));
}
