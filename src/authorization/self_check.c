#include "authorization/self_check.h"

#include "authorization/metrics.h"
#include "authorization/store.h"
#include "base/arena.h"
#include "domain/lane.h"
#include "platform/lane_watch.h"

struct self_check {
    struct store_lane lanes[LANE_COUNT]; /* as last seen */
    struct lane_watch *watch;
};

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

static enum status look(void *context, struct db *db, struct arena *arena, int lane,
                        struct error *err)
{
    struct self_check *check = context;
    const struct store_reader reader = {db, arena};
    struct store_lane *known = &check->lanes[lane];
    struct store_lane found;
    TRY(store_check_lane(&reader, lane, &found, err));
    lane_watch_report(authorization_check_name(CHECK_HELD_MATCHES), lane, known->held_matches,
                      found.held_matches);
    show_lane(known, &found);
    *known = found;
    return OK;
}

struct self_check *self_check_start(const struct db_config *db, int rest_ms, struct arena *arena)
{
    struct self_check *check = ARENA_NEW(arena, struct self_check);
    const struct lane_watch_config config = {.db = *db,
                                             .lanes = LANE_COUNT,
                                             .rest_ms = rest_ms,
                                             .lag = &METRIC_AUTHORIZATION_CHECK_LAG,
                                             .look = look,
                                             .context = check};
    check->watch = lane_watch_start(&config, arena);
    return check;
}

void self_check_stop(struct self_check *check)
{
    if (check != NULL)
        lane_watch_stop(check->watch);
}
