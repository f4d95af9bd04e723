#include "ledger/self_check.h"

#include "base/arena.h"
#include "domain/lane.h"
#include "ledger/metrics.h"
#include "ledger/store.h"
#include "platform/lane_watch.h"

struct ledger_self_check {
    int64_t violations[LANE_COUNT][LEDGER_CHECK_COUNT]; /* as last seen */
    struct lane_watch *watch;
};

static enum status look(void *context, struct db *db, struct arena *arena, int lane,
                        struct error *err)
{
    struct ledger_self_check *check = context;
    int64_t found[LEDGER_CHECK_COUNT];
    TRY(ledger_store_check_lane(db, arena, lane, found, err));
    for (size_t at = 0; at < LEDGER_CHECK_COUNT; at++) {
        int64_t *const known = &check->violations[lane][at];
        lane_watch_report(ledger_check_name(at), lane, *known, found[at]);
        metric_add(&METRIC_LEDGER_VIOLATIONS, at, found[at] - *known);
        *known = found[at];
    }
    return OK;
}

struct ledger_self_check *ledger_self_check_start(const struct db_config *db, int rest_ms,
                                                  struct arena *arena)
{
    struct ledger_self_check *check = ARENA_NEW(arena, struct ledger_self_check);
    struct lane_watch_config config = {.db = *db,
                                       .lanes = LANE_COUNT,
                                       .rest_ms = rest_ms,
                                       .lag = &METRIC_LEDGER_CHECK_LAG,
                                       .look = look,
                                       .context = check};
    config.db.statements[0] = ledger_store_statements;
    check->watch = lane_watch_start(&config, arena);
    return check;
}

void ledger_self_check_stop(struct ledger_self_check *check)
{
    if (check != NULL)
        lane_watch_stop(check->watch);
}
