/* Writers: a run takes the hops that wait, and takes their items through the machine. */
#include "authorization/decide.h"
#include "authorization/item_json.h"
#include "authorization/metrics.h"
#include "authorization/routes.h"
#include "authorization/spans.h"
#include "base/arena.h"
#include "base/assert.h"
#include "platform/batch.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/messaging/waker.h"

enum { ITEMS_PER_BATCH = 1024 };

static const size_t ATTEMPT_ARENA_SIZE_MAX = 256u * 1024 * 1024;

/* A hop and where its items lie. */
struct hop {
    struct http_request *request; /* until it is answered; texts of items lie in its body */
    int64_t brought_us;           /* when it arrived */
    struct item *items;
    size_t count;
};

struct run {
    struct batch batch;
    struct item **items;
};

void door_open_writer(struct worker *worker)
{
    struct door *door = worker->shared;
    struct writer *writer = &door->writer_of[worker->index];
    writer->db = db_new(door->db);
    writer->attempt = arena_new(ATTEMPT_ARENA_SIZE_MAX);
    worker->context = writer;
}

void door_close_writer(struct worker *worker)
{
    struct writer *writer = worker->context;
    db_free(writer->db);
    arena_free(writer->attempt);
}

/* ---- the machine's two hands ------------------------------------------------------------------
 */

static enum status attempt(void *context, size_t first, size_t count, struct error *err)
{
    struct run *run = context;
    run->batch.items = run->items + first;
    run->batch.count = count;
    const enum status status = batch_attempt(&run->batch, err);
    for (size_t at = 0; at < count && status == ERR_UNKNOWN; at++)
        run->batch.items[at]->in_doubt = true;
    return status;
}

static enum problem_code problem_of(enum status status)
{
    switch (status) {
    case ERR_CONFLICT:
    case ERR_FULL:
        return PROBLEM_BACKPRESSURE;
    case ERR_DOWN:
        return PROBLEM_DEPENDENCY_DOWN;
    case ERR_TIMEOUT:
    case ERR_UNKNOWN:
        return PROBLEM_DEADLINE_EXCEEDED;
    case OK:
    case ERR_INVALID:
    case ERR_NOT_FOUND:
    case ERR_BROKEN:
        return PROBLEM_INTERNAL;
    }
    UNREACHABLE();
}

static void fail(void *context, size_t index, const struct error *err)
{
    struct run *run = context;
    struct item *item = run->items[index];
    const enum problem_code code = problem_of(err->status);
    log_error(&item->trace, "authorization.failed", "an item could not be decided",
              kv_str("status", status_name(err->status)), kv_str("error", err->message));
    if (decide_made(item)) { /* whatever failed afterwards */
        item_render(item);
        return;
    }
    item_refuse(item, code, NULL);
    if (code == PROBLEM_BACKPRESSURE || code == PROBLEM_DEPENDENCY_DOWN)
        item->answer.problem.retry_after_ms = 1000;
    item_render(item);
}

/* ---- a run ------------------------------------------------------------------------------------
 */

/* False: refused and answered. */
static bool parse_hop(struct worker *worker, struct http_request *request, struct hop *hop)
{
    struct error err;
    hop->request = request;
    hop->brought_us = request->received_us;
    if (items_parse(worker->arena, request->body, &hop->items, &hop->count, &err) == OK)
        return true;
    const struct problem problem = {.code = PROBLEM_MALFORMED_JSON, .detail = text_of(err.message)};
    respond_problem(request, &problem);
    return false;
}

/* An item whose time was over before it was tried is told so: nothing was done. */
static bool is_late(struct item *item)
{
    if (clock_monotonic_us() < item->deadline_us)
        return false;
    metric_count(&METRIC_AUTHORIZATION_SHED, SHED_TOO_LATE);
    item_refuse(item, PROBLEM_BACKPRESSURE, "the request waited until its time was over");
    item->answer.problem.retry_after_ms = 1000;
    item_render(item);
    return true;
}

static size_t collect_items(struct worker *worker, const struct hop *hops, size_t hop_count,
                            struct item ***items_out)
{
    size_t total = 0;
    size_t count = 0;
    for (size_t at = 0; at < hop_count; at++)
        total += hops[at].count;
    struct item **items = ARENA_NEW_ARRAY(worker->arena, struct item *, total);
    for (size_t at = 0; at < hop_count; at++)
        for (size_t index = 0; index < hops[at].count; index++)
            if (!is_late(&hops[at].items[index]))
                items[count++] = &hops[at].items[index];
    *items_out = items;
    return count;
}

static int64_t latest_deadline_us(struct item *const *items, size_t count)
{
    int64_t latest_us = 0;
    for (size_t at = 0; at < count; at++)
        if (items[at]->deadline_us > latest_us)
            latest_us = items[at]->deadline_us;
    return latest_us;
}

/* Those that ask for credit. */
static size_t count_requests(struct item *const *items, size_t count)
{
    size_t requests = 0;
    for (size_t at = 0; at < count; at++)
        requests += items[at]->op == ITEM_AUTHORIZE;
    return requests;
}

static void gather_cause(struct batch *batch, struct item *const *items, size_t count)
{
    for (size_t at = 0; at < count; at++)
        span_group_add(&batch->cause, &items[at]->trace);
}

static void run_items(struct worker *worker, struct item **items, size_t count)
{
    const struct door *door = worker->shared;
    struct writer *writer = worker->context;
    struct run run = {.batch = {.db = writer->db,
                                .arena = writer->attempt,
                                .policy = door->policy,
                                .busy = &writer->busy},
                      .items = items};
    const struct batch_machine machine = {.context = &run,
                                          .attempt = attempt,
                                          .fail = fail,
                                          .deadline_us = latest_deadline_us(items, count)};
    const int64_t begun_us = clock_monotonic_us();
    gather_cause(&run.batch, items, count);
    db_set_cause(writer->db, &run.batch.cause);
    batch_run(&machine, count);
    db_set_cause(writer->db, NULL);
    metric_observe_all(&METRIC_DECISION_DURATION, 0, clock_monotonic_us() - begun_us,
                       count_requests(items, count));
    waker_ring(door->waker);
}

static void observe_wait(void **requests, size_t count)
{
    const int64_t now_us = clock_monotonic_us();
    for (size_t at = 0; at < count; at++) {
        const struct http_request *request = requests[at];
        metric_observe(&METRIC_AUTHORIZATION_QUEUE_WAIT, 0, now_us - request->received_us);
    }
}

static void record_spans(const struct hop *hop, size_t total)
{
    for (size_t at = 0; at < hop->count; at++)
        item_span_record(&hop->items[at], hop->brought_us, total);
}

void door_run_writes(struct worker *worker, void **requests, size_t count)
{
    struct hop hops[HOPS_PER_RUN];
    size_t hop_count = 0;
    ASSERT(count <= COUNT(hops));
    observe_wait(requests, count);
    for (size_t at = 0; at < count; at++)
        if (parse_hop(worker, requests[at], &hops[hop_count]))
            hop_count++;
    struct item **items = NULL;
    const size_t total = collect_items(worker, hops, hop_count, &items);
    for (size_t first = 0; first < total; first += ITEMS_PER_BATCH) {
        const size_t left = total - first;
        run_items(worker, items + first, left < ITEMS_PER_BATCH ? left : ITEMS_PER_BATCH);
    }
    for (size_t at = 0; at < hop_count; at++) {
        record_spans(&hops[at], total);
        respond_json(hops[at].request, 200,
                     items_render(worker->arena, hops[at].items, hops[at].count));
    }
}
