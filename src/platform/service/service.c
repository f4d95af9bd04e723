#include "platform/service/service.h"

#include "base/assert.h"
#include "platform/clock.h"
#include "platform/http/http_client.h"
#include "platform/log/log.h"
#include "platform/service/service_admin.h"
#include "platform/service/service_health.h"
#include "platform/service/service_metrics.h"
#include "platform/tracing/tracing.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_STARTED = 0, /* and stopped in order */
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    SECRET_SIZE_MIN = 16,
    DRAIN_MS_PROD = 5000,
    BUSY_POLL_MS = 10,
    SPANS_WAIT_MS = 2000, /* for the collector, once all else has stopped */
    SAME_WISH_S = 1,      /* a second signal within it is not yet impatience */
};

#define FIELD(field) offsetof(struct service_config, field)

/* clang-format off */
const struct option SERVICE_OPTIONS[] = {
    {"profile", OPT_CHOICE, "prod", FIELD(profile),
     "dev: open to everybody on this machine, unknown users get an account; prod: neither.",
     "dev|prod"},
    {"listen-address", OPT_TEXT, "127.0.0.1", FIELD(listen_address),
     "Address that every port listens on."},
    {"dev-listen", OPT_CHOICE, "loopback", FIELD(dev_listen),
     "Where the dev profile, which is open to everybody, may listen: loopback, or any address, "
     "where something else keeps strangers out, as a container's port published on loopback.",
     "loopback|any"},
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "PostgreSQL, as a URI or key=value text; without a user, the service's role is taken. Of "
     "several servers that it names the one is meant that takes writes. "
     "DATABASE_URL is read too. Required."},
    {"service-secret", OPT_SECRET, NULL, FIELD(service_secret),
     "What services show each other; at least 16 characters. Required."},
    {"topic-prefix", OPT_TEXT, "tallystick", FIELD(topic_prefix),
     "First part of every topic's name on the event bus."},
    {"log-level", OPT_CHOICE, "info", FIELD(log_level),
     "Least level that is logged.", "debug|info|warning|error"},
    {"log-format", OPT_CHOICE, "auto", FIELD(log_format),
     "auto: text on a terminal, JSON otherwise.", "auto|json|text"},
    {"drain-ms", OPT_INT, NULL, FIELD(drain_ms),
     "How long, in milliseconds, readyz says 503 before the door closes. "
     "Default: 5000, in the dev profile 0."},
    {"stop-ms", OPT_INT, "15000", FIELD(stop_ms),
     "How long, in milliseconds, open work may then take to end."},
    {NULL},
};

const struct option BUS_OPTIONS[] = {
    {"bus", OPT_CHOICE, "postgres", FIELD(bus.kind),
     "Which event bus carries events and commands; the same for every service.",
     "postgres|kafka|sns-sqs"},
    {"bus-retention-s", OPT_INT, "604800", FIELD(bus.retention_s),
     "How long, in seconds, the bus keeps messages (on PostgreSQL: those that all groups have "
     "read; on Kafka: of topics that are made by Tallystick)."},
    {"kafka-brokers", OPT_TEXT, "127.0.0.1:9092", FIELD(bus.kafka_brokers),
     "Brokers to begin with, as host:port, separated by commas. KAFKA_BROKERS is read too."},
    {"kafka-properties", OPT_SECRET, NULL, FIELD(bus.kafka_properties),
     "More settings of the Kafka client, such as security.protocol=SASL_SSL, a line each."},
    {"kafka-partitions", OPT_INT, "12", FIELD(bus.kafka_partitions),
     "Partitions of each topic that Tallystick makes; never change it for a live topic."},
    {"kafka-replicas", OPT_INT, "1", FIELD(bus.kafka_replicas),
     "Replicas of each topic that Tallystick makes; 3 in production."},
    {"sqs-visibility-s", OPT_INT, "30", FIELD(bus.sqs_visibility_s),
     "How long, in seconds, SQS keeps what a member was working on from the others once the member "
     "has died."},
    {NULL},
};

const struct option CONSUMER_OPTIONS[] = {
    {"on-poison", OPT_CHOICE, "park_key", FIELD(consumer.on_poison),
     "What a message that cannot be applied now holds up until it is a dead letter. park_key: the "
     "later messages of its key, which keeps their order; skip: nothing, it is retried aside.",
     "park_key|skip"},
    {"park-attempts-max", OPT_INT, "10", FIELD(consumer.park_attempts_max),
     "How often a message that cannot be applied is tried before it is a dead letter."},
    {"park-wait-ms", OPT_INT, "500", FIELD(consumer.park_wait_ms),
     "How long, in milliseconds, before its second try; doubles, up to a minute."},
    {"rehearse-poison-key", OPT_TEXT, NULL, FIELD(consumer.rehearse_poison_key),
     "dev profile: messages of this key, such as an account's id, cannot be applied, as if by a "
     "bug: to rehearse what to do about it."},
    {NULL},
};
/* clang-format on */

/* ---- configuration ------------------------------------------------------------------------- */

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
           strcmp(address, "localhost") == 0;
}

static enum status check_config(struct service_config *config, struct error *err)
{
    if (strlen(config->service_secret) < SECRET_SIZE_MIN)
        return error_set(err, ERR_INVALID,
                         "TALLYSTICK_SERVICE_SECRET must have at least %d characters; "
                         "make one by: openssl rand -hex 32",
                         SECRET_SIZE_MIN);
    if (service_is_dev(config) && strcmp(config->dev_listen, "loopback") == 0 &&
        !is_loopback(config->listen_address))
        return error_set(err, ERR_INVALID,
                         "the dev profile is open to everybody, so it listens on loopback only, "
                         "not on '%s'; set TALLYSTICK_PROFILE=prod",
                         config->listen_address);
    if (!service_is_dev(config) && config->consumer.rehearse_poison_key != NULL)
        return error_set(err, ERR_INVALID,
                         "rehearse-poison-key is for the dev profile: it keeps an account's "
                         "messages from being applied");
    if (config->drain_ms < 0)
        config->drain_ms = service_is_dev(config) ? 0 : DRAIN_MS_PROD;
    return OK;
}

static enum status load_config(const struct service *service, struct service_config *config,
                               int *argc, char **argv, struct error *err)
{
    const struct option *const tables[] = {SERVICE_OPTIONS, service->options,
                                           service->uses_bus ? BUS_OPTIONS : NULL,
                                           service->consumes ? CONSUMER_OPTIONS : NULL, NULL};
    config->drain_ms = -1; /* its default depends on the profile */
    TRY(config_load(tables, config, argc, argv, err));
    if (*argc > 1)
        return error_set(err, ERR_INVALID, "'%s' is not expected; see: tallystick %s --help",
                         argv[1], service->name);
    TRY(check_config(config, err));
    return service->consumes ? consumer_check_settings(&config->consumer, err) : OK;
}

static void start_log(const struct service *service, const struct service_config *config)
{
    enum log_level level = LOG_INFO;
    ASSERT(log_level_parse(text_of(config->log_level), &level)); /* one of the option's choices */
    const bool is_text = strcmp(config->log_format, "text") == 0 ||
                         (strcmp(config->log_format, "auto") == 0 && isatty(STDERR_FILENO));
    log_start(service->name, TALLYSTICK_VERSION, level, is_text ? LOG_TEXT : LOG_JSON);
}

/* ---- start --------------------------------------------------------------------------------- */

static int64_t admin_port(const struct service *service, const void *config)
{
    return *(const int64_t *)(const void *)((const char *)config + service->admin_port_offset);
}

struct running {
    const struct service *service;
    const struct service_config *config;
    struct service_admin admin;
    void *room;
};

static enum status start_parts(struct running *running, struct error *err)
{
    const struct service *service = running->service;
    const struct service_config *config = running->config;
    struct db_config db = service_db_config(config, service->name);
    if (service->schema != NULL)
        db.schema = service->schema;
    TRY(health_check_schema(service, &db, err));
    health_start(service, &db);
    TRY(service_admin_start(&running->admin, config->listen_address,
                            (int)admin_port(service, config), err));
    TRY(service->start(config, &running->room, err));
    service_admin_set_room(&running->admin, running->room);
    health_set_started();
    return OK;
}

/* The option of the port that could not be had: without an admin server it was the admin port's. */
static const char *option_of_taken_port(const struct running *running)
{
    const struct service *service = running->service;
    for (const struct option *option = service->options; option->name != NULL; option++) {
        const bool is_admin = option->offset == service->admin_port_offset;
        if (option->type == OPT_PORT && is_admin == (running->admin.server == NULL))
            return option->name;
    }
    return NULL;
}

static int fail_start(struct running *running, enum status status, const struct error *err)
{
    const char *const option = status == ERR_CONFLICT ? option_of_taken_port(running) : NULL;
    if (option != NULL)
        log_error(NULL, "service.failed", "the service cannot start: a port is taken",
                  kv_str("error", err->message), kv_str("choose_another_by", option));
    else
        log_error(NULL, "service.failed", "the service cannot start", kv_str("error", err->message),
                  kv_str("status", status_name(status)));
    tracing_stop(0);
    service_admin_stop(&running->admin);
    health_stop();
    log_stop();
    return EXIT_FAILED;
}

static void log_started(const struct running *running)
{
    if (service_is_dev(running->config))
        log_warning(NULL, "service.open",
                    "profile dev: open to everybody on this machine, not for production");
    log_info(NULL, "service.started", "ready",
             kv_i64("admin_port", http_server_port(running->admin.server)),
             kv_str("profile", running->config->profile));
}

/* ---- stop ---------------------------------------------------------------------------------- */

static sigset_t stop_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

/* Whoever asks twice means now. A terminal's Ctrl-C and a supervisor's SIGTERM come together and
 * are one wish. */
static void *exit_at_next_signal(void *unused)
{
    (void)unused;
    const sigset_t signals = stop_signals();
    const struct timespec now = {0}, same_wish = {.tv_sec = SAME_WISH_S};
    nanosleep(&same_wish, NULL);
    while (sigtimedwait(&signals, NULL, &now) > 0)
        continue;
    while (sigwaitinfo(&signals, NULL) < 0)
        continue;
    log_warning(NULL, "service.aborted", "told to stop again: ending at once");
    log_flush();
    _exit(EXIT_FAILED);
}

static void sleep_ms(int64_t wait_ms)
{
    const struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

static void wait_until_idle(const struct running *running)
{
    const int64_t deadline_us = clock_monotonic_us() + running->config->stop_ms * 1000;
    int open = 0;
    while (running->service->busy != NULL && (open = running->service->busy(running->room)) > 0) {
        if (clock_monotonic_us() > deadline_us) {
            log_warning(NULL, "service.overdue", "work is still open, stopping all the same",
                        kv_i64("open", open));
            return;
        }
        sleep_ms(BUSY_POLL_MS);
    }
}

static void stop_parts(struct running *running)
{
    pthread_t impatient;
    if (pthread_create(&impatient, NULL, exit_at_next_signal, NULL) == 0)
        pthread_detach(impatient);
    log_info(NULL, "service.stopping", "stopping", kv_i64("drain_ms", running->config->drain_ms));
    health_set_draining();
    sleep_ms(running->config->drain_ms);
    if (running->service->drain != NULL)
        running->service->drain(running->room);
    wait_until_idle(running);
    service_admin_set_room(&running->admin, NULL);
    running->service->stop(running->room);
    tracing_stop(SPANS_WAIT_MS);
    service_admin_stop(&running->admin);
    health_stop();
    log_info(NULL, "service.stopped", "stopped");
    log_stop();
}

static int run(const struct service *service, const struct service_config *config)
{
    struct running running = {
        .service = service, .config = config, .admin = {.service = service, .config = config}};
    struct error err;
    const enum status status = start_parts(&running, &err);
    if (status != OK)
        return fail_start(&running, status, &err);
    log_started(&running);
    const sigset_t signals = stop_signals();
    while (sigwaitinfo(&signals, NULL) < 0)
        continue;
    stop_parts(&running);
    return EXIT_STARTED;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int at = 1; at < argc; at++)
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
            return true;
    return false;
}

int service_main(const struct service *service, int argc, char **argv)
{
    if (asks_for_help(argc, argv)) {
        const struct option *const tables[] = {SERVICE_OPTIONS, service->options, NULL};
        config_print_help(service->name, service->summary, tables);
        return EXIT_STARTED;
    }
    struct service_config *config = calloc(1, service->config_size);
    ASSERT(config != NULL);
    struct error err;
    int code = EXIT_USAGE;
    if (load_config(service, config, &argc, argv, &err) != OK) {
        fprintf(stderr, "tallystick %s: %s\n", service->name, err.message);
    } else {
        const sigset_t signals = stop_signals(); /* every thread inherits that it gets none */
        pthread_sigmask(SIG_BLOCK, &signals, NULL);
        signal(SIGPIPE, SIG_IGN);
        start_log(service, config);
        metric_set(&METRIC_PROCESS_START, 0, clock_realtime_us());
        http_client_init_all();
        tracing_start(service->name);
        code = run(service, config);
    }
    free(config);
    return code;
}
