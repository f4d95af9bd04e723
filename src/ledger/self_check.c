#include "ledger/self_check.h"

#include "base/arena.h"
#include "domain/lane.h"
#include "ledger/metrics.h"
#include "ledger/store.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/worker.h"

enum { ARENA_SIZE_MAX = 256 * 1024, RETRY_MS_MIN = 1000 };

struct ledger_self_check {
    struct db *db;
    struct arena *arena; /* reset with each step */
    int rest_ms;
    int lane; /* the next one */
    bool is_failing;
    int64_t seen_at_us[LANE_COUNT]; /* monotonic clock */
    int64_t violations[LANE_COUNT][LEDGER_CHECK_COUNT];
    struct loop *loop;
};

/* Lanes have their turns in order: the next one was seen the longest time ago. */
static void show_lag(const struct ledger_self_check *check)
{
    metric_set(&METRIC_LEDGER_CHECK_LAG, 0, clock_monotonic_us() - check->seen_at_us[check->lane]);
}

static void show_violations(const struct ledger_self_check *check)
{
    for (size_t at = 0; at < LEDGER_CHECK_COUNT; at++) {
        int64_t sum = 0;
        for (int lane = 0; lane < LANE_COUNT; lane++)
            sum += check->violations[lane][at];
        metric_set(&METRIC_LEDGER_VIOLATIONS, at, sum);
    }
}

/* Told when it changes, not at every turn. */
static void note(struct ledger_self_check *check, const int64_t found[static LEDGER_CHECK_COUNT])
{
    for (size_t at = 0; at < LEDGER_CHECK_COUNT; at++) {
        int64_t *const known = &check->violations[check->lane][at];
        if (found[at] > 0 && found[at] != *known)
            log_error(NULL, "books.violated",
                      "an invariant is broken, see: tallystick verify --only",
                      kv_str("check", ledger_check_name(at)), kv_i64("lane", check->lane),
                      kv_i64("violations", found[at]));
        *known = found[at];
    }
}

static int rest_after_failure(struct ledger_self_check *check, const struct error *err)
{
    if (!check->is_failing)
        log_warning(NULL, "books.unchecked", "the books cannot be looked at, retrying",
                    kv_i64("lane", check->lane), kv_str("error", err->message));
    check->is_failing = true;
    return check->rest_ms > RETRY_MS_MIN ? check->rest_ms : RETRY_MS_MIN;
}

static int step(void *context)
{
    struct ledger_self_check *check = context;
    int64_t found[LEDGER_CHECK_COUNT];
    struct error err;
    arena_reset(check->arena);
    const enum status status =
        ledger_store_check_lane(check->db, check->arena, check->lane, found, &err);
    if (status == OK) {
        note(check, found);
        check->seen_at_us[check->lane] = clock_monotonic_us();
        check->lane = (check->lane + 1) % LANE_COUNT;
        check->is_failing = false;
    }
    show_violations(check);
    show_lag(check);
    return status == OK ? check->rest_ms : rest_after_failure(check, &err);
}

struct ledger_self_check *ledger_self_check_start(const struct db_config *db, int rest_ms,
                                                  struct arena *arena)
{
    struct ledger_self_check *check = ARENA_NEW(arena, struct ledger_self_check);
    struct db_config own = *db;
    own.statements[0] = ledger_store_statements;
    check->db = db_new(&own);
    check->arena = arena_new(ARENA_SIZE_MAX);
    check->rest_ms = rest_ms;
    for (int lane = 0; lane < LANE_COUNT; lane++)
        check->seen_at_us[lane] = clock_monotonic_us();
    check->loop = loop_start("self-check", step, check);
    return check;
}

void ledger_self_check_stop(struct ledger_self_check *check)
{
    if (check == NULL)
        return;
    loop_stop(check->loop);
    db_free(check->db);
    arena_free(check->arena);
}
