/* A consumer is some members, each a thread that polls the bus and applies what it gets, and one
 * keeper, a thread that tries parked keys again and forgets old claims of the inbox. */
#include "platform/messaging/consumer.h"

#include "base/arena.h"
#include "base/assert.h"
#include "messaging_sql.h"
#include "platform/clock.h"
#include "platform/dependency.h"
#include "platform/log/log.h"
#include "platform/messaging/metrics.h"
#include "platform/messaging/parked.h"
#include "platform/messaging/waiting.h"
#include "platform/worker.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    THREADS_MAX = 8,
    POLL_WAIT_MS = 500,
    REST_FIRST_MS = 50, /* after a failure; doubles */
    REST_MAX_MS = 2000,
    KEEPER_REST_MS = 100,
    KEEPER_ARENA_SIZE = 16 * 1024 * 1024,
    INBOX_EVERY_S = 10,
    INBOX_COUNT_MAX = 5000,
    INBOX_DAYS = 8, /* longer than the bus keeps messages */
    PARK_ATTEMPTS_MAX = 1000000,
    PARK_WAIT_MS_MAX = 60000,
};

/* What both kinds of thread have. */
struct thread {
    struct consumer *consumer;
    struct delivery_door door;
    struct loop *loop;
    int rest_ms; /* of the failure that lasts; 0: none */
};

struct member {
    struct thread thread;
    struct bus_consumer *bus;
    struct dependency_watch bus_watch;
};

struct keeper {
    struct thread thread;
    struct db *lock; /* holds the parked key that is tried */
    int64_t inbox_due_us;
    int64_t count_due_us; /* of what waits */
};

struct consumer {
    struct consumer_config config;
    atomic_bool is_stopping;
    int member_count;
    struct member members[THREADS_MAX];
    struct keeper keeper;
};

/* ---- failures that are waited for ---------------------------------------------------------- */

/* How long to rest. A failure that lasts is said once; a lost race is none. */
static int note_failure(struct thread *thread, const struct error *err)
{
    if (err->status == ERR_CONFLICT)
        return REST_FIRST_MS;
    if (thread->rest_ms == 0)
        log_warning(NULL, "consumer.waiting", "cannot consume, retrying",
                    kv_str("group", thread->consumer->config.group),
                    kv_str("status", status_name(err->status)), kv_str("error", err->message));
    const int rest_ms = thread->rest_ms == 0 ? REST_FIRST_MS : thread->rest_ms * 2;
    thread->rest_ms = rest_ms < REST_MAX_MS ? rest_ms : REST_MAX_MS;
    return thread->rest_ms;
}

static void note_success(struct thread *thread)
{
    if (thread->rest_ms > 0)
        log_info(NULL, "consumer.resumed", "consuming again",
                 kv_str("group", thread->consumer->config.group));
    thread->rest_ms = 0;
}

/* ---- a member ------------------------------------------------------------------------------ */

static struct delivery **make_deliveries(struct arena *arena, const struct bus_batch *batch)
{
    struct delivery *all = ARENA_NEW_ARRAY(arena, struct delivery, batch->count);
    struct delivery **deliveries = ARENA_NEW_ARRAY(arena, struct delivery *, batch->count);
    for (size_t at = 0; at < batch->count; at++) {
        all[at].message = batch->messages[at];
        delivery_begin(&all[at]);
        deliveries[at] = &all[at];
    }
    return deliveries;
}

/* What the bus answered, told apart from what the database did. A poll is about no message yet, so
 * whatever it fails by, nothing can be read. */
static enum status note_bus(struct member *member, enum status status, const struct error *err)
{
    if (status != OK && status != ERR_CONFLICT)
        dependency_note_away(DEPENDENCY_BUS, &member->bus_watch, err->message);
    else
        dependency_note_there(DEPENDENCY_BUS, &member->bus_watch);
    return status;
}

static void count_confirmed(struct delivery *const *deliveries, size_t count)
{
    metric_add(&METRIC_CONSUMED_MESSAGES, 0, (int64_t)count);
    for (size_t at = 0; at < count; at++)
        if (deliveries[at]->outcome == DELIVERY_DUPLICATE)
            metric_count(&METRIC_INBOX_DUPLICATES, 0);
}

/* Those that were applied are recorded already. */
static void record_left_behind(const struct delivery_door *door, struct delivery *const *deliveries,
                               size_t count)
{
    for (size_t at = 0; at < count; at++)
        if (delivery_is_marked(deliveries[at]))
            delivery_record(door, deliveries[at], count);
}

/* One poll: keep back, apply, save what is left behind, confirm. A failure anywhere leaves the poll
 * unconfirmed, and the bus hands all of it over again. */
static enum status consume(struct member *member, struct error *err)
{
    struct bus_batch batch;
    struct delivery_door *door = &member->thread.door;
    const struct bus_poll poll = {POLL_WAIT_MS, (size_t)door->config->batch_max};
    TRY(note_bus(member, bus_poll(member->bus, &poll, door->arena, &batch, err), err));
    if (batch.count == 0)
        return OK;
    const int64_t begun_us = clock_monotonic_us();
    const size_t count = batch.count;
    struct delivery **deliveries = make_deliveries(door->arena, &batch);
    TRY(parked_keep_back(door, deliveries, count, err));
    TRY(delivery_apply_all(door, deliveries, count, err));
    TRY(parked_save(door, deliveries, count, err));
    record_left_behind(door, deliveries, count);
    TRY(note_bus(member, bus_confirm(member->bus, err), err));
    metric_observe(&METRIC_PROCESS_DURATION, 0, clock_monotonic_us() - begun_us);
    count_confirmed(deliveries, count);
    return OK;
}

static int member_step(void *context)
{
    struct member *member = context;
    struct error err;
    if (atomic_load(&member->thread.consumer->is_stopping))
        return REST_MAX_MS;
    const enum status status = consume(member, &err);
    arena_reset(member->thread.door.arena);
    arena_reset(member->thread.door.attempt);
    if (status != OK)
        return note_failure(&member->thread, &err);
    note_success(&member->thread);
    return 0;
}

/* ---- the keeper ---------------------------------------------------------------------------- */

/* The smallest id of version 7 of its millisecond. */
static struct uuid id_of_time(int64_t time_us)
{
    struct uuid id = {{0}};
    const uint64_t time_ms = (uint64_t)(time_us / 1000);
    for (size_t at = 0; at < 6; at++)
        id.bytes[at] = (uint8_t)(time_ms >> (8 * (5 - at)));
    return id;
}

/* A step forgets a bounded number; while there are more, the next comes soon. */
static enum status forget_claims(struct keeper *keeper, struct error *err)
{
    const struct delivery_door *door = &keeper->thread.door;
    const int64_t now_us = clock_monotonic_us();
    if (now_us < keeper->inbox_due_us)
        return OK;
    const int64_t age_us = (int64_t)INBOX_DAYS * 24 * 3600 * 1000000;
    const struct uuid before = id_of_time(clock_realtime_us() - age_us);
    struct sql_args args;
    sql_args_init(&args, door->arena);
    sql_add_text(&args, text_of(door->config->group));
    sql_add_uuid(&args, &before);
    sql_add_i64(&args, INBOX_DAYS);
    sql_add_i64(&args, INBOX_COUNT_MAX);
    TRY(db_run_one(door->db, SQL_DELETE_INBOX, &args, err));
    if (db_rows(door->db, 0).affected < INBOX_COUNT_MAX)
        keeper->inbox_due_us = now_us + (int64_t)INBOX_EVERY_S * 1000000;
    return OK;
}

static int keeper_step(void *context)
{
    struct keeper *keeper = context;
    struct error err;
    bool is_found = false;
    enum status status = parked_try_key(&keeper->thread.door, keeper->lock, &is_found, &err);
    if (status == OK)
        status = forget_claims(keeper, &err);
    if (status == OK)
        status = waiting_count(&keeper->thread.door, &keeper->count_due_us, &err);
    arena_reset(keeper->thread.door.arena);
    arena_reset(keeper->thread.door.attempt);
    if (status != OK)
        return note_failure(&keeper->thread, &err);
    note_success(&keeper->thread);
    return is_found ? 0 : KEEPER_REST_MS;
}

enum status consumer_check_settings(const struct consumer_settings *settings, struct error *err)
{
    if (settings->park_attempts_max < 1 || settings->park_attempts_max > PARK_ATTEMPTS_MAX)
        return error_set(err, ERR_INVALID, "park-attempts-max is 1 to %d", PARK_ATTEMPTS_MAX);
    if (settings->park_wait_ms < 1 || settings->park_wait_ms > PARK_WAIT_MS_MAX)
        return error_set(err, ERR_INVALID, "park-wait-ms is 1 to %d (a minute)", PARK_WAIT_MS_MAX);
    struct uuid key;
    const struct text poison = text_of(settings->rehearse_poison_key);
    if (!text_is_none(poison) && !uuid_parse(poison, &key))
        return error_set(err, ERR_INVALID, "rehearse-poison-key is a key, such as an account's id");
    return OK;
}

/* ---- starting and stopping ----------------------------------------------------------------- */

/* The room's statements, and ours after them. */
static struct db_config with_our_statements(const struct db_config *config)
{
    struct db_config own = *config;
    for (size_t at = 0; at < COUNT(own.statements); at++) {
        if (own.statements[at] == messaging_statements)
            return own;
        if (own.statements[at] == NULL) {
            own.statements[at] = messaging_statements;
            return own;
        }
    }
    UNREACHABLE();
}

static void open_door(struct consumer *consumer, struct thread *thread, size_t arena_size)
{
    const struct db_config db_config = with_our_statements(&consumer->config.db);
    thread->consumer = consumer;
    thread->door = (struct delivery_door){
        .config = &consumer->config,
        .db = db_new(&db_config),
        .arena = arena_new(arena_size),
        .attempt = arena_new(consumer->config.arena_size_max),
    };
}

static void close_door(struct thread *thread)
{
    db_free(thread->door.db);
    arena_free(thread->door.arena);
    arena_free(thread->door.attempt);
}

static enum status start_member(struct consumer *consumer, struct error *err)
{
    struct member *member = &consumer->members[consumer->member_count];
    const struct consumer_config *config = &consumer->config;
    TRY(bus_consumer_open(&config->bus, config->group, config->topics, &member->bus, err));
    open_door(consumer, &member->thread, config->arena_size_max);
    consumer->member_count++;
    member->thread.loop = loop_start("consumer", member_step, member);
    return OK;
}

static void start_keeper(struct consumer *consumer)
{
    struct keeper *keeper = &consumer->keeper;
    const struct db_config lock_config = with_our_statements(&consumer->config.db);
    open_door(consumer, &keeper->thread, KEEPER_ARENA_SIZE);
    keeper->lock = db_new(&lock_config);
    keeper->thread.loop = loop_start("keeper", keeper_step, keeper);
}

enum status consumer_start(const struct consumer_config *config, struct consumer **consumer_out,
                           struct error *err)
{
    ASSERT(config->threads >= 1 && config->threads <= THREADS_MAX);
    ASSERT(config->batch_max >= 1 && config->settings.park_wait_ms >= 1);
    struct consumer *consumer = calloc(1, sizeof *consumer);
    ASSERT(consumer != NULL);
    consumer->config = *config;
    (void)uuid_parse(text_of(config->settings.rehearse_poison_key), &consumer->config.poison_key);
    for (int at = 0; at < config->threads; at++) {
        const enum status status = start_member(consumer, err);
        if (status != OK) {
            consumer_stop(consumer);
            return status;
        }
    }
    start_keeper(consumer);
    *consumer_out = consumer;
    return OK;
}

static void stop_keeper(struct keeper *keeper)
{
    if (keeper->thread.loop == NULL)
        return;
    loop_stop(keeper->thread.loop);
    db_free(keeper->lock);
    close_door(&keeper->thread);
}

void consumer_stop(struct consumer *consumer)
{
    if (consumer == NULL)
        return;
    atomic_store(&consumer->is_stopping, true);
    for (int at = 0; at < consumer->member_count; at++)
        bus_consumer_wake(consumer->members[at].bus);
    for (int at = 0; at < consumer->member_count; at++) {
        loop_stop(consumer->members[at].thread.loop);
        bus_consumer_close(consumer->members[at].bus);
        close_door(&consumer->members[at].thread);
    }
    stop_keeper(&consumer->keeper);
    free(consumer);
}
