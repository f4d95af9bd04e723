/* The calls of one run: which are sent when, and how each ends. What one call is on the wire is in
 * aws_exchange.c. */
#include "platform/aws/aws_client.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/random.h"
#include "platform/aws/aws_credentials.h"
#include "platform/aws/aws_endpoint.h"
#include "platform/aws/aws_exchange.h"
#include "platform/aws/aws_reply.h"
#include "platform/clock.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    CONNECTIONS_DEFAULT = 16,
    TIMEOUT_MS_DEFAULT = 5000,
    BACKOFF_FIRST_MS = 25,
    BACKOFF_MAX_MS = 2000,
    WAIT_MAX_MS = 1000,
};

static const size_t ARENA_SIZE_MAX = 4 * 1024 * 1024;

struct aws_client {
    struct aws_client_config config;
    struct arena *arena; /* lives as long as the client */
    struct aws_endpoint endpoint;
    CURLM *multi;
    struct aws_exchange *exchanges; /* connections_max of them */
    size_t exchange_count;
    atomic_bool is_woken;
};

/* A call that waits for its next try. */
struct due {
    struct aws_call *call;
    int64_t at_us;
};

struct run {
    struct aws_client *client;
    struct arena *arena;
    struct aws_credentials credentials;
    int64_t deadline_us;
    struct due *due; /* in no order */
    size_t due_count;
    size_t under_way;
    bool has_stale_credentials;
};

/* ---- start and end ------------------------------------------------------------------------- */

static void set_defaults(struct aws_client_config *config)
{
    if (config->connections_max == 0)
        config->connections_max = CONNECTIONS_DEFAULT;
    if (config->timeout_ms == 0)
        config->timeout_ms = TIMEOUT_MS_DEFAULT;
    if (config->provider == NULL)
        config->provider = aws_provider_shared();
}

static void open_exchanges(struct aws_client *client)
{
    const long connections = client->config.connections_max;
    client->multi = curl_multi_init();
    ASSERT(client->multi != NULL);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, connections);
    client->exchange_count = (size_t)connections;
    client->exchanges = ARENA_NEW_ARRAY(client->arena, struct aws_exchange, (size_t)connections);
    for (size_t at = 0; at < client->exchange_count; at++)
        aws_exchange_open(&client->exchanges[at], client->config.service, &client->endpoint);
}

enum status aws_client_new(const struct aws_client_config *config, struct aws_client **client_out,
                           struct error *err)
{
    struct arena *arena = arena_new(ARENA_SIZE_MAX);
    struct aws_client *client = ARENA_NEW(arena, struct aws_client);
    client->arena = arena;
    client->config = *config;
    set_defaults(&client->config);
    atomic_init(&client->is_woken, false);
    const enum status found = aws_endpoint_find(arena, config->service, &client->endpoint, err);
    if (found != OK) {
        arena_free(arena);
        return found;
    }
    open_exchanges(client);
    *client_out = client;
    return OK;
}

void aws_client_free(struct aws_client *client)
{
    if (client == NULL)
        return;
    for (size_t at = 0; at < client->exchange_count; at++)
        aws_exchange_close(&client->exchanges[at]);
    curl_multi_cleanup(client->multi);
    arena_free(client->arena);
}

const char *aws_client_url(const struct aws_client *client)
{
    return client->endpoint.url;
}

const char *aws_client_region(const struct aws_client *client)
{
    return client->endpoint.region;
}

void aws_client_wake(struct aws_client *client)
{
    atomic_store(&client->is_woken, true);
    curl_multi_wakeup(client->multi);
}

/* ---- tries --------------------------------------------------------------------------------- */

static int random_below(int limit)
{
    unsigned number;
    random_bytes(&number, sizeof number);
    return (int)(number % (unsigned)limit);
}

/* Full jitter: whatever was refused at the same moment does not come back at the same moment. */
static int64_t backoff_us(int tries)
{
    int ceiling_ms = BACKOFF_FIRST_MS;
    for (int at = 1; at < tries && ceiling_ms < BACKOFF_MAX_MS; at++)
        ceiling_ms *= 2;
    return (1 + random_below(ceiling_ms)) * 1000;
}

static void wait_for_turn(struct run *run, struct aws_call *call, int64_t at_us)
{
    run->due[run->due_count++] = (struct due){call, at_us};
}

static bool may_try_again(const struct run *run, const struct aws_call *call)
{
    const int tries_max = run->client->config.tries_max;
    if (tries_max > 0 && call->tries >= tries_max)
        return false;
    return call->outcome == AWS_THROTTLED || call->outcome == AWS_FAILED;
}

/* A try has ended: with the call's outcome, or to be tried again. */
static void end_try(struct run *run, struct aws_call *call)
{
    const int64_t again_us = clock_monotonic_us() + backoff_us(call->tries);
    run->under_way--;
    if (call->status != 0)
        aws_reply_judge(run->arena, call);
    call->may_be_done |= call->outcome == AWS_FAILED && call->status != 0;
    run->has_stale_credentials |= aws_reply_wants_fresh_credentials(call);
    if (may_try_again(run, call) && again_us < run->deadline_us)
        wait_for_turn(run, call, again_us);
}

static int timeout_ms(const struct run *run, const struct aws_call *call, int64_t now_us)
{
    const int64_t left_ms = (run->deadline_us - now_us) / 1000 + 1;
    const int wanted_ms = call->timeout_ms > 0 ? call->timeout_ms : run->client->config.timeout_ms;
    return left_ms < wanted_ms ? (int)left_ms : wanted_ms;
}

static void start_try(struct run *run, struct aws_exchange *exchange, struct aws_call *call,
                      int64_t now_us)
{
    const struct aws_try try = {
        .call = call,
        .arena = run->arena,
        .credentials = &run->credentials,
        .timeout_ms = timeout_ms(run, call, now_us),
    };
    call->tries++;
    aws_exchange_start(exchange, run->client->multi, &try);
    run->under_way++;
}

static struct aws_exchange *idle_exchange(const struct aws_client *client)
{
    for (size_t at = 0; at < client->exchange_count; at++)
        if (client->exchanges[at].call == NULL)
            return &client->exchanges[at];
    return NULL;
}

/* Starts whose turn has come while there are connections left, in the order of the list: repeats
 * come after what waits for its first try. */
static void start_due(struct run *run, int64_t now_us)
{
    size_t kept = 0;
    for (size_t at = 0; at < run->due_count; at++) {
        struct aws_exchange *exchange = NULL;
        if (run->due[at].at_us <= now_us && run->under_way < run->client->exchange_count)
            exchange = idle_exchange(run->client);
        if (exchange == NULL)
            run->due[kept++] = run->due[at];
        else
            start_try(run, exchange, run->due[at].call, now_us);
    }
    run->due_count = kept;
}

static void collect_ended(struct run *run)
{
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(run->client->multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct aws_exchange *exchange = aws_exchange_of(message->easy_handle);
        struct aws_call *call = exchange->call;
        aws_exchange_end(exchange, run->client->multi, message->data.result);
        end_try(run, call);
    }
}

/* ---- a run --------------------------------------------------------------------------------- */

/* Until the first back-off is over, or the deadline; what happens on a connection ends it. */
static int wait_ms(const struct run *run, int64_t now_us)
{
    int64_t until_us = run->deadline_us;
    const bool has_idle = run->under_way < run->client->exchange_count;
    for (size_t at = 0; has_idle && at < run->due_count; at++)
        if (run->due[at].at_us < until_us)
            until_us = run->due[at].at_us;
    const int64_t wait = (until_us - now_us + 999) / 1000;
    return wait < 0 ? 0 : wait > WAIT_MAX_MS ? WAIT_MAX_MS : (int)wait;
}

static void run_to_end(struct run *run)
{
    CURLM *multi = run->client->multi;
    while (run->due_count + run->under_way > 0) {
        int running = 0;
        int64_t now_us = clock_monotonic_us();
        if (now_us >= run->deadline_us || atomic_exchange(&run->client->is_woken, false))
            return;
        start_due(run, now_us);
        curl_multi_perform(multi, &running);
        collect_ended(run);
        now_us = clock_monotonic_us();
        if (run->under_way > 0 || run->due_count > 0)
            curl_multi_poll(multi, NULL, 0, wait_ms(run, now_us), NULL);
    }
}

/* What is still under way at the end of time has no answer. */
static void break_off(struct run *run)
{
    for (size_t at = 0; at < run->client->exchange_count; at++)
        if (run->client->exchanges[at].call != NULL)
            aws_exchange_end(&run->client->exchanges[at], run->client->multi,
                             CURLE_OPERATION_TIMEDOUT);
    run->under_way = 0;
    run->due_count = 0;
}

static void prepare(struct run *run, const struct aws_batch *batch)
{
    const int64_t now_us = clock_monotonic_us();
    run->due = ARENA_NEW_ARRAY(run->arena, struct due, batch->count);
    for (size_t at = 0; at < batch->count; at++) {
        struct aws_call *call = batch->calls[at];
        call->outcome = AWS_FAILED;
        call->status = 0;
        call->tries = 0;
        call->may_be_done = false;
        call->reply = call->code = call->message = TEXT_NONE;
        wait_for_turn(run, call, now_us);
    }
}

/* Once more with fresh credentials, for those that the old ones were refused for. */
static enum status run_again_refreshed(struct run *run, const struct aws_batch *batch,
                                       struct error *err)
{
    struct aws_provider *provider = run->client->config.provider;
    const int64_t now_us = clock_monotonic_us();
    aws_provider_forget(provider, &run->credentials);
    TRY(aws_provider_get(provider, run->arena, run->deadline_us, &run->credentials, err));
    for (size_t at = 0; at < batch->count; at++)
        if (aws_reply_wants_fresh_credentials(batch->calls[at]))
            wait_for_turn(run, batch->calls[at], now_us);
    run_to_end(run);
    break_off(run);
    return OK;
}

enum status aws_client_run(struct aws_client *client, struct arena *arena,
                           const struct aws_batch *batch, struct error *err)
{
    struct run run = {.client = client, .arena = arena, .deadline_us = batch->deadline_us};
    struct aws_provider *provider = client->config.provider;
    prepare(&run, batch);
    TRY(aws_provider_get(provider, arena, run.deadline_us, &run.credentials, err));
    run_to_end(&run);
    break_off(&run);
    return run.has_stale_credentials ? run_again_refreshed(&run, batch, err) : OK;
}
