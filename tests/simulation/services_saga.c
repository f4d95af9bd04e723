/* The orchestrator: its consumer, the sweep over deadlines, and an operator who looks after what is
 * stuck and has it go on or be undone. */
#include "services.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/messaging/waker.h"
#include "platform/worker.h"
#include "saga/consumer.h"
#include "saga/deadline.h"
#include "saga/deed.h"
#include "saga/room.h"
#include "saga/store.h"
#include "table.h"

#include <stdlib.h>

/* ---- the operator: deeds by the real deed.c, which would be asked by HTTP ---------------------
 */

static const struct row *find_stuck(void)
{
    const struct table *sagas = table_of(S_SAGA, T_SAGA);
    const int state = column_of(sagas, "state", 5);
    for (size_t at = 0; at < sagas->count; at++)
        if (sagas->rows[at]->committed != NULL &&
            cell_is(sagas->rows[at]->committed[state], "stuck"))
            return sagas->rows[at];
    return NULL;
}

/* The request lives as long as the process: nobody tells when it is answered. */
static void ask_for_deed(struct room *room, const struct row *saga)
{
    struct http_request *request = ARENA_NEW(room->arena, struct http_request);
    struct deed *deed = ARENA_NEW(room->arena, struct deed);
    const struct table *sagas = table_of(S_SAGA, T_SAGA);
    *deed = (struct deed){.saga_id = cell_to_uuid(saga->committed[column_of(sagas, "id", 2)]),
                          .event = sim_below(2) == 0 ? EV_RETRY : EV_COMPENSATE,
                          .id = uuid_make_v7(),
                          .os_user = TEXT("operator"),
                          .reason = TEXT("it is stuck")};
    request->arena = room->arena;
    request->context = deed;
    request->trace = tracing_begin();
    sim_tell("an operator wants to %s saga ..%02x%02x", saga_event_name(deed->event),
             deed->saga_id.bytes[14], deed->saga_id.bytes[15]);
    deeds_submit(room->deeds, request);
}

static void look_after_sagas(void *context)
{
    struct room *room = context;
    for (;;) {
        sim_rest(100 * 1000 + sim_below(400 * 1000));
        const struct row *stuck = find_stuck();
        if (stuck != NULL && sim_below(2) == 0)
            ask_for_deed(room, stuck);
    }
}

/* ---- the process ----------------------------------------------------------------------------- */

static void start(struct process *process)
{
    struct error err;
    struct saga_config *config = calloc(1, sizeof *config);
    struct room *room = calloc(1, sizeof *room);
    *config = (struct saga_config){
        .service = services_config(), .threads = 1, .batch_max = 20, .sweep_ms = 120};
    room->arena = arena_new((size_t)1 << 20);
    room->config = config;
    room->db = service_db_config(&config->service, "saga");
    /* Short, so that repeats and stuck sagas happen while there are faults. */
    ASSERT(saga_schedule_parse(TEXT("150,400,900"), 1500, &room->schedule));
    room->waker = waker_start(&room->db, CHANNEL_OUTBOX);
    room->deadlines = deadlines_new(room);
    room->sweeper = loop_start("deadlines", deadlines_sweep, room->deadlines);
    room->deeds = deeds_start(room);
    if (process->room != NULL)
        task_start("operator of sagas", look_after_sagas, room);
    ASSERT(saga_consumer_start(room, &room->consumer, &err) == OK);
}

struct process *saga_process(void)
{
    static char has_operator;
    return process_add("saga", start, sim_below(2) == 0 ? &has_operator : NULL);
}
