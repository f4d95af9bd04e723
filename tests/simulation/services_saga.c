/* The orchestrator: its consumer and the sweep over deadlines. */
#include "services.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/messaging/waker.h"
#include "platform/worker.h"
#include "saga/consumer.h"
#include "saga/deadline.h"
#include "saga/room.h"
#include "saga/store.h"

#include <stdlib.h>

static void start(struct process *process)
{
    (void)process;
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
    ASSERT(saga_consumer_start(room, &room->consumer, &err) == OK);
}

struct process *saga_process(void)
{
    return process_add("saga", start, NULL);
}
