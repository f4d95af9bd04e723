#include "ledger/service.h"

#include "base/arena.h"
#include "ledger/consumer.h"
#include "ledger/metrics.h"
#include "ledger/routes.h"
#include "ledger/self_check.h"
#include "ledger_sql.h"
#include "platform/messaging/metrics.h"
#include "platform/messaging/waker.h"

#define FIELD(field) offsetof(struct ledger_config, field)

/* clang-format off */
const struct option LEDGER_OPTIONS[] = {
    {"ledger-port", OPT_PORT, "8082", FIELD(port),
     "Port for the other services' questions."},
    {"ledger-admin-port", OPT_PORT, "9082", FIELD(admin_port),
     "Port for health and version."},
    {"ledger-threads", OPT_INT, "2", FIELD(threads),
     "How many threads post commands, 1 to 8; each has its own database connection."},
    {"ledger-batch-max", OPT_INT, "256", FIELD(batch_max),
     "How many commands are posted in one SQL transaction at most."},
    {"ledger-readers", OPT_INT, "1", FIELD(readers),
     "How many threads answer questions over HTTP."},
    {"ledger-self-check-ms", OPT_INT, "1000", FIELD(self_check_ms),
     "How long the self-check rests between two lanes of the books, in milliseconds."},
    {NULL},
};
/* clang-format on */

const struct sql_migration *const ledger_migration_list = ledger_migrations;

enum { PARTS_SIZE_MAX = 64 * 1024 };

struct room {
    struct arena *arena; /* of the room's parts, as long as they */
    struct waker *waker;
    struct ledger_consumer *consumer;
    struct ledger_door *door;
    struct ledger_self_check *self_check;
};

static enum status check_options(const struct ledger_config *config, struct error *err)
{
    if (config->threads < 1 || config->threads > 8)
        return error_set(err, ERR_INVALID, "ledger-threads is 1 to 8");
    if (config->batch_max < 1 || config->batch_max > 1000)
        return error_set(err, ERR_INVALID, "ledger-batch-max is 1 to 1000");
    if (config->readers < 1 || config->readers > 8)
        return error_set(err, ERR_INVALID, "ledger-readers is 1 to 8");
    if (config->self_check_ms < 1 || config->self_check_ms > 60000)
        return error_set(err, ERR_INVALID, "ledger-self-check-ms is 1 to 60000");
    return OK;
}

static void stop(void *context)
{
    struct room *room = context;
    ledger_self_check_stop(room->self_check);
    ledger_door_stop(room->door);
    ledger_consumer_stop(room->consumer);
    waker_stop(room->waker);
    arena_free(room->arena);
}

static enum status start(const void *context, void **room_out, struct error *err)
{
    const struct ledger_config *config = context;
    TRY(check_options(config, err));
    const struct db_config db = service_db_config(&config->service, "ledger");
    struct arena *arena = arena_new(PARTS_SIZE_MAX);
    struct room *room = ARENA_NEW(arena, struct room);
    room->arena = arena;
    room->waker = waker_start(&db, CHANNEL_OUTBOX);
    enum status status = ledger_consumer_start(config, room->waker, arena, &room->consumer, err);
    if (status == OK)
        status = ledger_door_start(config, arena, &room->door, err);
    if (status != OK) {
        stop(room);
        return status;
    }
    room->self_check = ledger_self_check_start(&db, (int)config->self_check_ms, arena);
    *room_out = room;
    return OK;
}

static void drain(void *context)
{
    const struct room *room = context;
    ledger_door_drain(room->door);
}

static int busy(void *context)
{
    const struct room *room = context;
    return ledger_door_open_requests(room->door);
}

int ledger_main(int argc, char **argv)
{
    const struct service service = {
        .name = "ledger",
        .summary = "Keeps the books: writes balanced double-entry journals that never change.",
        .options = LEDGER_OPTIONS,
        .uses_bus = true,
        .consumes = true,
        .dependencies = 1u << DEPENDENCY_BUS,
        .config_size = sizeof(struct ledger_config),
        .admin_port_offset = FIELD(admin_port),
        .migrations = ledger_migrations,
        .metrics = {&LEDGER_METRICS, &MESSAGING_METRICS},
        .start = start,
        .drain = drain,
        .busy = busy,
        .stop = stop,
    };
    return service_main(&service, argc, argv);
}
