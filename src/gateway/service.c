#include "gateway/service.h"

#include "base/arena.h"
#include "base/assert.h"
#include "domain/lane.h"
#include "gateway/booking.h"
#include "gateway/forward.h"
#include "gateway/gateway.h"
#include "gateway/gateway_sql.h"
#include "gateway/hop.h"
#include "gateway/keyring.h"
#include "gateway/metrics.h"
#include "gateway/routes.h"
#include "platform/http/http_problem.h"
#include "platform/log/log.h"
#include "platform/tracing/tracing.h"

#include <stddef.h>

enum {
    HEADER_SIZE_MAX = 16 * 1024,
    RECEIVE_MS = 10000,      /* for a whole request, however slowly it drips */
    RESPOND_SLACK_MS = 1000, /* beyond what a request may wait for by itself */
    FORWARD_WORKERS_MAX = 64,
    QUEUE_SIZE_MAX = 1024 * 1024,
    CONNECTIONS_SIZE_MAX = 64 * 1024,
    DECISION_TIMEOUT_MS_MAX = 60000, /* no service behind the door accepts more */
    KEYSTORE_TIMEOUT_MS_MAX = 10000,
    KEYSTORE_LEASE_MS_MAX = 600000,
    KEYSTORE_CONNECTIONS_MAX = 512,
    KEY_TTL_S_MIN = 3600,
    KEY_TTL_S_MAX = 30 * 86400,
};

static const size_t PARTS_SIZE_MAX = 1024 * 1024;

#define FIELD(name) offsetof(struct gateway_config, name)

/* clang-format off */
const struct option GATEWAY_OPTIONS[] = {
    {"gateway-port", OPT_PORT, "8080", FIELD(port),
     "TCP port of the public door.", NULL},
    {"gateway-admin-port", OPT_PORT, "9080", FIELD(admin_port),
     "TCP port for health and version.", NULL},
    {"authorization-url", OPT_URL, "http://127.0.0.1:8081", FIELD(authorization_url),
     "Where the authorization service listens.", NULL},
    {"ledger-url", OPT_URL, "http://127.0.0.1:8082", FIELD(ledger_url),
     "Where the ledger listens.", NULL},
    {"saga-url", OPT_URL, "http://127.0.0.1:8084", FIELD(saga_url),
     "Where the saga orchestrator listens.", NULL},
    {"authorization-workers", OPT_INT, "2", FIELD(authorization_workers),
     "How many shares the lanes are dealt into: as many as the authorization service has workers.",
     NULL},
    {"gateway-forward-workers", OPT_INT, "4", FIELD(forward_workers),
     "How many reads may be under way at once.", NULL},
    {"gateway-queue-size", OPT_INT, "4096", FIELD(queue_size),
     "How many requests may wait for each worker; more are answered 503.", NULL},
    {"gateway-queue-wait-ms", OPT_INT, "1000", FIELD(queue_wait_ms),
     "How long, in milliseconds, a request may have to wait for its worker, going by how long runs "
     "take at the moment; who would wait longer is answered 503 at once.", NULL},
    {"gateway-connections-size", OPT_INT, "4096", FIELD(connections_size),
     "How many client connections may be open at once.", NULL},
    {"decision-timeout-ms", OPT_INT, "5000", FIELD(decision_timeout_ms),
     "Milliseconds until a request without an answer is told 504.", NULL},
    {"keystore", OPT_CHOICE, "none", FIELD(keystore.kind),
     "What answers repeats before the authorization service, whose own record always holds, is "
     "asked: a table of DynamoDB, or nothing.", "none|dynamodb"},
    {"keystore-fallback", OPT_CHOICE, "postgres", FIELD(keystore_fallback),
     "While the key store does not answer: postgres asks the authorization service all the same, "
     "reject answers 503.", "postgres|reject"},
    {"keystore-timeout-ms", OPT_INT, "500", FIELD(keystore.timeout_ms),
     "How long, in milliseconds, a batch waits for the key store.", NULL},
    {"keystore-lease-ms", OPT_INT, "30000", FIELD(keystore.lease_ms),
     "How long, in milliseconds, a claim holds at most; one whose request must have been answered "
     "by now, see decision-timeout-ms, holds no longer.", NULL},
    {"key-ttl-s", OPT_INT, "86400", FIELD(keystore.ttl_s),
     "How long, in seconds, an outcome is kept under its key.", NULL},
    {"dynamodb-table", OPT_TEXT, "tallystick_idempotency", FIELD(keystore.table),
     "Name of the table of keys in DynamoDB.", NULL},
    {"dynamodb-connections", OPT_INT, "32", FIELD(keystore.connections_max),
     "How many calls to DynamoDB each worker may have under way at once.", NULL},
    {NULL, OPT_TEXT, NULL, 0, NULL, NULL},
};
/* clang-format on */

/* ---- the door ---------------------------------------------------------------------------------
 */

static void handle(void *context, struct http_request *request)
{
    routes_dispatch(visit_new(context, request));
}

/* What never became a visit: the server refuses it by itself, with a trace of its own. */
static void refuse(void *context, enum http_refusal why, const char *detail, struct arena *arena,
                   struct http_response *response_out)
{
    const struct trace_context trace = tracing_begin();
    struct problem problem = problem_of_refusal(why, detail);
    char *traceparent = arena_alloc(arena, TRACEPARENT_SIZE + 1);
    size_t at = 0;
    (void)context;
    problem.trace_id = text_of(trace.trace_id);
    *response_out = problem_to_response(arena, &problem);
    while (response_out->headers[at].name != NULL)
        at++;
    trace_context_format(&trace, traceparent);
    response_out->headers[at] = (struct http_header){"traceparent", text_of(traceparent)};
    log_info(&trace, "request.refused", "request refused before it was whole, or too late",
             kv_i64("status", response_out->status), kv_str("detail", detail));
}

static size_t body_size_max_for(void *context, struct text method, struct text path)
{
    (void)context;
    return routes_body_size_max(method, path);
}

static enum status open_door(struct gateway *gateway, struct error *err)
{
    const struct gateway_config *config = gateway->config;
    const struct http_server_config door = {
        .address = config->service.listen_address,
        .port = (int)config->port,
        .header_size_max = HEADER_SIZE_MAX,
        .connections_max = (int)config->connections_size,
        .receive_ms = RECEIVE_MS,
        .respond_ms =
            (int)config->decision_timeout_ms * 2 + BOOKING_WAIT_S_MAX * 1000 + RESPOND_SLACK_MS,
        .context = gateway,
        .duration = &METRIC_GATEWAY_HTTP,
        .body_size_max_for = body_size_max_for,
        .handle = handle,
        .refuse = refuse,
    };
    return http_server_start(&door, &gateway->door, err);
}

/* ---- start and stop ---------------------------------------------------------------------------
 */

/* The door first, so that nobody is handed over to parts that are gone; late answers are allowed.
 */
static void gateway_stop(void *room)
{
    struct gateway *gateway = room;
    http_server_stop(gateway->door);
    keyring_stop(gateway->keyring);
    hop_stop(gateway->hop);
    forward_stop(gateway->forward);
    booking_stop(gateway->booking);
    arena_free(gateway->arena);
}

static enum status check_config(const struct gateway_config *config, struct error *err)
{
    const struct keystore_config *keys = &config->keystore;
    const struct {
        const char *name;
        int64_t value;
        int64_t min;
        int64_t max;
    } LIMITS[] = {
        {"authorization-workers", config->authorization_workers, 1, LANE_COUNT},
        {"gateway-forward-workers", config->forward_workers, 1, FORWARD_WORKERS_MAX},
        {"gateway-queue-size", config->queue_size, 1, QUEUE_SIZE_MAX},
        {"gateway-queue-wait-ms", config->queue_wait_ms, 1, DECISION_TIMEOUT_MS_MAX},
        {"gateway-connections-size", config->connections_size, 1, CONNECTIONS_SIZE_MAX},
        {"decision-timeout-ms", config->decision_timeout_ms, 1, DECISION_TIMEOUT_MS_MAX},
        {"keystore-timeout-ms", keys->timeout_ms, 1, KEYSTORE_TIMEOUT_MS_MAX},
        {"keystore-lease-ms", keys->lease_ms, 1, KEYSTORE_LEASE_MS_MAX},
        {"dynamodb-connections", keys->connections_max, 1, KEYSTORE_CONNECTIONS_MAX},
        {"key-ttl-s", keys->ttl_s, KEY_TTL_S_MIN, KEY_TTL_S_MAX},
    };
    for (size_t at = 0; at < COUNT(LIMITS); at++)
        if (LIMITS[at].value < LIMITS[at].min || LIMITS[at].value > LIMITS[at].max)
            return error_set(err, ERR_INVALID, "%s must be %lld to %lld", LIMITS[at].name,
                             (long long)LIMITS[at].min, (long long)LIMITS[at].max);
    return OK;
}

static enum status start_parts(struct gateway *gateway, struct error *err)
{
    TRY(check_config(gateway->config, err));
    TRY(keyring_start(gateway, &gateway->keyring, err));
    TRY(hop_start(gateway, &gateway->hop, err));
    gateway->forward = forward_start(gateway);
    gateway->booking = booking_start(gateway);
    return open_door(gateway, err);
}

static enum status gateway_start(const void *config, void **room_out, struct error *err)
{
    struct arena *arena = arena_new(PARTS_SIZE_MAX);
    struct gateway *gateway = ARENA_NEW(arena, struct gateway);
    gateway->config = config;
    gateway->arena = arena;
    gateway->is_open = service_is_dev(&gateway->config->service);
    const enum status outcome = start_parts(gateway, err);
    if (outcome != OK) {
        gateway_stop(gateway);
        return outcome;
    }
    *room_out = gateway;
    return OK;
}

static void gateway_drain(void *room)
{
    const struct gateway *gateway = room;
    http_server_drain(gateway->door);
}

static int gateway_busy(void *room)
{
    const struct gateway *gateway = room;
    return http_server_open_requests(gateway->door);
}

int gateway_main(int argc, char **argv)
{
    const struct service gateway = {
        .name = "gateway",
        .summary = "The public door: authenticates, validates, asks the other services, answers.",
        .options = GATEWAY_OPTIONS,
        .dependencies = 1u << DEPENDENCY_KEY_STORE,
        .config_size = sizeof(struct gateway_config),
        .admin_port_offset = FIELD(admin_port),
        .migrations = gateway_migrations,
        .metrics = {&GATEWAY_METRICS},
        .start = gateway_start,
        .drain = gateway_drain,
        .busy = gateway_busy,
        .stop = gateway_stop,
    };
    return service_main(&gateway, argc, argv);
}
