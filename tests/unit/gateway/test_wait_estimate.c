#include "check.h"

#include "gateway/wait_estimate.h"

enum { RUN_MAX = 500 };

static const struct {
    const char *given;
    size_t waiting;
    int64_t runs_us[5]; /* up to the first 0 */
    int64_t then_us;
} CASES[] = {
    {"nobody and nothing known", 0, {0}, 0},
    {"no run yet", 4000, {0}, 0},
    {"nobody waits, however long runs take", 0, {4000000}, 0},
    {"half a run", 250, {400000}, 50000},
    {"a run", 500, {400000}, 100000},
    {"eight runs", 4000, {400000}, 800000},
    {"runs that take the same", 500, {400000, 400000, 400000, 400000}, 273437},
    {"a long one and short ones since", 500, {4000000, 4, 4, 4}, 421878},
    {"one who waits after a long run", 1, {20000000}, 10000},
};

static void test_wait_estimate_us(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct wait_estimate estimate = {0};
        for (size_t count = 0; count < CASES[at].waiting; count++)
            wait_estimate_add(&estimate);
        for (size_t run = 0; CASES[at].runs_us[run] > 0; run++)
            wait_estimate_note_run(&estimate, CASES[at].runs_us[run]);
        CHECK_EQ(CASES[at].given, wait_estimate_us(&estimate, RUN_MAX), CASES[at].then_us);
        wait_estimate_take(&estimate, CASES[at].waiting);
        CHECK_EQ("all were taken", wait_estimate_us(&estimate, RUN_MAX), 0);
    }
}

/* Once runs are short again, what was long is soon forgotten. */
static void test_wait_estimate_note_run__forgets(void **state)
{
    (void)state;
    struct wait_estimate estimate = {0};
    int runs = 0;
    for (int count = 0; count < RUN_MAX; count++)
        wait_estimate_add(&estimate);
    wait_estimate_note_run(&estimate, 20000000);
    while (wait_estimate_us(&estimate, RUN_MAX) > 100000) {
        wait_estimate_note_run(&estimate, 2000);
        runs++;
    }
    CHECK_EQ("within so many runs", runs <= 15, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_estimate_us),
        cmocka_unit_test(test_wait_estimate_note_run__forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
