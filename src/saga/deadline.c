#include "saga/deadline.h"

#include "base/arena.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/messaging/waker.h"
#include "saga/metrics.h"
#include "saga/room.h"
#include "saga/store.h"

enum { ARENA_SIZE_MAX = 16 * 1024 * 1024, COUNT_EVERY_US = 2 * 1000 * 1000 };

struct deadlines {
    const struct room *room;
    struct db *db;
    struct arena *arena;
    int64_t count_due_us; /* monotonic clock */
};

struct deadlines *deadlines_new(const struct room *room)
{
    struct deadlines *deadlines = ARENA_NEW(room->arena, struct deadlines);
    *deadlines = (struct deadlines){room, db_new(&room->db), arena_new(ARENA_SIZE_MAX), 0};
    return deadlines;
}

void deadlines_free(struct deadlines *deadlines)
{
    if (deadlines == NULL)
        return;
    db_free(deadlines->db);
    arena_free(deadlines->arena);
}

/* Those of a turn whose deadline has come, now that they are locked. */
struct due {
    struct saga **sagas;
    struct ids commands; /* their last sendings */
    bool *is_unsent;
};

static struct due find_due(const struct turn *turn)
{
    const size_t count_max = turn->pair_count * SAGA_TYPE_COUNT;
    struct due due = {.sagas = ARENA_NEW_ARRAY(turn->arena, struct saga *, count_max),
                      .is_unsent = ARENA_NEW_ARRAY(turn->arena, bool, count_max)};
    due.commands.items = ARENA_NEW_ARRAY(turn->arena, struct uuid, count_max);
    for (size_t at = 0; at < count_max; at++) {
        struct saga *saga = &turn->pairs[at / SAGA_TYPE_COUNT].sagas[at % SAGA_TYPE_COUNT];
        if (saga->deadline_us == 0 || saga->deadline_us > turn->now_us)
            continue;
        due.sagas[due.commands.count] = saga;
        due.commands.items[due.commands.count++] = saga->command_event_id;
    }
    return due;
}

static enum status sweep(struct deadlines *deadlines, size_t *found_out, struct error *err)
{
    struct db *db = deadlines->db;
    struct ids ids;
    struct turn turn;
    TRY(store_find_due(db, deadlines->arena, &ids, err));
    *found_out = ids.count;
    if (ids.count == 0)
        return OK;
    turn_init(&turn, deadlines->arena, &deadlines->room->schedule, ids.items, ids.count);
    turn.begun_us = clock_monotonic_us();
    TRY(store_load_turn(db, &turn, NULL, err));
    const struct due due = find_due(&turn);
    TRY(store_find_unsent(db, deadlines->arena, &due.commands, due.is_unsent, err));
    for (size_t at = 0; at < due.commands.count; at++)
        turn_deadline(&turn, due.sagas[at], !due.is_unsent[at]);
    TRY(store_save_turn(db, &turn, err));
    turn_log(&turn);
    if (turn.outbox.count > 0)
        waker_ring(deadlines->room->waker);
    return OK;
}

/* For /metrics. */
static enum status count(struct deadlines *deadlines, struct error *err)
{
    const int64_t now_us = clock_monotonic_us();
    struct saga_counts counts;
    if (now_us < deadlines->count_due_us)
        return OK;
    deadlines->count_due_us = now_us + COUNT_EVERY_US;
    TRY(store_count_active(deadlines->db, &counts, err));
    saga_metrics_set(counts.of);
    return OK;
}

int deadlines_sweep(void *context)
{
    struct deadlines *deadlines = context;
    const int rest_ms = (int)deadlines->room->config->sweep_ms;
    size_t found = 0;
    struct error err;
    enum status status = count(deadlines, &err);
    if (status == OK)
        status = sweep(deadlines, &found, &err);
    if (status != OK)
        db_rollback(deadlines->db);
    if (status != OK && status != ERR_CONFLICT) /* another orchestrator is at the same sagas */
        log_warning(NULL, "saga.sweep_failed", "deadlines not looked at, retrying",
                    kv_str("err.code", status_name(status)), kv_str("error", err.message));
    arena_reset(deadlines->arena);
    return status == OK && found == STORE_DUE_MAX ? 0 : rest_ms;
}
