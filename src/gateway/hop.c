#include "gateway/hop.h"

#include "base/arena.h"
#include "gateway/deliver.h"
#include "gateway/gateway.h"
#include "gateway/hop_keys.h"
#include "gateway/hop_message.h"
#include "gateway/path.h"
#include "gateway/spans.h"
#include "gateway/wait_estimate.h"
#include "platform/clock.h"
#include "platform/http/http_client.h"
#include "platform/log/log.h"
#include "platform/worker.h"

#include <stdio.h>
#include <time.h>

enum {
    BATCH_MAX = 512,   /* items of one request */
    ASK_AGAIN_MS = 20, /* after a lost answer  */
};

static const size_t ARENA_SIZE_MAX = 512 * 1024 * 1024;
static const size_t REPLY_SIZE_MAX = 64 * 1024 * 1024;

/* What a worker of the pool has for itself. */
struct hop_worker {
    struct http_client *client;
    struct keystore *keys;
    struct wait_estimate wait;
};

struct hop {
    struct gateway *gateway;
    struct worker_pool *pool;
    struct hop_worker *workers;
    int worker_count;
    const char *url;
};

/* What one run of a worker is about. */
struct hop_batch {
    const struct hop *hop;
    struct http_client *client;
    struct arena *arena;
    struct hop_item *const *items;
    size_t count;
    struct hop_item **open; /* those without an answer, in order */
    size_t open_count;
    bool was_sent; /* the authorization service may have done something for those in `open` */
};

static void refuse(const struct hop_batch *b, struct hop_item *item, enum problem_code code,
                   const char *detail)
{
    item->answer = answer_problem(item->visit, b->arena, code, detail);
}

static void refuse_open(const struct hop_batch *b, enum problem_code code, const char *detail)
{
    for (size_t at = 0; at < b->open_count; at++)
        refuse(b, b->open[at], code, detail);
}

static void find_open(struct hop_batch *b)
{
    b->open_count = 0;
    for (size_t at = 0; at < b->count; at++)
        if (b->items[at]->answer.status == 0)
            b->open[b->open_count++] = b->items[at];
}

/* Before anything was sent nothing can have happened; afterwards nobody knows. */
static void refuse_late(struct hop_batch *b)
{
    const int64_t now_us = clock_monotonic_us();
    for (size_t at = 0; at < b->open_count; at++) {
        if (b->open[at]->deadline_us > now_us)
            continue;
        if (b->was_sent)
            refuse(b, b->open[at], PROBLEM_DEADLINE_EXCEEDED, NULL);
        else
            refuse(b, b->open[at], PROBLEM_BACKPRESSURE, "waited too long to be asked");
    }
    find_open(b);
}

/* The latest deadline: an answer that comes for the others after theirs is still an answer. */
static int time_left_ms(const struct hop_batch *b, int64_t now_us)
{
    int64_t deadline_us = 0;
    for (size_t at = 0; at < b->open_count; at++)
        if (b->open[at]->deadline_us > deadline_us)
            deadline_us = b->open[at]->deadline_us;
    return (int)((deadline_us - now_us) / 1000) + 1;
}

static const struct span_group *group_of_open(const struct hop_batch *b)
{
    struct span_group *group = ARENA_NEW(b->arena, struct span_group);
    for (size_t at = 0; at < b->open_count; at++)
        span_group_add(group, &b->open[at]->trace);
    return group;
}

static enum status call(struct hop_batch *b, struct http_reply *reply_out, struct error *err)
{
    const int64_t now_us = clock_monotonic_us();
    struct spans_call span = {.group = group_of_open(b),
                              .method = "POST",
                              .url = b->hop->url,
                              .path = "/internal/authorizations",
                              .begun_us = now_us,
                              .item_count = b->open_count};
    char lane[8];
    char traceparent[TRACEPARENT_SIZE + 1] = "";
    snprintf(lane, sizeof lane, "%d", b->open[0]->lane);
    span.trace = span_group_context(span.group);
    if (span.trace.sampled)
        trace_context_format(&span.trace, traceparent);
    const struct http_call call = {
        .method = "POST",
        .url = b->hop->url,
        .body = hop_message_write(b->arena, b->open, b->open_count, now_us),
        .headers = {{"Tallystick-Lane", text_of(lane)},
                    {traceparent[0] == '\0' ? NULL : "traceparent", text_of(traceparent)}},
        .timeout_ms = time_left_ms(b, now_us),
        .reply_size_max = REPLY_SIZE_MAX,
    };
    span.outcome = http_client_call(b->client, &call, b->arena, reply_out, err);
    span.http_status = span.outcome == OK ? reply_out->status : 0;
    spans_record_call(&span);
    return span.outcome;
}

/* What a reply that is not the items says. ERR_UNKNOWN: ask again. */
static enum status read_refusal(struct hop_batch *b, const struct http_reply *reply,
                                struct error *err)
{
    if (reply->status == 503 && !b->was_sent) {
        refuse_open(b, PROBLEM_BACKPRESSURE, "the authorization service takes no more right now");
        return OK;
    }
    if (reply->status >= 502 && reply->status <= 504)
        return error_set(err, ERR_UNKNOWN, "authorization service answered %d", reply->status);
    refuse_open(b, PROBLEM_INTERNAL, NULL);
    log_error(NULL, "hop.refused", "the authorization service refused a batch",
              kv_i64("status", reply->status));
    return OK;
}

/* That an item was not taken says nothing about an earlier question whose answer got lost. */
static void doubt_refusals(const struct hop_batch *b)
{
    for (size_t at = 0; at < b->open_count; at++)
        if (b->open[at]->answer.status == 503)
            refuse(b, b->open[at], PROBLEM_DEADLINE_EXCEEDED, NULL);
}

static enum status ask_once(struct hop_batch *b, struct error *err)
{
    struct http_reply reply;
    TRY(call(b, &reply, err));
    if (reply.status != 200)
        return read_refusal(b, &reply, err);
    TRY(hop_message_read(b->arena, reply.body, b->open, b->open_count, err));
    if (b->was_sent)
        doubt_refusals(b);
    return OK;
}

/* An account's change has no key under which its repeat would be known: asked again it could undo
 * what somebody else has changed meanwhile. */
static void refuse_unrepeatable(struct hop_batch *b)
{
    for (size_t at = 0; at < b->open_count; at++)
        if (b->open[at]->op == HOP_PUT_ACCOUNT)
            refuse(b, b->open[at], PROBLEM_DEADLINE_EXCEEDED,
                   "the account may have been changed or not; look at it before you ask again");
    find_open(b);
}

static void rest(void)
{
    const struct timespec wait = {.tv_nsec = ASK_AGAIN_MS * 1000000L};
    nanosleep(&wait, NULL);
}

/* Every item ends with an answer. */
static void ask(struct hop_batch *b)
{
    struct error err;
    find_open(b);
    refuse_late(b);
    while (b->open_count > 0) {
        const enum status outcome = ask_once(b, &err);
        if (outcome == OK)
            return;
        if (outcome == ERR_DOWN && !b->was_sent) {
            refuse_open(b, PROBLEM_DEPENDENCY_DOWN, "the authorization service cannot be reached");
            return;
        }
        if (outcome == ERR_BROKEN || outcome == ERR_FULL || outcome == ERR_INVALID) {
            log_error(NULL, "hop.broken", "an answer cannot be read",
                      kv_str("detail", err.message));
            refuse_open(b, PROBLEM_INTERNAL, NULL);
            return;
        }
        b->was_sent = true;
        log_warning(&b->open[0]->visit->trace, "hop.retried", "an answer got lost, asking again",
                    kv_str("detail", err.message), kv_i64("items", (int64_t)b->open_count));
        refuse_unrepeatable(b);
        if (b->open_count == 0)
            return;
        rest();
        refuse_late(b);
    }
}

static void hop_run(struct worker *worker, void **items, size_t count)
{
    struct hop_worker *own = worker->context;
    struct hop_item **batch_items = ARENA_NEW_ARRAY(worker->arena, struct hop_item *, count);
    const int64_t now_us = clock_monotonic_us();
    wait_estimate_take(&own->wait, count);
    for (size_t at = 0; at < count; at++) {
        batch_items[at] = items[at];
        metric_observe(&METRIC_GATEWAY_QUEUE_WAIT, 0,
                       now_us - batch_items[at]->visit->request->received_us);
    }
    struct hop_batch batch = {
        .hop = worker->shared,
        .client = own->client,
        .arena = worker->arena,
        .items = batch_items,
        .count = count,
        .open = ARENA_NEW_ARRAY(worker->arena, struct hop_item *, count),
    };
    struct hop_keys keys = {
        .store = own->keys,
        .arena = worker->arena,
        .is_strict = strcmp(batch.hop->gateway->config->keystore_fallback, "reject") == 0,
    };
    hop_keys_claim(&keys, batch.items, count);
    ask(&batch);
    hop_keys_settle(&keys);
    for (size_t at = 0; at < count; at++)
        deliver_item(batch.items[at]);
    wait_estimate_note_run(&own->wait, clock_monotonic_us() - now_us);
}

/* ---- start and stop ------------------------------------------------------------------------ */

static void hop_worker_open(struct worker *worker)
{
    const struct hop *hop = worker->shared;
    worker->context = &hop->workers[worker->index];
}

static enum status open_workers(struct hop *hop, int count, struct error *err)
{
    hop->workers = ARENA_NEW_ARRAY(hop->gateway->arena, struct hop_worker, (size_t)count);
    for (; hop->worker_count < count; hop->worker_count++) {
        struct hop_worker *own = &hop->workers[hop->worker_count];
        TRY(keystore_open(&hop->gateway->config->keystore, &own->keys, err));
        own->client = http_client_new(hop->gateway->config->service.service_secret);
    }
    return OK;
}

static void close_workers(struct hop *hop)
{
    for (int at = 0; at < hop->worker_count; at++) {
        http_client_free(hop->workers[at].client);
        keystore_close(hop->workers[at].keys);
    }
}

enum status hop_start(struct gateway *gateway, struct hop **hop_out, struct error *err)
{
    const struct gateway_config *config = gateway->config;
    struct hop *hop = ARENA_NEW(gateway->arena, struct hop);
    hop->gateway = gateway;
    hop->url = url_join(gateway->arena, config->authorization_url, "/internal/authorizations");
    const enum status outcome = open_workers(hop, (int)config->authorization_workers, err);
    if (outcome != OK) {
        close_workers(hop);
        return outcome;
    }
    hop->pool = worker_pool_start(&(struct worker_pool_config){
        .name = "hop",
        .workers = hop->worker_count,
        .queue_max = (size_t)config->queue_size,
        .batch_max = BATCH_MAX,
        .arena_size_max = ARENA_SIZE_MAX,
        .shared = hop,
        .open = hop_worker_open,
        .run = hop_run,
    });
    *hop_out = hop;
    return OK;
}

void hop_stop(struct hop *hop)
{
    if (hop == NULL)
        return;
    worker_pool_stop(hop->pool);
    close_workers(hop);
}

const char *hop_op_name(enum hop_op op)
{
    static const char *const NAMES[] = {
        [HOP_AUTHORIZE] = "authorize",
        [HOP_VOID] = "void",
        [HOP_PUT_ACCOUNT] = "put_account",
    };
    return NAMES[op];
}

/* ---- taking items ----------------------------------------------------------------------------
 */

static bool is_slow(const struct hop *hop, const struct hop_worker *worker)
{
    const int64_t wait_max_us = hop->gateway->config->queue_wait_ms * 1000;
    return wait_estimate_us(&worker->wait, BATCH_MAX) > wait_max_us;
}

static bool shed(enum shed_reason reason)
{
    metric_count(&METRIC_GATEWAY_SHED, reason);
    return false;
}

bool hop_submit(struct hop *hop, struct hop_item *item)
{
    struct hop_worker *worker = &hop->workers[item->lane % hop->worker_count];
    if (is_slow(hop, worker))
        return shed(SHED_QUEUE_SLOW);
    item->trace = trace_context_child(&item->visit->trace);
    item->submitted_us = clock_monotonic_us();
    wait_estimate_add(&worker->wait); /* first: a run may take it at once */
    if (worker_pool_submit(hop->pool, (unsigned)item->lane, item))
        return true;
    wait_estimate_take(&worker->wait, 1);
    return shed(SHED_QUEUE_FULL);
}

bool hop_sheds(struct hop *hop)
{
    for (int at = 0; at < hop->worker_count; at++)
        if (!is_slow(hop, &hop->workers[at]))
            return false;
    return !shed(SHED_QUEUE_SLOW);
}
