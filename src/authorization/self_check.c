#include "authorization/self_check.h"

#include "authorization/metrics.h"
#include "authorization/store.h"
#include "base/arena.h"
#include "domain/lane.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/worker.h"

enum { ARENA_SIZE_MAX = 256 * 1024, RETRY_MS_MIN = 1000 };

struct self_check {
    struct store_reader reader; /* its arena is reset with each step */
    int rest_ms;
    int lane; /* the next one */
    bool is_failing;
    int64_t seen_at_us[LANE_COUNT]; /* monotonic clock */
    struct store_lane lanes[LANE_COUNT];
    struct loop *loop;
};

/* Lanes have their turns in order: the next one was seen the longest time ago. */
static void show_lag(const struct self_check *check)
{
    metric_set(&METRIC_AUTHORIZATION_CHECK_LAG, 0,
               clock_monotonic_us() - check->seen_at_us[check->lane]);
}

/* The new figures of a lane in the place of its old ones. */
static void show_lane(const struct store_lane *old, const struct store_lane *new)
{
    metric_add(&METRIC_HOLD_OPEN, 0, new->holds - old->holds);
    metric_add(&METRIC_AUTHORIZATION_VIOLATIONS, CHECK_HELD_MATCHES,
               new->held_matches - old->held_matches);
    for (size_t at = 0; at < CURRENCY_COUNT; at++)
        if (new->amounts_minor[at] != old->amounts_minor[at])
            metric_add(&METRIC_HOLD_OPEN_AMOUNT, at,
                       new->amounts_minor[at] - old->amounts_minor[at]);
}

/* Told when it changes, not at every turn. */
static void note(struct self_check *check, const struct store_lane *found)
{
    struct store_lane *const known = &check->lanes[check->lane];
    if (found->held_matches > 0 && found->held_matches != known->held_matches)
        log_error(NULL, "books.violated", "an invariant is broken, see: tallystick verify --only",
                  kv_str("check", authorization_check_name(CHECK_HELD_MATCHES)),
                  kv_i64("lane", check->lane), kv_i64("violations", found->held_matches));
    show_lane(known, found);
    *known = *found;
}

static int rest_after_failure(struct self_check *check, const struct error *err)
{
    if (!check->is_failing)
        log_warning(NULL, "books.unchecked", "the books cannot be looked at, retrying",
                    kv_i64("lane", check->lane), kv_str("error", err->message));
    check->is_failing = true;
    return check->rest_ms > RETRY_MS_MIN ? check->rest_ms : RETRY_MS_MIN;
}

static int step(void *context)
{
    struct self_check *check = context;
    struct store_lane found;
    struct error err;
    arena_reset(check->reader.arena);
    const enum status status = store_check_lane(&check->reader, check->lane, &found, &err);
    if (status == OK) {
        note(check, &found);
        check->seen_at_us[check->lane] = clock_monotonic_us();
        check->lane = (check->lane + 1) % LANE_COUNT;
        check->is_failing = false;
    }
    show_lag(check);
    return status == OK ? check->rest_ms : rest_after_failure(check, &err);
}

struct self_check *self_check_start(const struct db_config *db, int rest_ms, struct arena *arena)
{
    struct self_check *check = ARENA_NEW(arena, struct self_check);
    check->reader = (struct store_reader){db_new(db), arena_new(ARENA_SIZE_MAX)};
    check->rest_ms = rest_ms;
    for (int lane = 0; lane < LANE_COUNT; lane++)
        check->seen_at_us[lane] = clock_monotonic_us();
    check->loop = loop_start("self-check", step, check);
    return check;
}

void self_check_stop(struct self_check *check)
{
    if (check == NULL)
        return;
    loop_stop(check->loop);
    db_free(check->reader.db);
    arena_free(check->reader.arena);
}
