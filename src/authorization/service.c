#include "authorization/service.h"

#include "authorization/consumer.h"
#include "authorization/metrics.h"
#include "authorization/routes.h"
#include "authorization/self_check.h"
#include "authorization/store.h"
#include "authorization/sweeper.h"
#include "authorization_sql.h"
#include "base/arena.h"
#include "platform/messaging/metrics.h"
#include "platform/messaging/outbox.h"
#include "platform/messaging/waker.h"

#include <string.h>

enum { BATCH_MAX = 256 };

static const size_t ROOM_ARENA_SIZE_MAX = 1024 * 1024;
static const size_t CONSUMER_ARENA_SIZE_MAX = 64u * 1024 * 1024;

/* On first sight of a user, in the dev profile only. */
#define AUTO_OPEN_LIMIT_DEV "1000.00"

#define FIELD(field) offsetof(struct authorization_config, field)

/* clang-format off */
const struct option AUTHORIZATION_OPTIONS[] = {
    {"authorization-port", OPT_PORT, "8081", FIELD(port),
     "Port of the authorization service's HTTP door, for services only."},
    {"authorization-admin-port", OPT_PORT, "9081", FIELD(admin_port),
     "Port of the authorization service's health and version."},
    {"authorization-workers", OPT_INT, "2", FIELD(workers),
     "Threads that decide, each with its own database connection; 1 to 16. The gateway deals its "
     "requests by the same number."},
    {"authorization-queue-size", OPT_INT, "64", FIELD(queue_size),
     "Hops that may wait for each worker; beyond it a request is answered 503."},
    {"hold-expires-in-s", OPT_INT, "604800", FIELD(hold_expires_in_s),
     "How long a hold lasts, in seconds; a request may shorten it."},
    {"key-ttl-s", OPT_INT, "86400", FIELD(key_ttl_s),
     "How long an idempotency key is remembered, in seconds: 3600 (an hour) to 2592000 (30 days)."},
    {"sweep-interval-ms", OPT_INT, "1000", FIELD(sweep_interval_ms),
     "How often holds whose time is over are looked for, in milliseconds."},
    {"authorization-self-check-ms", OPT_INT, "1000", FIELD(self_check_ms),
     "How long the self-check rests between two lanes of the accounts, in milliseconds."},
    {"default-currency", OPT_TEXT, "USD", FIELD(default_currency),
     "Currency of accounts that are opened without one, as an ISO 4217 code."},
    {"auto-open-limit", OPT_TEXT, NULL, FIELD(auto_open_limit),
     "Credit limit, in major units, of an account that is opened on first sight; dev profile only, "
     "there " AUTO_OPEN_LIMIT_DEV " unless told; 'off' declines unknown users."},
    {"amount-limit", OPT_TEXT, NULL, FIELD(amount_limit),
     "Largest amount of one authorization, in major units; none unless told."},
    {NULL},
};
/* clang-format on */

struct room {
    struct arena *arena;
    struct authorization_policy policy;
    struct db_config db;
    struct waker *waker;
    struct door door;
    struct commands commands;
    struct sweeper sweeper;
    struct self_check *self_check;
};

/* ---- what the operator configured --------------------------------------------------------------
 */

static enum status check_ranges(const struct authorization_config *config, struct error *err)
{
    if (config->workers < 1 || config->workers > WRITERS_MAX)
        return error_set(err, ERR_INVALID, "authorization-workers is 1 to %d", WRITERS_MAX);
    if (config->queue_size < 1)
        return error_set(err, ERR_INVALID, "authorization-queue-size is at least 1");
    if (config->hold_expires_in_s < 1 || config->hold_expires_in_s > 366 * 86400)
        return error_set(err, ERR_INVALID, "hold-expires-in-s is 1 to 31622400 (366 days)");
    if (config->key_ttl_s < 3600 || config->key_ttl_s > 30 * 86400)
        return error_set(err, ERR_INVALID, "key-ttl-s is 3600 (an hour) to 2592000 (30 days)");
    if (config->sweep_interval_ms < 10)
        return error_set(err, ERR_INVALID, "sweep-interval-ms is at least 10");
    if (config->self_check_ms < 1 || config->self_check_ms > 60000)
        return error_set(err, ERR_INVALID, "authorization-self-check-ms is 1 to 60000");
    return OK;
}

/* A limit in major units, which every amount of the default currency can be compared with. */
static enum status read_limit(const char *name, const char *value, const struct currency *currency,
                              struct decimal *out, struct error *err)
{
    int64_t minor = 0;
    if (decimal_parse(text_of(value), out) == DECIMAL_OK &&
        decimal_to_minor(*out, currency->exponent, &minor) == MONEY_OK)
        return OK;
    return error_set(err, ERR_INVALID, "%s is an amount of %s such as 1000.00, not '%s'", name,
                     currency->code, value);
}

static enum status read_auto_open(const struct authorization_config *config,
                                  struct authorization_policy *policy, struct error *err)
{
    const bool is_dev = service_is_dev(&config->service);
    const char *limit = config->auto_open_limit;
    if (limit == NULL)
        limit = is_dev ? AUTO_OPEN_LIMIT_DEV : "off";
    policy->auto_open = strcmp(limit, "off") != 0;
    if (!policy->auto_open)
        return OK;
    if (!is_dev)
        return error_set(err, ERR_INVALID,
                         "auto-open-limit gives credit to anybody: it is for the dev profile only");
    return read_limit("auto-open-limit", limit, policy->default_currency, &policy->auto_open_limit,
                      err);
}

static enum status read_policy(const struct authorization_config *config,
                               struct authorization_policy *policy, struct error *err)
{
    TRY(check_ranges(config, err));
    policy->default_currency = currency_find(text_of(config->default_currency));
    if (policy->default_currency == NULL)
        return error_set(err, ERR_INVALID, "default-currency '%s' is no ISO 4217 code such as USD",
                         config->default_currency);
    policy->hold_expires_in_s = config->hold_expires_in_s;
    policy->key_ttl_s = config->key_ttl_s;
    policy->has_amount_limit = config->amount_limit != NULL;
    if (policy->has_amount_limit)
        TRY(read_limit("amount-limit", config->amount_limit, policy->default_currency,
                       &policy->amount_limit, err));
    return read_auto_open(config, policy, err);
}

/* ---- start and stop -----------------------------------------------------------------------------
 */

static enum status start_commands(struct room *room, const struct service_config *service,
                                  struct error *err)
{
    const struct text topic =
        text_format(room->arena, "%s.authorization.commands.v1", service->topic_prefix);
    const struct consumer_config config = {
        .settings = service->consumer,
        .bus = service_bus_config(service, "authorization"),
        .db = room->db,
        .group = CONSUMER_GROUP,
        .topics = {topic.data},
        .threads = 1,
        .batch_max = BATCH_MAX,
        .arena_size_max = CONSUMER_ARENA_SIZE_MAX,
    };
    room->commands = (struct commands){.policy = &room->policy, .waker = room->waker};
    return commands_start(&room->commands, &config, err);
}

static enum status start_parts(struct room *room, const struct authorization_config *config,
                               struct error *err)
{
    room->waker = waker_start(&room->db, CHANNEL_OUTBOX);
    room->sweeper = (struct sweeper){.policy = &room->policy,
                                     .waker = room->waker,
                                     .interval_ms = (int)config->sweep_interval_ms};
    sweeper_start(&room->sweeper, &room->db);
    room->self_check = self_check_start(&room->db, (int)config->self_check_ms, room->arena);
    TRY(start_commands(room, &config->service, err));
    room->door = (struct door){
        .config = config, .policy = &room->policy, .db = &room->db, .waker = room->waker};
    return door_start(&room->door, err);
}

static void stop(void *room_)
{
    struct room *room = room_;
    door_stop(&room->door);
    commands_stop(&room->commands);
    self_check_stop(room->self_check);
    sweeper_stop(&room->sweeper);
    waker_stop(room->waker);
    arena_free(room->arena);
}

static enum status start(const void *config_, void **room_out, struct error *err)
{
    const struct authorization_config *config = config_;
    struct authorization_policy policy = {0};
    TRY(read_policy(config, &policy, err));
    struct arena *arena = arena_new(ROOM_ARENA_SIZE_MAX);
    struct room *room = ARENA_NEW(arena, struct room);
    room->arena = arena;
    room->policy = policy;
    room->db = service_db_config(&config->service, "authorization");
    room->db.statements[0] = authorization_statements;
    room->db.statements[1] = messaging_statements;
    const enum status status = start_parts(room, config, err);
    if (status == OK)
        *room_out = room;
    else
        stop(room);
    return status;
}

static void drain(void *room)
{
    door_drain(&((struct room *)room)->door);
}

static int busy(void *room)
{
    return door_busy(&((struct room *)room)->door);
}

int authorization_main(int argc, char **argv)
{
    static const struct service SERVICE = {
        .name = "authorization",
        .summary = "decides credit in real time, places and releases holds",
        .options = AUTHORIZATION_OPTIONS,
        .uses_bus = true,
        .consumes = true,
        .dependencies = 1u << DEPENDENCY_BUS,
        .config_size = sizeof(struct authorization_config),
        .admin_port_offset = offsetof(struct authorization_config, admin_port),
        .migrations = authorization_migrations,
        .metrics = {&AUTHORIZATION_METRICS, &MESSAGING_METRICS},
        .start = start,
        .drain = drain,
        .busy = busy,
        .stop = stop,
    };
    return service_main(&SERVICE, argc, argv);
}
