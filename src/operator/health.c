/* tallystick health: asks services whether they are ready. It is what a container's health check
 * runs, where there is neither shell nor curl. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "operator/admin_ports.h"
#include "operator/operator.h"
#include "operator/tool.h"
#include "platform/clock.h"
#include "platform/http/http_client.h"

#include <stdio.h>

enum { ARENA_SIZE_MAX = 1024 * 1024, REPLY_SIZE_MAX = 16 * 1024 };

struct health_config {
    const char *listen_address;
    int64_t ports[ADMIN_SERVICE_COUNT]; /* as ADMIN_SERVICES */
    int64_t timeout_ms;
};

#define FIELD(field) offsetof(struct health_config, field)

/* clang-format off */
const struct option HEALTH_OPTIONS[] = {
    {"listen-address", OPT_TEXT, "127.0.0.1", FIELD(listen_address),
     "Address that the services listen on; every address (0.0.0.0) is asked at loopback."},
    ADMIN_PORT_OPTIONS(struct health_config, ports),
    {"health-timeout-ms", OPT_INT, "2000", FIELD(timeout_ms),
     "How long, in milliseconds, all answers together may take."},
    {NULL},
};
/* clang-format on */

static const struct tool HEALTH = {
    .name = "health",
    .usage = "tallystick health             every service that listens here; at least one must\n"
             "tallystick health SERVICE     gateway, authorization, ledger, outbox or saga\n"
             "tallystick health HOST:PORT   whoever has this admin port\n"
             "Ends with 0 when all that were asked are ready, with 1 when one is not, with 4 when "
             "nobody answers.",
    .options = HEALTH_OPTIONS,
};

struct health {
    const struct health_config *config;
    struct arena *arena;
    struct http_client *client;
    int64_t deadline_us;
    int answered;
    int unready;
};

/* ---- one service --------------------------------------------------------------------------- */

static void print_answer(struct health *health, const char *who, const struct http_reply *reply)
{
    struct error ignored;
    struct json_value body;
    struct text state = TEXT_NONE;
    if (json_parse(health->arena, reply->body, &body, &ignored) == OK)
        state = json_get_text(&body, "status");
    if (text_is_none(state))
        state = text_format(health->arena, "answered %d", reply->status);
    printf("%-14s %.*s\n", who, TEXT_ARGS(state));
    health->answered++;
    health->unready += reply->status != 200;
}

static enum status ask(struct health *health, const char *who, const char *authority,
                       struct error *err)
{
    const int64_t left_ms = (health->deadline_us - clock_monotonic_us()) / 1000;
    struct http_reply reply;
    const struct http_call call = {
        .method = "GET",
        .url = text_format(health->arena, "http://%s/readyz", authority).data,
        .timeout_ms = left_ms > 0 ? (int)left_ms : 1,
        .reply_size_max = REPLY_SIZE_MAX,
    };
    TRY(http_client_call(health->client, &call, health->arena, &reply, err));
    print_answer(health, who, &reply);
    return OK;
}

/* -1: the word is no service's name. */
static int service_of(const char *word)
{
    for (int at = 0; at < ADMIN_SERVICE_COUNT; at++)
        if (strcmp(word, ADMIN_SERVICES[at]) == 0)
            return at;
    return -1;
}

static enum status ask_service(struct health *health, int at, struct error *err)
{
    static const char *const EVERY[] = {"0.0.0.0", "::", ""};
    const char *address = health->config->listen_address;
    for (size_t every = 0; every < COUNT(EVERY); every++)
        if (strcmp(address, EVERY[every]) == 0)
            address = "127.0.0.1";
    const bool is_v6 = strchr(address, ':') != NULL;
    const struct text authority = text_format(health->arena, is_v6 ? "[%s]:%lld" : "%s:%lld",
                                              address, (long long)health->config->ports[at]);
    return ask(health, ADMIN_SERVICES[at], authority.data, err);
}

/* ---- those that are meant ------------------------------------------------------------------ */

/* Whoever does not listen here is not meant; the last of them is named when nobody does. */
static enum status ask_all(struct health *health, struct error *err)
{
    for (int at = 0; at < ADMIN_SERVICE_COUNT; at++) {
        const enum status status = ask_service(health, at, err);
        if (status != OK && status != ERR_DOWN)
            return status;
    }
    return health->answered > 0 ? OK : ERR_DOWN;
}

static enum status ask_named(struct health *health, const char *word, struct error *err)
{
    const int at = service_of(word);
    return at >= 0 ? ask_service(health, at, err) : ask(health, word, word, err);
}

static int run(struct health *health, const char *word)
{
    struct error err;
    const enum status status = word == NULL ? ask_all(health, &err) : ask_named(health, word, &err);
    if (status != OK)
        return tool_fail(&HEALTH, &err);
    return health->unready == 0 ? TOOL_DONE : TOOL_FAILED;
}

int health_main(int argc, char **argv)
{
    struct health_config config = {0};
    int code = TOOL_DONE;
    if (!tool_start(&HEALTH, &config, &argc, argv, &code))
        return code;
    if (argc > 2)
        return tool_complain(&HEALTH, "one service or address is expected at most");
    if (argc == 2 && service_of(argv[1]) < 0 && strchr(argv[1], ':') == NULL)
        return tool_complain(&HEALTH, "'%s' is neither a service nor HOST:PORT", argv[1]);
    http_client_init_all();
    struct health health = {
        .config = &config,
        .arena = arena_new(ARENA_SIZE_MAX),
        .client = http_client_new(NULL),
        .deadline_us = clock_monotonic_us() + config.timeout_ms * 1000,
    };
    code = run(&health, argc == 2 ? argv[1] : NULL);
    http_client_free(health.client);
    arena_free(health.arena);
    return code;
}
