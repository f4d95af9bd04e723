#include "check.h"

#include "base/arena.h"
#include "platform/clock.h"
#include "platform/worker.h"

#include <pthread.h>
#include <semaphore.h>

enum { ITEMS = 300 };

/* What the runs of a pool report. */
static struct report {
    pthread_mutex_t mutex;
    sem_t may_run; /* each run waits for it once */
    size_t runs, items, largest;
    int opened, closed;
    int worker_of[ITEMS]; /* by item */
} report;

static void report_open(struct worker *worker)
{
    worker->context = &report;
    pthread_mutex_lock(&report.mutex);
    report.opened++;
    pthread_mutex_unlock(&report.mutex);
}

static void report_close(struct worker *worker)
{
    pthread_mutex_lock(&report.mutex);
    report.closed += worker->context == &report;
    pthread_mutex_unlock(&report.mutex);
}

static void report_run(struct worker *worker, void **items, size_t count)
{
    sem_wait(&report.may_run);
    sem_post(&report.may_run);
    arena_alloc(worker->arena, 100000); /* without a reset the arena's bound would be passed */
    pthread_mutex_lock(&report.mutex);
    report.runs++;
    report.items += count;
    report.largest = count > report.largest ? count : report.largest;
    for (size_t at = 0; at < count; at++)
        report.worker_of[*(int *)items[at]] = worker->index;
    pthread_mutex_unlock(&report.mutex);
}

static void test_worker_pool__batches(void **state)
{
    (void)state;
    report = (struct report){.mutex = PTHREAD_MUTEX_INITIALIZER};
    sem_init(&report.may_run, 0, 0);
    struct worker_pool *pool = worker_pool_start(&(struct worker_pool_config){
        .name = "a name that is too long",
        .workers = 2,
        .queue_max = ITEMS,
        .batch_max = 64,
        .arena_size_max = 150000,
        .open = report_open,
        .run = report_run,
        .close = report_close,
    });
    static int numbers[ITEMS];
    for (int at = 0; at < ITEMS; at++) {
        numbers[at] = at;
        assert_true(worker_pool_submit(pool, (unsigned)at, &numbers[at]));
    }
    sem_post(&report.may_run);
    worker_pool_stop(pool);

    CHECK_EQ("a pool of two", report.opened, 2);
    CHECK_EQ("a pool of two", report.closed, 2);
    CHECK_EQ("all items", report.items, ITEMS);
    CHECK_EQ("what waited is one batch", report.largest, 64);
    CHECK("far fewer runs than items", report.runs <= 2 * (1 + 3));
    for (int at = 0; at < ITEMS; at++)
        CHECK_EQ("the lane chooses the worker", report.worker_of[at], at % 2);
}

static void test_worker_pool_submit__full(void **state)
{
    (void)state;
    report = (struct report){.mutex = PTHREAD_MUTEX_INITIALIZER};
    sem_init(&report.may_run, 0, 0);
    struct worker_pool *pool = worker_pool_start(&(struct worker_pool_config){
        .name = "full",
        .workers = 1,
        .queue_max = 2,
        .batch_max = 1,
        .arena_size_max = 150000,
        .run = report_run,
    });
    static int number;
    int accepted = 0;
    while (worker_pool_submit(pool, 0, &number))
        accepted++;
    CHECK("a queue of two and at most one item under way", accepted == 2 || accepted == 3);
    sem_post(&report.may_run);
    worker_pool_stop(pool);
    CHECK("every accepted item is run", report.items >= 2);
}

static int steps;

static int count_step(void *rest_ms)
{
    __atomic_add_fetch(&steps, 1, __ATOMIC_SEQ_CST);
    return *(int *)rest_ms;
}

static void test_loop__rest_and_wake(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int rest_ms, wakes, at_least, at_most;
    } CASES[] = {
        {"a long rest", 60000, 0, 1, 1},
        {"a wake ends the rest", 60000, 1, 2, 2},
        {"a short rest", 1, 0, 5, 1000},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        steps = 0;
        int rest_ms = CASES[at].rest_ms;
        struct loop *loop = loop_start("steps", count_step, &rest_ms);
        const int64_t until_us = clock_monotonic_us() + 30000;
        while (clock_monotonic_us() < until_us)
            sched_yield();
        if (CASES[at].wakes > 0)
            loop_wake(loop);
        while (__atomic_load_n(&steps, __ATOMIC_SEQ_CST) < CASES[at].at_least)
            sched_yield();
        loop_stop(loop);
        CHECK(CASES[at].given, steps <= CASES[at].at_most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worker_pool__batches),
        cmocka_unit_test(test_worker_pool_submit__full),
        cmocka_unit_test(test_loop__rest_and_wake),
    };
    return cmocka_run_group_tests_name("platform/worker", tests, NULL, NULL);
}
