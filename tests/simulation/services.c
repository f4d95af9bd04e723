#include "services.h"

#include "base/arena.h"
#include "base/assert.h"
#include "connection.h"
#include "platform/log/log.h"
#include "platform/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- what is wrapped: clocks, loops, the log ------------------------------------------------- */

int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
struct loop *__wrap_loop_start(const char *name, int (*step)(void *context), void *context);
void __wrap_loop_stop(struct loop *loop);
void __wrap_loop_wake(struct loop *loop);
struct arena *__wrap_arena_new(size_t size_max);
void __wrap_waiting_room_wake(void *room);
void __wrap_log_write(enum log_level level, const struct trace_context *trace, const char *event,
                      const char *message, const struct log_field *fields);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    const struct process *process = process_current();
    const int64_t skew_us = process == NULL ? 0 : process->clock_skew_us;
    const int64_t base_us = clock == CLOCK_REALTIME ? sim.epoch_us : 1000000;
    const int64_t us = base_us + sim.now_us + skew_us;
    *out = (struct timespec){us / 1000000, us % 1000000 * 1000};
    return 0;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)left;
    sim_rest(time->tv_sec * 1000000LL + time->tv_nsec / 1000);
    return 0;
}

struct loop {
    int (*step)(void *context);
    void *context;
};

/* Who looks up every so often does so a little more rarely here: it is most of a quiet schedule. */
static void run_loop(void *context)
{
    enum { LOOKS_UP_MS = 100, STRETCH = 3 };
    const struct loop *loop = context;
    for (;;) {
        const int64_t rest_us = loop->step(loop->context) * 1000LL;
        sim_rest(rest_us >= LOOKS_UP_MS * 1000 ? rest_us * STRETCH : rest_us);
    }
}

struct loop *__wrap_loop_start(const char *name, int (*step)(void *context), void *context)
{
    struct loop *loop = malloc(sizeof *loop);
    *loop = (struct loop){step, context};
    task_start(name, run_loop, loop);
    return loop;
}

void __wrap_loop_stop(struct loop *loop)
{
    (void)loop;
}

void __wrap_loop_wake(struct loop *loop)
{
    (void)loop;
}

/* ---- a pool of workers: here of one, whose queue is as long as it gets ----------------------- */

enum { QUEUE_MAX = 64 };

struct worker_pool {
    struct worker_pool_config config;
    struct worker worker;
    void *queue[QUEUE_MAX];
    size_t count;
};

struct worker_pool *__wrap_worker_pool_start(const struct worker_pool_config *config);
bool __wrap_worker_pool_submit(struct worker_pool *pool, unsigned lane, void *item);
void __wrap_respond_json(void *request, int status, struct text body);
void __wrap_respond_problem(void *request, const void *problem);

static void run_pool(void *context)
{
    struct worker_pool *pool = context;
    pool->config.open(&pool->worker);
    for (;;) {
        if (pool->count == 0)
            sim_listen(pool, 1000 * 1000);
        if (pool->count == 0)
            continue;
        void *item = pool->queue[--pool->count];
        pool->config.run(&pool->worker, &item, 1);
        arena_reset(pool->worker.arena);
    }
}

struct worker_pool *__wrap_worker_pool_start(const struct worker_pool_config *config)
{
    struct worker_pool *pool = calloc(1, sizeof *pool);
    pool->config = *config;
    pool->worker =
        (struct worker){.arena = arena_new(config->arena_size_max), .shared = config->shared};
    task_start(config->name, run_pool, pool);
    return pool;
}

bool __wrap_worker_pool_submit(struct worker_pool *pool, unsigned lane, void *item)
{
    (void)lane;
    if (pool->count == QUEUE_MAX)
        return false;
    pool->queue[pool->count++] = item;
    sim_ring(pool);
    return true;
}

/* Nobody reads what an operator is told. */
void __wrap_respond_json(void *request, int status, struct text body)
{
    (void)request;
    sim_tell("answered %d %.*s", status, TEXT_ARGS(body));
}

void __wrap_respond_problem(void *request, const void *problem)
{
    (void)request, (void)problem;
    sim_tell("answered with a problem");
}

/* ---- arenas and the log ---------------------------------------------------------------------- */

/* Smaller than in production: what is touched stays in the processor's cache. */
struct arena *__wrap_arena_new(size_t size_max)
{
    enum { FIRST = 16 * 1024 };
    return arena_new_sized(size_max < FIRST ? size_max : FIRST, size_max);
}

/* Nobody waits for a booking over HTTP. */
void __wrap_waiting_room_wake(void *room)
{
    (void)room;
}

void __wrap_log_write(enum log_level level, const struct trace_context *trace, const char *event,
                      const char *message, const struct log_field *fields)
{
    (void)trace;
    if (!sim.is_loud)
        return;
    char line[512];
    size_t size = 0;
    for (; fields->kind != LOG_FIELD_END && size < sizeof line - 120; fields++) {
        char *end = line + size;
        const size_t left = sizeof line - size;
        if (fields->kind == LOG_FIELD_I64)
            size += (size_t)snprintf(end, left, " %s=%lld", fields->name, (long long)fields->i64);
        if (fields->kind == LOG_FIELD_TEXT)
            size += (size_t)snprintf(end, left, " %s=%.60s", fields->name,
                                     text_is_none(fields->text) ? "" : fields->text.data);
        if (fields->kind == LOG_FIELD_UUID)
            size += (size_t)snprintf(end, left, " %s=..%02x%02x", fields->name,
                                     fields->uuid.bytes[14], fields->uuid.bytes[15]);
    }
    line[size < sizeof line ? size : sizeof line - 1] = '\0';
    sim_tell("%s %s (%s)%s", log_level_name(level), event, message, line);
}

/* ---- letters --------------------------------------------------------------------------------- */

struct service_config services_config(void)
{
    return (struct service_config){
        .profile = "dev",
        .database_url = "",
        .topic_prefix = "t",
        .bus = {.kind = "postgres"},
        .consumer = {.on_poison = sim.skips ? "skip" : "park_key",
                     .park_attempts_max = 1000,
                     .park_wait_ms = 20},
    };
}

static void add_authorizations(void)
{
    const int count = 1 + (sim_below(3) == 0);
    for (int at = 0; at < count; at++)
        authorization_process(at);
}

void services_begin(void)
{
    struct process *(*const ADDS[])(void) = {ledger_process, saga_process, outbox_process};
    add_authorizations();
    for (size_t at = 0; at < COUNT(ADDS); at++)
        for (int count = 1 + (sim_below(3) == 0); count > 0; count--)
            ADDS[at]();
    for (int at = 0; at < sim.process_count; at++) {
        struct process *process = &sim.processes[at];
        process->killed = connections_killed;
        if (sim_below(8) == 0) /* a clock that is ahead, or behind, by up to a second */
            process->clock_skew_us = (int64_t)sim_below(2000000) - 1000000;
    }
}
