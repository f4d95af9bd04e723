#include "outbox/service.h"

#include "base/arena.h"
#include "base/json.h"
#include "outbox/metrics.h"
#include "outbox/notify.h"
#include "outbox/readers.h"
#include "outbox/relay.h"
#include "outbox_sql.h"
#include "platform/log/log.h"
#include "platform/service/service.h"
#include "platform/worker.h"

enum {
    EXPIRE_REST_MS = 30000,
    EXPIRE_AGAIN_MS = 100,
    ARENA_SIZE_MAX = 64 * 1024,
    YIELD_MAX_MS = 10 * 60 * 1000,
};

struct outbox_config {
    struct service_config service;
    int64_t admin_port;
    int64_t batch_max;
    int64_t pending_warning;
    int64_t age_warning_s;
    int64_t yield_max_ms;
    const char *notify_topic_arn;
    const char *notify_types;
};

#define FIELD(field) offsetof(struct outbox_config, field)

/* clang-format off */
const struct option OUTBOX_OPTIONS[] = {
    {"outbox-admin-port", OPT_PORT, "9083", FIELD(admin_port),
     "TCP port of health, version and log level."},
    {"outbox-batch-max", OPT_INT, "500", FIELD(batch_max),
     "Events that one relay moves in one transaction, at most."},
    {"outbox-pending-warning", OPT_INT, "10000", FIELD(pending_warning),
     "How many events waiting in one outbox are worth a warning."},
    {"outbox-age-warning-s", OPT_INT, "30", FIELD(age_warning_s),
     "After how many seconds of waiting an event is worth a warning."},
    {"outbox-yield-max-ms", OPT_INT, "15000", FIELD(yield_max_ms),
     "While more is decided than can be booked, decisions go first, and their events wait for up "
     "to so long; 0: never."},
    {"notify-sns-topic-arn", OPT_TEXT, NULL, FIELD(notify_topic_arn),
     "Topic of SNS that is told of events, for systems of your own; without it nobody is."},
    {"notify-types", OPT_TEXT, "authorization.*", FIELD(notify_types),
     "Of which events, separated by commas; a name may end with *."},
    {NULL},
};
/* clang-format on */

struct outbox_room {
    struct arena *arena; /* for as long as it runs */
    struct outbox_config config;
    struct bus_config bus_config;
    struct relay *relays[SOURCE_COUNT];
    struct bus_publisher *bus; /* the janitor's */
    struct loop *janitor;
    struct notify *notify; /* NULL: nobody is notified */
};

/* Deletes from the bus what is past retention; soon again while there is more. */
static int expire(void *context)
{
    struct outbox_room *outbox = context;
    struct error err;
    int64_t deleted = 0;
    if (bus_expire(outbox->bus, outbox->config.service.bus.retention_s, &deleted, &err) != OK) {
        log_warning(NULL, "bus.retention_failed", "old messages cannot be deleted, retrying",
                    kv_str("error", err.message));
        return EXPIRE_REST_MS;
    }
    if (deleted > 0)
        log_info(NULL, "bus.expired", "messages past retention deleted",
                 kv_i64("messages", deleted));
    return deleted > 0 ? EXPIRE_AGAIN_MS : EXPIRE_REST_MS;
}

static enum status start_relay(struct outbox_room *outbox, size_t at, struct error *err)
{
    const struct outbox_config *config = &outbox->config;
    struct relay_config relay_config = {
        .db = service_db_config(&config->service, "outbox"),
        .bus = outbox->bus_config,
        .topic_prefix = config->service.topic_prefix,
        .batch_max = (int)config->batch_max,
        .pending_warning = config->pending_warning,
        .age_warning_s = config->age_warning_s,
        .yield_max_ms = config->yield_max_ms,
    };
    relay_config.source = (enum outbox_source)at;
    relay_config.db.schema = outbox_source_name(at);
    return relay_start(&relay_config, outbox->arena, &outbox->relays[at], err);
}

static void stop(void *room)
{
    struct outbox_room *outbox = room;
    loop_stop(outbox->janitor);
    notify_stop(outbox->notify);
    for (size_t at = 0; at < SOURCE_COUNT; at++)
        relay_stop(outbox->relays[at]);
    bus_publisher_close(outbox->bus);
    arena_free(outbox->arena); /* it lives there itself */
}

static enum status start_threads(struct outbox_room *outbox, struct error *err)
{
    const char *prefix = outbox->config.service.topic_prefix;
    struct bus_reader notified;
    if (outbox->config.batch_max < 1 || outbox->config.batch_max > 5000)
        return error_set(err, ERR_INVALID, "outbox-batch-max must be from 1 to 5000");
    if (outbox->config.yield_max_ms < 0 || outbox->config.yield_max_ms > YIELD_MAX_MS)
        return error_set(err, ERR_INVALID, "outbox-yield-max-ms must be from 0 to %d",
                         YIELD_MAX_MS);
    outbox->bus_config = service_bus_config(&outbox->config.service, "outbox");
    const struct notify_config notify = {
        .bus = outbox->bus_config,
        .topic_arn = outbox->config.notify_topic_arn,
        .types = outbox->config.notify_types,
    };
    TRY(notify_reader(&notify, outbox->arena, &notified, err));
    outbox->bus_config.readers = readers_of_bus(outbox->arena, prefix, &notified);
    TRY(bus_publisher_open(&outbox->bus_config, &outbox->bus, err));
    for (size_t at = 0; at < SOURCE_COUNT; at++)
        TRY(start_relay(outbox, at, err));
    TRY(notify_start(&notify, &notified, outbox->arena, &outbox->notify, err));
    outbox->janitor = loop_start("janitor", expire, outbox);
    return OK;
}

static enum status start(const void *config, void **room_out, struct error *err)
{
    struct arena *arena = arena_new(ARENA_SIZE_MAX);
    struct outbox_room *outbox = ARENA_NEW(arena, struct outbox_room);
    outbox->arena = arena;
    outbox->config = *(const struct outbox_config *)config;
    const enum status status = start_threads(outbox, err);
    if (status == OK)
        *room_out = outbox;
    else
        stop(outbox);
    return status;
}

/* How far behind each outbox is. */
static void describe(void *room, struct json_writer *w)
{
    const struct outbox_room *outbox = room;
    json_begin_array(w, "outboxes");
    for (size_t at = 0; at < SOURCE_COUNT; at++) {
        const struct store_backlog backlog = relay_backlog(outbox->relays[at]);
        json_begin_object(w, NULL);
        json_write_text(w, "source", text_of(outbox_source_name(at)));
        json_write_i64(w, "pending", backlog.pending);
        json_write_i64(w, "oldest_age_ms", backlog.oldest_age_ms);
        json_write_bool(w, "yields", relay_is_yielding(outbox->relays[at]));
        json_end_object(w);
    }
    json_end_array(w);
}

static const struct service OUTBOX = {
    .name = "outbox",
    .schema = "bus",
    .summary = "Moves every service's outbox to the event bus, at least once and in order.",
    .options = OUTBOX_OPTIONS,
    .uses_bus = true,
    .dependencies = 1u << DEPENDENCY_BUS,
    .config_size = sizeof(struct outbox_config),
    .admin_port_offset = FIELD(admin_port),
    .migrations = outbox_migrations,
    .metrics = {&OUTBOX_METRICS},
    .start = start,
    .stop = stop,
    .describe = describe,
};

int outbox_main(int argc, char **argv)
{
    return service_main(&OUTBOX, argc, argv);
}
