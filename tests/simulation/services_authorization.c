/* The authorization service: two workers with their letter boxes, the consumer of commands, the
 * sweeper. A worker's run is that of authorization/write.c without the HTTP around it. */
#include "services.h"

#include "authorization/batch.h"
#include "authorization/consumer.h"
#include "authorization/decide.h"
#include "authorization/store.h"
#include "authorization/sweeper.h"
#include "authorization_sql.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/problem.h"
#include "domain/lane.h"
#include "platform/batch.h"
#include "platform/clock.h"
#include "platform/messaging/waker.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 2, RUN_MAX = 16, SWEEP_MS = 150, HOP_MS = 800 };

struct letter {
    bool is_used;
    int64_t arrives_us;
    int service, worker;
    struct ask *ask;
};

static struct letter letters[LETTERS_MAX];
static int service_count;

struct authorization_room;

struct writer {
    struct authorization_room *room;
    int index;
    struct db *db;
    struct arena *arena, *attempt;
    struct busy_accounts busy;
};

struct authorization_room {
    int index;
    struct authorization_policy policy;
    struct db_config db;
    struct waker *waker;
    struct commands commands;
    struct sweeper sweeper;
    struct writer writers[WORKERS];
};

/* ---- the letter box -------------------------------------------------------------------------- */

void letters_begin(void)
{
    memset(letters, 0, sizeof letters);
    service_count = 0;
}

bool letters_are_underway(void)
{
    for (size_t at = 0; at < LETTERS_MAX; at++)
        if (letters[at].is_used)
            return true;
    return false;
}

static int lane_of_ask(const struct ask *ask)
{
    const struct uuid account_id = account_id_of(TENANT, text_of(ask->user));
    return ask->op == ASK_VOID ? lane_of(&ask->authorization_id) : lane_of(&account_id);
}

static void post(struct ask *ask, int64_t arrives_us)
{
    size_t at = 0;
    while (at < LETTERS_MAX && letters[at].is_used)
        at++;
    ASSERT(at < LETTERS_MAX);
    letters[at] = (struct letter){.is_used = true,
                                  .arrives_us = arrives_us,
                                  .service = (int)sim_below((unsigned)service_count),
                                  .worker = lane_of_ask(ask) % WORKERS,
                                  .ask = ask};
    sim_ring(letters);
}

void letter_send(struct ask *ask)
{
    if (sim_fault(sim.faults.letter_lost))
        return;
    post(ask, sim.now_us + 50 + sim_below(3000));
    if (sim_fault(sim.faults.letter_twice))
        post(ask, sim.now_us + 50 + sim_below(sim_below(2) == 0 ? 3000 : 1500 * 1000));
}

/* ---- a worker -------------------------------------------------------------------------------- */

static struct item item_of(const struct writer *writer, const struct ask *ask)
{
    static const enum item_op OPS[] = {ITEM_AUTHORIZE, ITEM_VOID, ITEM_PUT_ACCOUNT};
    struct item item = {.op = OPS[ask->op],
                        .arena = writer->arena,
                        .user_id = text_of(ask->user),
                        .lane = lane_of_ask(ask),
                        .authorization_id = ask->authorization_id,
                        .event_id = uuid_make_v7(),
                        .trace = tracing_begin(),
                        .deadline_us = clock_monotonic_us() + HOP_MS * 1000LL,
                        .fingerprint = ask->fingerprint,
                        .expires_in_s = ask->expires_in_s,
                        .transaction_id = text_of(ask->transaction_id)};
    const struct text transaction[] = {TENANT, item.transaction_id};
    const struct sha256 digest = sha256_of_parts(transaction, COUNT(transaction));
    const struct text key[] = {text_of(ask->key)};
    memcpy(item.transaction_key.bytes, digest.bytes, sizeof item.transaction_key.bytes);
    if (ask->op != ASK_PUT_ACCOUNT) {
        item.has_key = true;
        item.key_hash = sha256_of_parts(key, COUNT(key));
    }
    if (ask->op != ASK_VOID)
        item.account_id = account_id_of(TENANT, item.user_id);
    const struct asked_amount amount = {true, true, {ask->amount_minor, 0}};
    if (ask->op == ASK_AUTHORIZE)
        item.amount = amount;
    if (ask->op == ASK_PUT_ACCOUNT && ask->limit_status < 0)
        item.limit = amount;
    if (ask->op == ASK_PUT_ACCOUNT && ask->limit_status >= 0) {
        item.has_status = true;
        item.status = (enum account_status)ask->limit_status;
    }
    return item;
}

struct run {
    struct batch batch;
    struct item **items;
};

static enum status attempt(void *context, size_t first, size_t count, struct error *err)
{
    struct run *run = context;
    run->batch.items = run->items + first;
    run->batch.count = count;
    return batch_attempt(&run->batch, err);
}

static void fail(void *context, size_t index, const struct error *err)
{
    struct run *run = context;
    const bool is_unknown = err->status == ERR_TIMEOUT || err->status == ERR_UNKNOWN;
    item_refuse(run->items[index], is_unknown ? PROBLEM_DEADLINE_EXCEEDED : PROBLEM_BACKPRESSURE,
                NULL);
    item_render(run->items[index]);
}

static void answer(struct ask *ask, const struct item *item)
{
    const struct answer *given = &item->answer;
    ASSERT(given->kind != ANSWER_NONE);
    ASSERT(given->body.size < BODY_MAX);
    if (sim_fault(sim.faults.letter_lost))
        return;
    ask->is_answered = true;
    ask->http_status = given->http_status;
    ask->is_approved =
        given->kind == ANSWER_AUTHORIZATION && strcmp(given->decision_code, "approved") == 0;
    ask->decided_id = given->authorization_id;
    ask->body_size = given->body.size;
    memcpy(ask->body, given->body.data, given->body.size);
    sim_ring(ask);
}

static void run_items(struct writer *writer, struct item **items, size_t count)
{
    struct run run = {
        .batch = {.db = writer->db, .arena = writer->attempt, .policy = &writer->room->policy},
        .items = items};
    const struct batch_machine machine = {.context = &run,
                                          .attempt = attempt,
                                          .fail = fail,
                                          .deadline_us = clock_monotonic_us() + HOP_MS * 1000LL};
    batch_run(&machine, count);
    waker_ring(writer->room->waker);
}

/* What has arrived for this worker by now. */
static size_t take(struct writer *writer, struct ask **asks, int64_t *next_us)
{
    size_t count = 0;
    *next_us = sim.now_us + 1000 * 1000;
    for (size_t at = 0; at < LETTERS_MAX && count < RUN_MAX; at++) {
        struct letter *letter = &letters[at];
        if (!letter->is_used || letter->service != writer->room->index ||
            letter->worker != writer->index)
            continue;
        if (letter->arrives_us > sim.now_us) {
            *next_us = letter->arrives_us < *next_us ? letter->arrives_us : *next_us;
            continue;
        }
        letter->is_used = false;
        asks[count++] = letter->ask;
    }
    return count;
}

static void write_items(void *context)
{
    struct writer *writer = context;
    for (;;) {
        struct ask *asks[RUN_MAX];
        struct item items[RUN_MAX], *list[RUN_MAX];
        int64_t next_us = 0;
        const size_t count = take(writer, asks, &next_us);
        if (count == 0) {
            sim_listen(letters, next_us - sim.now_us);
            continue;
        }
        for (size_t at = 0; at < count; at++) {
            items[at] = item_of(writer, asks[at]);
            list[at] = &items[at];
        }
        run_items(writer, list, count);
        for (size_t at = 0; at < count; at++)
            answer(asks[at], &items[at]);
        arena_reset(writer->arena);
        arena_reset(writer->attempt);
    }
}

/* ---- the process ----------------------------------------------------------------------------- */

static void start_commands(struct authorization_room *room, const struct service_config *service)
{
    struct error err;
    const struct consumer_config config = {
        .settings = service->consumer,
        .bus = service_bus_config(service, "authorization"),
        .db = room->db,
        .group = CONSUMER_GROUP,
        .topics = {"t.authorization.commands.v1"},
        .threads = 1,
        .batch_max = 20,
        .arena_size_max = (size_t)64 << 20,
    };
    room->commands = (struct commands){.policy = &room->policy, .waker = room->waker};
    ASSERT(commands_start(&room->commands, &config, &err) == OK);
}

static void start(struct process *process)
{
    const struct service_config service = services_config();
    struct authorization_room *room = calloc(1, sizeof *room);
    room->index = (int)(intptr_t)process->room;
    room->policy = (struct authorization_policy){.default_currency = currency_find(TEXT("USD")),
                                                 .hold_expires_in_s = 1000,
                                                 .key_ttl_s = 86400,
                                                 .auto_open = true,
                                                 .auto_open_limit = {100, 0}};
    room->db = service_db_config(&service, "authorization");
    room->waker = waker_start(&room->db, CHANNEL_OUTBOX);
    for (int at = 0; at < WORKERS; at++) {
        struct writer *writer = &room->writers[at];
        *writer = (struct writer){.room = room, .index = at, .db = db_new(&room->db)};
        writer->arena = arena_new((size_t)64 << 20);
        writer->attempt = arena_new((size_t)64 << 20);
        task_start("authorization worker", write_items, writer);
    }
    start_commands(room, &service);
    room->sweeper =
        (struct sweeper){.policy = &room->policy, .waker = room->waker, .interval_ms = SWEEP_MS};
    sweeper_start(&room->sweeper, &room->db);
}

struct process *authorization_process(int index)
{
    service_count++;
    return process_add("authorization", start, (void *)(intptr_t)index);
}
