/* tests/simulation/sim.h - one seeded scheduler instead of threads, clocks and randomness.
 *
 * Purpose:   the threads of all services are tasks of one process; which of them goes on, what the
 *            time is and what every random number is follows from the seed alone. A task gives way
 *            only at its points: between two statements, when it waits, when it rests.
 * Units:     microseconds of the schedule's own time, which begins at 0.
 * Ownership: what a task allocates belongs to its process and is gone when that is killed.
 * Errors:    none: what must not happen ends the schedule by sim_fail.
 * Threads:   one. */
#ifndef SIMULATION_SIM_H
#define SIMULATION_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct task;

enum { PROCESSES_MAX = 16 };

/* A service's process: killed and started again as a whole. */
struct process {
    const char *name;
    void (*start)(struct process *process); /* makes its tasks; runs as its first one */
    void (*killed)(struct process *process);
    bool is_alive;
    int64_t restart_us;        /* of one that is down */
    int64_t clock_skew_us;     /* how far its own clock is ahead */
    struct heap_block *blocks; /* what it has allocated */
    int kills;
    void *room; /* its own */
};

/* How much goes wrong, drawn for each schedule; one in so many, 0: never. */
struct sim_faults {
    unsigned crash;      /* points */
    unsigned disconnect; /* statements */
    unsigned commit_unknown;
    unsigned server_restart; /* steps of the scheduler */
    unsigned kill;           /* steps of the scheduler: any process */
    unsigned refusal;        /* statements, by a room that cannot save for a while */
    unsigned letter_lost;    /* requests and answers of clients */
    unsigned letter_twice;
    unsigned give_way; /* points */
};

struct sim {
    uint64_t seed;
    uint64_t random;
    int64_t now_us;
    int64_t leap_us;  /* nothing happens before: when nobody can go on, the time leaps there */
    int64_t epoch_us; /* what the database's clock said at 0 */
    uint64_t steps;
    uint64_t digest; /* of all that happened: equal for equal seeds */
    bool is_calm;    /* no more faults: everything must come to rest */
    bool is_loud;    /* tells what happens */
    bool skips; /* on-poison is `skip`: what cannot be applied waits alone, others overtake it */
    struct sim_faults faults;
    int fault_count;
    struct process processes[PROCESSES_MAX];
    int process_count;
};

extern struct sim sim;

/* ---- one schedule --------------------------------------------------------------------------- */

void sim_begin(uint64_t seed);
/* Runs tasks until `is_over` says so (asked whenever nobody can go on) or the time is up. */
void sim_run(bool (*is_over)(void), int64_t calm_at_us, int64_t end_us);
void sim_end(void);

struct process *process_add(const char *name, void (*start)(struct process *process), void *room);
void process_kill(struct process *process);
/* NULL: the world itself, or a client. */
struct process *process_current(void);
/* In the process of whoever calls. `name` is for people. */
void task_start(const char *name, void (*main)(void *context), void *context);

/* What must not happen has happened: says the seed, and ends the program. */
_Noreturn void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void sim_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
void sim_note(uint64_t what); /* into the digest */

/* ---- for tasks ------------------------------------------------------------------------------ */

uint64_t sim_draw(void);
unsigned sim_below(unsigned count); /* 0 .. count - 1 */
/* A fault that happens one in so many times, while there may be any. */
bool sim_fault(unsigned one_in);

void sim_point(void); /* others may go on here, and the process may be killed */
void sim_rest(int64_t us);
/* Until the channel is rung or the time is over: says whether it was rung. */
bool sim_listen(const void *channel, int64_t us);
void sim_ring(const void *channel);

#endif
