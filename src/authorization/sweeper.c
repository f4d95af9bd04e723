#include "authorization/sweeper.h"

#include "authorization/metrics.h"
#include "base/arena.h"
#include "domain/lane.h"
#include "platform/batch.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/messaging/waker.h"
#include "platform/worker.h"

enum { ACCOUNTS_PER_STEP = 500, STEP_MS_MAX = 10000, RETRY_MS = 1000 };

static const int64_t ROTATE_EVERY_US = 3600LL * 1000000;
static const int64_t ROTATE_AGAIN_US = 60LL * 1000000;
static const size_t ARENA_SIZE_MAX = 64u * 1024 * 1024;

struct sweep {
    struct batch batch;
    struct item **items;
    bool has_failed;
};

static enum status attempt(void *context, size_t first, size_t count, struct error *err)
{
    struct sweep *sweep = context;
    sweep->batch.items = sweep->items + first;
    sweep->batch.count = count;
    return batch_attempt(&sweep->batch, err);
}

/* It stays due: the next step tries again, after a rest. */
static void fail(void *context, size_t index, const struct error *err)
{
    struct sweep *sweep = context;
    sweep->has_failed = true;
    log_warning(NULL, "expiry.failed", "due holds could not be released, retrying",
                kv_uuid("account_id", &sweep->items[index]->account_id),
                kv_str("error", err->message));
}

/* Whose account is locked just now stays due likewise; that is no failure. */
static bool is_any_left(const struct sweep *sweep, size_t count)
{
    for (size_t at = 0; at < count; at++)
        if (sweep->items[at]->answer.kind == ANSWER_PROBLEM)
            return true;
    return false;
}

static struct item **make_items(struct sweeper *sweeper, const struct store_due *due)
{
    struct item *items = ARENA_NEW_ARRAY(sweeper->reader.arena, struct item, due->count);
    struct item **list = ARENA_NEW_ARRAY(sweeper->reader.arena, struct item *, due->count);
    for (size_t at = 0; at < due->count; at++) {
        items[at] = (struct item){
            .op = ITEM_EXPIRE, .account_id = due->ids[at], .lane = lane_of(&due->ids[at])};
        list[at] = &items[at];
    }
    return list;
}

/* The due accounts of one step; says whether there is more to do at once. */
static enum status sweep(struct sweeper *sweeper, bool *is_more_out, struct error *err)
{
    struct store_due due;
    TRY(store_find_due_accounts(&sweeper->reader, ACCOUNTS_PER_STEP, &due, err));
    metric_set(&METRIC_HOLD_EXPIRY_LAG, 0, due.overdue_us);
    *is_more_out = false;
    if (due.count == 0)
        return OK;
    struct sweep work = {.batch = {.db = sweeper->reader.db,
                                   .arena = sweeper->attempt,
                                   .policy = sweeper->policy,
                                   .never_waits = true},
                         .items = make_items(sweeper, &due)};
    const struct batch_machine machine = {.context = &work,
                                          .attempt = attempt,
                                          .fail = fail,
                                          .deadline_us =
                                              clock_monotonic_us() + STEP_MS_MAX * 1000LL};
    batch_run(&machine, due.count);
    work.has_failed |= is_any_left(&work, due.count);
    waker_ring(sweeper->waker);
    *is_more_out = !work.has_failed && (due.count == ACCOUNTS_PER_STEP || work.batch.is_more_due);
    return OK;
}

/* Somebody reads the whole key table, as verify does: the coming days were made long ago, so this
 * can wait, and while it waits in the database every key waits behind it. */
static enum status rotate_keys(struct sweeper *sweeper, struct error *err)
{
    if (clock_monotonic_us() < sweeper->rotate_at_us)
        return OK;
    const enum status status = store_rotate_keys(&sweeper->reader, sweeper->policy->key_ttl_s, err);
    if (status != OK && status != ERR_CONFLICT)
        return status;
    sweeper->rotate_at_us =
        clock_monotonic_us() + (status == OK ? ROTATE_EVERY_US : ROTATE_AGAIN_US);
    return OK;
}

static int step(void *context)
{
    struct sweeper *sweeper = context;
    struct error err;
    bool is_more = false;
    arena_reset(sweeper->reader.arena);
    if (rotate_keys(sweeper, &err) != OK || sweep(sweeper, &is_more, &err) != OK) {
        log_warning(NULL, "sweeper.waiting", "the sweeper cannot reach its database, retrying",
                    kv_str("error", err.message));
        return RETRY_MS;
    }
    return is_more ? 0 : sweeper->interval_ms;
}

void sweeper_start(struct sweeper *sweeper, const struct db_config *db)
{
    sweeper->reader = (struct store_reader){db_new(db), arena_new(ARENA_SIZE_MAX)};
    sweeper->attempt = arena_new(ARENA_SIZE_MAX);
    /* After some idle days today's keys have no place yet, and the door opens next. */
    struct error said_by_the_first_step;
    const enum status made = rotate_keys(sweeper, &said_by_the_first_step);
    (void)made;
    sweeper->loop = loop_start("sweep", step, sweeper);
}

void sweeper_stop(struct sweeper *sweeper)
{
    loop_stop(sweeper->loop);
    db_free(sweeper->reader.db);
    arena_free(sweeper->attempt);
    arena_free(sweeper->reader.arena);
}
