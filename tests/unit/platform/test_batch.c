#include "check.h"

#include "platform/batch.h"
#include "platform/clock.h"

#include <stdio.h>
#include <string.h>

enum { ITEMS_MAX = 512, SECOND_US = 1000000 };

/* A database by script: some items are bad, some attempts fail whatever is in them. */
struct script {
    const char *failures; /* of the first attempts, a letter each; '.': succeeds if the items do */
    int bad[4];           /* items that fail every attempt, the first 0 ends the list */
    enum status bad_status;

    int attempts;
    size_t items_tried; /* over all attempts */
    int done[ITEMS_MAX], failed[ITEMS_MAX];
    enum status failed_as[ITEMS_MAX];
};

static enum status status_of(char letter)
{
    switch (letter) {
    case 'c':
        return ERR_CONFLICT;
    case 'd':
        return ERR_DOWN;
    case 't':
        return ERR_TIMEOUT;
    case 'u':
        return ERR_UNKNOWN;
    case 'b':
        return ERR_BROKEN;
    default:
        return OK;
    }
}

static bool is_bad(const struct script *script, size_t item)
{
    for (size_t at = 0; at < COUNT(script->bad) && script->bad[at] != 0; at++)
        if ((size_t)script->bad[at] == item)
            return true;
    return false;
}

static enum status script_attempt(void *context, size_t first, size_t count, struct error *err)
{
    struct script *script = context;
    const size_t index = (size_t)script->attempts++;
    script->items_tried += count;
    if (index < strlen(script->failures) && status_of(script->failures[index]) != OK)
        return error_set(err, status_of(script->failures[index]), "by script");
    for (size_t at = first; at < first + count; at++)
        if (is_bad(script, at))
            return error_set(err, script->bad_status, "a bad item");
    for (size_t at = first; at < first + count; at++)
        script->done[at]++;
    return OK;
}

static void script_fail(void *context, size_t index, const struct error *err)
{
    struct script *script = context;
    script->failed[index]++;
    script->failed_as[index] = err->status;
}

static void run(struct script *script, size_t count, int64_t allowed_us)
{
    batch_run(&(struct batch_machine){.context = script,
                                      .attempt = script_attempt,
                                      .fail = script_fail,
                                      .deadline_us = clock_monotonic_us() + allowed_us},
              count);
}

/* Every item ends exactly once: a bad one as failed, an innocent one as done. */
static void test_batch_run__innocents_succeed(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        size_t count;
        const char *failures;
        int bad[4];
        enum status bad_status;
        int attempts_max;
    } CASES[] = {
        {"nothing to do", 0, "", {0}, OK, 0},
        {"one good item", 1, "", {0}, OK, 1},
        {"a full good batch", 512, "", {0}, OK, 1},
        {"a lost race", 512, "c", {0}, OK, 2},
        {"two lost races", 512, "cc", {0}, OK, 4},
        {"two lost races, one more in a half", 512, "ccc", {0}, OK, 6},
        {"an odd batch that lost two races", 7, "cc", {0}, OK, 4},
        {"an item that lost four races", 1, "cccc", {0}, OK, 5},
        {"a database that is away twice", 512, "dd", {0}, OK, 3},
        {"a slow database", 512, "t", {0}, OK, 2},
        {"a connection lost in the commit", 512, "u", {0}, OK, 2},
        {"lost in the commit, then a lost race", 512, "uc", {0}, OK, 3},
        {"away, then two lost races", 512, "dcc", {0}, OK, 5},
        {"an item that breaks the batch", 512, "", {77}, ERR_BROKEN, 19},
        {"the last item breaks the batch", 512, "", {511}, ERR_BROKEN, 19},
        {"an item that always loses", 512, "", {300}, ERR_CONFLICT, 24},
        {"an invalid item in a batch of one", 2, "", {1}, ERR_INVALID, 3},
        {"two neighbours that break it", 64, "", {31, 32}, ERR_BROKEN, 25},
        {"three items far apart", 512, "", {1, 200, 510}, ERR_BROKEN, 60},
        {"a lost race, then a bad item", 512, "c", {5}, ERR_BROKEN, 20},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct script script = {.failures = CASES[at].failures, .bad_status = CASES[at].bad_status};
        memcpy(script.bad, CASES[at].bad, sizeof script.bad);
        run(&script, CASES[at].count, 20 * SECOND_US);
        for (size_t item = 0; item < CASES[at].count; item++) {
            const bool bad = is_bad(&script, item);
            CHECK_EQ(CASES[at].given, script.done[item], !bad);
            CHECK_EQ(CASES[at].given, script.failed[item], bad);
            if (bad)
                CHECK_EQ(CASES[at].given, script.failed_as[item], CASES[at].bad_status);
        }
        if (script.attempts > CASES[at].attempts_max)
            fail_msg("given %s: %d attempts", CASES[at].given, script.attempts);
    }
}

static void test_batch_run__deadline(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *failures;
        int64_t allowed_us;
        enum status then;
        int attempts_min, attempts_max;
    } CASES[] = {
        {"a deadline that has passed", "", 0, ERR_TIMEOUT, 0, 0},
        {"away to the end", "dddddddddddddddddddddddddd", 60000, ERR_DOWN, 2, 15},
        {"slow to the end", "tttttttttttttttttttttttttt", 60000, ERR_TIMEOUT, 2, 15},
        {"lost in the commit, then away", "uddddddddddddddddddddddd", 60000, ERR_UNKNOWN, 2, 15},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct script script = {.failures = CASES[at].failures};
        run(&script, 3, CASES[at].allowed_us);
        for (size_t item = 0; item < 3; item++) {
            CHECK_EQ(CASES[at].given, script.failed[item], 1);
            CHECK_EQ(CASES[at].given, script.done[item], 0);
            CHECK_EQ(CASES[at].given, script.failed_as[item], CASES[at].then);
        }
        CHECK(CASES[at].given, script.attempts >= CASES[at].attempts_min);
        CHECK(CASES[at].given, script.attempts <= CASES[at].attempts_max);
    }
}

/* What may have been saved never fails as if it had not. */
static void test_batch_run__unknown_stays_unknown(void **state)
{
    (void)state;
    struct script script = {.failures = "u", .bad = {2}, .bad_status = ERR_BROKEN};
    run(&script, 4, SECOND_US);
    CHECK_EQ("a bad item after a lost commit", script.failed_as[2], ERR_UNKNOWN);
    CHECK_EQ("its neighbours", script.done[0] + script.done[1] + script.done[3], 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_run__innocents_succeed),
        cmocka_unit_test(test_batch_run__deadline),
        cmocka_unit_test(test_batch_run__unknown_stays_unknown),
    };
    return cmocka_run_group_tests_name("platform/batch", tests, NULL, NULL);
}
