#include "saga/service.h"

#include "base/arena.h"
#include "platform/http/http_problem.h"
#include "platform/messaging/consumer.h"
#include "platform/messaging/metrics.h"
#include "platform/messaging/waker.h"
#include "platform/worker.h"
#include "saga/consumer.h"
#include "saga/deadline.h"
#include "saga/deed.h"
#include "saga/metrics.h"
#include "saga/room.h"
#include "saga/routes.h"
#include "saga/show.h"
#include "saga/store.h"
#include "saga/wait.h"
#include "saga_sql.h"

enum {
    HEADER_SIZE_MAX = 16 * 1024,
    BODY_SIZE_MAX = 64 * 1024, /* 1,000 authorization ids */
    CONNECTIONS_MAX = 256,
    RECEIVE_MS = 10000,
    RESPOND_MS = WAIT_MS_MAX + 5000,
    ROOM_ARENA_SIZE_MAX = 1024 * 1024,
};

#define FIELD(field) offsetof(struct saga_config, field)

/* clang-format off */
const struct option SAGA_OPTIONS[] = {
    {"saga-port", OPT_PORT, "8084", FIELD(port),
     "Port of the saga service's HTTP door, for services only."},
    {"saga-admin-port", OPT_PORT, "9084", FIELD(admin_port),
     "Port of the saga service's health and version."},
    {"saga-threads", OPT_INT, "1", FIELD(threads),
     "Threads that move sagas, each with its own database connection; 1 to 8."},
    {"saga-batch-max", OPT_INT, "512", FIELD(batch_max),
     "Messages that are handled by one SQL transaction at most; 1 to 4096."},
    {"saga-repeat-ms", OPT_TEXT, "30000,120000,600000", FIELD(repeat_ms),
     "When a command without an answer is repeated: milliseconds after its first sending, "
     "ascending, separated by commas."},
    {"saga-stuck-ms", OPT_INT, "1800000", FIELD(stuck_ms),
     "When a saga without an answer is stuck: milliseconds after its command was first sent."},
    {"saga-sweep-ms", OPT_INT, "1000", FIELD(sweep_ms),
     "How often deadlines are looked at, in milliseconds."},
    {NULL},
};
/* clang-format on */

static enum status check_config(const struct saga_config *config, struct saga_schedule *schedule,
                                struct error *err)
{
    if (config->threads < 1 || config->threads > 8)
        return error_set(err, ERR_INVALID, "saga-threads is 1 to 8");
    if (config->batch_max < 1 || config->batch_max > 4096)
        return error_set(err, ERR_INVALID, "saga-batch-max is 1 to 4096");
    if (config->sweep_ms < 1 || config->sweep_ms > 60000)
        return error_set(err, ERR_INVALID, "saga-sweep-ms is 1 to 60000");
    if (!saga_schedule_parse(text_of(config->repeat_ms), config->stuck_ms, schedule))
        return error_set(err, ERR_INVALID,
                         "saga-repeat-ms is up to %d ascending times below saga-stuck-ms",
                         SAGA_REPEATS_MAX);
    return OK;
}

static enum status open_door(struct room *room, struct error *err)
{
    const struct http_server_config config = {
        .address = room->config->service.listen_address,
        .port = (int)room->config->port,
        .header_size_max = HEADER_SIZE_MAX,
        .body_size_max = BODY_SIZE_MAX,
        .connections_max = CONNECTIONS_MAX,
        .receive_ms = RECEIVE_MS,
        .respond_ms = RESPOND_MS,
        .context = room,
        .traces = true,
        .duration = &METRIC_SAGA_HTTP,
        .handle = saga_routes_handle,
        .refuse = refuse_by_problem,
    };
    return http_server_start(&config, &room->server, err);
}

static void stop(void *room_)
{
    struct room *room = room_;
    consumer_stop(room->consumer);
    loop_stop(room->sweeper);
    http_server_stop(room->server);
    worker_pool_stop(room->readers);
    worker_pool_stop(room->deeds);
    waiting_room_close(room->waiting);
    deadlines_free(room->deadlines);
    waker_stop(room->waker);
    arena_free(room->arena);
}

static enum status open_room(struct room *room, struct error *err)
{
    room->waker = waker_start(&room->db, CHANNEL_OUTBOX);
    room->waiting = waiting_room_open(room->arena, &room->db);
    room->readers = show_start(&room->db);
    room->deeds = deeds_start(room);
    TRY(open_door(room, err));
    room->deadlines = deadlines_new(room);
    room->sweeper = loop_start("deadlines", deadlines_sweep, room->deadlines);
    return saga_consumer_start(room, &room->consumer, err);
}

static enum status start(const void *config_, void **room_out, struct error *err)
{
    const struct saga_config *config = config_;
    struct saga_schedule schedule;
    TRY(check_config(config, &schedule, err));
    struct arena *arena = arena_new(ROOM_ARENA_SIZE_MAX);
    struct room *room = ARENA_NEW(arena, struct room);
    room->arena = arena;
    room->config = config;
    room->schedule = schedule;
    room->db = service_db_config(&config->service, "saga");
    room->db.statements[0] = saga_statements;
    room->db.statements[1] = messaging_statements;
    const enum status status = open_room(room, err);
    if (status == OK)
        *room_out = room;
    else
        stop(room);
    return status;
}

static void drain(void *room_)
{
    struct room *room = room_;
    http_server_drain(room->server);
    waiting_room_drain(room->waiting);
}

static int busy(void *room_)
{
    const struct room *room = room_;
    return http_server_open_requests(room->server);
}

int saga_main(int argc, char **argv)
{
    static const struct service SERVICE = {
        .name = "saga",
        .summary = "drives each business transaction over the services to its end, or undoes it",
        .options = SAGA_OPTIONS,
        .uses_bus = true,
        .consumes = true,
        .dependencies = 1u << DEPENDENCY_BUS,
        .config_size = sizeof(struct saga_config),
        .admin_port_offset = offsetof(struct saga_config, admin_port),
        .migrations = saga_migrations,
        .metrics = {&SAGA_METRICS, &MESSAGING_METRICS},
        .start = start,
        .drain = drain,
        .busy = busy,
        .stop = stop,
    };
    return service_main(&SERVICE, argc, argv);
}
