#include "sim.h"

#include "base/assert.h"
#include "base/random.h"
#include "base/uuid.h"
#include "stack.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS_MAX = 128 };

static const int64_t NEVER = INT64_MAX;
static const int64_t STEP_COST_US = 60; /* at most; how long a task works between its points */

struct task {
    const char *name;
    struct process *process;
    void (*main)(void *context);
    void *context;
    struct stack *stack;
    bool is_done;
    int64_t wake_us;
    const void *channel; /* what it listens to */
    bool is_rung;
};

struct sim sim;
static struct task tasks[TASKS_MAX];
static int task_count;
static struct task *current;
static struct process *starting; /* tasks that are made now belong to it */

/* ---- telling -------------------------------------------------------------------------------- */

void sim_tell(const char *format, ...)
{
    va_list args;
    if (!sim.is_loud)
        return;
    printf("%10lld us  %-22s ", (long long)sim.now_us, current == NULL ? "-" : current->name);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

_Noreturn void sim_fail(const char *format, ...)
{
    va_list args;
    fflush(stdout);
    fprintf(stderr, "seed %llu: ", (unsigned long long)sim.seed);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nseed %llu: at %lld us, in %s, after %d faults; again, told: simulate %llu\n",
            (unsigned long long)sim.seed, (long long)sim.now_us,
            current == NULL ? "the check of everything" : current->name, sim.fault_count,
            (unsigned long long)sim.seed);
    fflush(stderr);
    _Exit(3);
}

void sim_note(uint64_t what)
{
    sim.digest = (sim.digest ^ what) * 0x100000001b3ULL;
    sim.digest ^= sim.digest >> 29;
}

/* ---- what is random ------------------------------------------------------------------------- */

/* SplitMix64. */
uint64_t sim_draw(void)
{
    uint64_t z = sim.random += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

unsigned sim_below(unsigned count)
{
    ASSERT(count > 0);
    return (unsigned)((sim_draw() >> 32) * count >> 32);
}

bool sim_fault(unsigned one_in)
{
    if (sim.is_calm || one_in == 0 || sim_below(one_in) != 0)
        return false;
    sim.fault_count++;
    return true;
}

void __wrap_random_bytes(void *out, size_t size);
struct uuid __wrap_uuid_make_v7(void);

void __wrap_random_bytes(void *out, size_t size)
{
    uint8_t *bytes = out;
    for (size_t at = 0; at < size; at += 8) {
        const uint64_t draw = sim_draw();
        memcpy(bytes + at, &draw, size - at < 8 ? size - at : 8);
    }
}

/* As RFC 9562 has it, without the memory of an earlier schedule's ids. */
struct uuid __wrap_uuid_make_v7(void)
{
    struct uuid id;
    __wrap_random_bytes(id.bytes, sizeof id.bytes);
    const uint64_t ms = (uint64_t)(sim.epoch_us + sim.now_us) / 1000;
    for (int at = 0; at < 6; at++)
        id.bytes[at] = (uint8_t)(ms >> (40 - 8 * at));
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x70);
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

/* ---- tasks ---------------------------------------------------------------------------------- */

static void run_task(void *context)
{
    struct task *task = context;
    task->main(task->context);
    task->is_done = true;
}

static struct task *new_task(struct process *process, const char *name)
{
    struct task *task = NULL;
    for (int at = 0; at < task_count && task == NULL; at++)
        if (tasks[at].is_done && tasks[at].stack == NULL)
            task = &tasks[at];
    if (task == NULL) {
        ASSERT(task_count < TASKS_MAX);
        task = &tasks[task_count++];
    }
    *task = (struct task){.name = name, .process = process};
    task->wake_us = sim.now_us + sim_below(200);
    task->stack = stack_take();
    return task;
}

void task_start(const char *name, void (*main)(void *context), void *context)
{
    struct task *task = new_task(process_current(), name);
    task->main = main;
    task->context = context;
    stack_set(task->stack, run_task, task);
}

static void let_go(struct task *task)
{
    stack_give(task->stack);
    task->stack = NULL;
    task->is_done = true;
}

/* The rest of the task, up to its next point. */
static void go_on(struct task *task)
{
    current = task;
    stack_enter(task->stack);
    current = NULL;
    if (task->is_done)
        let_go(task);
}

static void give_way(int64_t wake_us)
{
    ASSERT(current != NULL);
    current->wake_us = wake_us;
    stack_leave(current->stack);
}

void sim_point(void)
{
    if (current == NULL)
        return;
    if (current->process != NULL && sim_fault(sim.faults.crash)) {
        sim_tell("killed here");
        current->process->restart_us = -1; /* the scheduler does it */
        give_way(sim.now_us);
    }
    if (sim.faults.give_way > 0 && sim_below(sim.faults.give_way) == 0)
        give_way(sim.now_us);
}

void sim_rest(int64_t us)
{
    if (current != NULL)
        give_way(sim.now_us + us);
}

bool sim_listen(const void *channel, int64_t us)
{
    ASSERT(current != NULL);
    current->channel = channel;
    current->is_rung = false;
    give_way(sim.now_us + us);
    current->channel = NULL;
    return current->is_rung;
}

void sim_ring(const void *channel)
{
    for (int at = 0; at < task_count; at++) {
        struct task *task = &tasks[at];
        if (task->is_done || task->channel != channel)
            continue;
        task->is_rung = true;
        if (task->wake_us > sim.now_us)
            task->wake_us = sim.now_us;
    }
}

/* ---- processes ------------------------------------------------------------------------------ */

struct process *process_current(void)
{
    return current == NULL ? starting : current->process;
}

struct process *process_add(const char *name, void (*start)(struct process *process), void *room)
{
    ASSERT(sim.process_count < PROCESSES_MAX);
    struct process *process = &sim.processes[sim.process_count++];
    *process = (struct process){.name = name, .start = start, .room = room};
    return process;
}

static void start_room(void *context)
{
    struct process *process = context;
    process->start(process);
}

static void start_process(struct process *process)
{
    process->is_alive = true;
    process->restart_us = 0;
    starting = process;
    task_start(process->name, start_room, process);
    starting = NULL;
}

static void start_those_due(void)
{
    for (int at = 0; at < sim.process_count; at++)
        if (!sim.processes[at].is_alive && sim.processes[at].restart_us <= sim.now_us)
            start_process(&sim.processes[at]);
}

static void end_process(struct process *process)
{
    for (int at = 0; at < task_count; at++)
        if (tasks[at].process == process && tasks[at].stack != NULL)
            let_go(&tasks[at]);
    process->is_alive = false;
    if (process->killed != NULL)
        process->killed(process);
    heap_free(process);
}

void process_kill(struct process *process)
{
    ASSERT(current == NULL);
    sim_tell("%s is killed", process->name);
    end_process(process);
    process->kills++;
    /* Some stay away until whoever waits for them gives up. */
    process->restart_us =
        sim.now_us + 1000 + sim_below(sim_below(4) == 0 ? 3500 * 1000 : 200 * 1000);
}

static void kill_some(void)
{
    for (int at = 0; at < sim.process_count; at++)
        if (sim.processes[at].is_alive && sim.processes[at].restart_us < 0)
            process_kill(&sim.processes[at]);
    struct process *any = &sim.processes[sim_below((unsigned)sim.process_count)];
    if (sim_fault(sim.faults.kill) && any->is_alive)
        process_kill(any);
}

/* ---- a schedule ----------------------------------------------------------------------------- */

/* One of those who can go on, each as likely as the others; NULL: nobody can. */
static struct task *choose(int64_t *next_us)
{
    struct task *ready[TASKS_MAX];
    unsigned count = 0;
    *next_us = NEVER;
    for (int at = 0; at < task_count; at++) {
        struct task *task = &tasks[at];
        if (task->is_done)
            continue;
        if (task->wake_us <= sim.now_us)
            ready[count++] = task;
        else if (task->wake_us < *next_us)
            *next_us = task->wake_us;
    }
    for (int at = 0; at < sim.process_count; at++)
        if (!sim.processes[at].is_alive && sim.processes[at].restart_us < *next_us)
            *next_us = sim.processes[at].restart_us;
    return count == 0 ? NULL : ready[sim_below(count)];
}

void sim_begin(uint64_t seed)
{
    const bool is_loud = sim.is_loud;
    sim = (struct sim){.seed = seed, .random = seed * 0x2545f4914f6cdd1dULL, .is_loud = is_loud};
    sim.digest = 0xcbf29ce484222325ULL;
    task_count = 0;
}

void sim_run(bool (*is_over)(void), int64_t calm_at_us, int64_t end_us)
{
    start_those_due();
    for (;;) {
        int64_t next_us = NEVER;
        struct task *task = choose(&next_us);
        sim.is_calm = sim.is_calm || sim.now_us >= calm_at_us;
        if (task == NULL) {
            if (is_over())
                return;
            if (sim.now_us >= end_us)
                sim_fail("nothing comes to rest");
            sim.now_us = next_us > sim.leap_us ? next_us : sim.leap_us;
            start_those_due();
            continue;
        }
        sim.steps++;
        sim.now_us += sim_below((unsigned)STEP_COST_US);
        sim_note((uint64_t)sim.now_us ^ (uint64_t)(task - tasks) << 48);
        go_on(task);
        kill_some();
        start_those_due();
    }
}

void sim_end(void)
{
    for (int at = 0; at < sim.process_count; at++)
        end_process(&sim.processes[at]);
    for (int at = 0; at < task_count; at++)
        if (tasks[at].stack != NULL)
            let_go(&tasks[at]);
}
