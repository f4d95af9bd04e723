#include "check.h"

#include "gateway/token_bucket.h"

static const int64_t SECOND = 1000000;

/* Steps of one bucket each: at a time, so many asked for, so many let in; the last refusal's wait.
 */
static const struct {
    const char *given;
    int64_t rate_per_s, burst, charged;
    struct {
        int64_t at_us;
        int asked, let_in;
        int64_t wait_us;
    } steps[4];
} CASES[] = {
    {"no limit", 0, 0, 0, {{1, 1000, 1000, 0}}},
    {"a full bucket", 10, 3, 0, {{1, 3, 3, 0}}},
    {"one more than the burst", 10, 3, 0, {{1, 4, 3, 100000}}},
    {"a token's time less a moment", 10, 3, 0, {{1, 3, 3, 0}, {100000, 1, 0, 1}}},
    {"a token's time", 10, 3, 0, {{1, 3, 3, 0}, {100001, 1, 1, 0}}},
    {"a token's time and a moment", 10, 3, 0, {{1, 3, 3, 0}, {100002, 2, 1, 99999}}},
    {"a pause fills no more than the burst", 10, 3, 0, {{1, 3, 3, 0}, {3600000000, 4, 3, 100000}}},
    {"a rate that divides no second", 3, 1, 0, {{1, 2, 1, 333334}, {333335, 1, 1, 0}}},
    {"the fastest", 1000000, 1, 0, {{1, 2, 1, 1}, {2, 2, 1, 1}}},
    {"what refusals ask for is not taken", 10, 1, 0, {{1, 9, 1, 100000}, {100001, 1, 1, 0}}},
    {"a charge is owed", 10, 3, 3, {{1, 1, 0, 100000}, {100001, 1, 1, 0}}},
    {"a large one for longer", 10, 1, 1000, {{1, 1, 0, 100000000}, {99999999, 1, 0, 2}}},
    {"and no longer", 10, 1, 1000, {{1, 1, 0, 100000000}, {100000001, 2, 1, 100000}}},
    {"time that stands still", 10, 1, 0, {{5, 1, 1, 0}, {5, 1, 0, 100000}}},
    {"time that goes back", 10, 1, 0, {{500, 1, 1, 0}, {4, 1, 0, 100000}}},
};

static void test_token_bucket_take(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct token_bucket bucket = token_bucket_make(CASES[at].rate_per_s, CASES[at].burst);
        token_bucket_charge(&bucket, CASES[at].charged);
        for (size_t step = 0; CASES[at].steps[step].asked > 0; step++) {
            int let_in = 0;
            int64_t wait_us = 0;
            for (int asked = 0; asked < CASES[at].steps[step].asked; asked++) {
                const int64_t said_us = token_bucket_take(&bucket, CASES[at].steps[step].at_us);
                let_in += said_us == 0;
                wait_us = said_us == 0 ? wait_us : said_us;
            }
            CHECK_EQ(CASES[at].given, let_in, CASES[at].steps[step].let_in);
            CHECK_EQ(CASES[at].given, wait_us, CASES[at].steps[step].wait_us);
        }
    }
}

/* Whoever waits as long as it was told is let in, whatever the limit. */
static void test_token_bucket_take__a_wait_is_enough(void **state)
{
    (void)state;
    for (int64_t rate = 1; rate <= TOKEN_RATE_MAX; rate = rate * 3 + 1) {
        struct token_bucket bucket = token_bucket_make(rate, 1);
        int64_t now_us = 1;
        for (int count = 0; count < 1000; count++) {
            const int64_t wait_us = token_bucket_take(&bucket, now_us);
            if (wait_us == 0)
                continue;
            now_us += wait_us;
            CHECK_EQ("after the wait", token_bucket_take(&bucket, now_us), 0);
        }
        CHECK_EQ("over time the rate holds", now_us >= 499 * SECOND / rate, 1);
    }
}

static const struct {
    const char *given;
    int64_t rate_per_s, burst;
    int spent;
    int64_t new_rate_per_s, new_burst;
    int let_in;
} CHANGES[] = {
    {"nothing changes", 1, 5, 2, 1, 5, 3},
    {"a smaller burst", 1, 5, 2, 1, 2, 2},
    {"a larger burst fills with time", 1, 5, 2, 1, 9, 3},
    {"what was spent stays spent", 1, 5, 5, 2, 5, 0},
    {"a first limit", 0, 0, 5, 1, 4, 4},
    {"the limit is lifted", 1, 2, 2, 0, 0, 100},
};

static void test_token_bucket_adopt(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(CHANGES); at++) {
        struct token_bucket before = token_bucket_make(CHANGES[at].rate_per_s, CHANGES[at].burst);
        struct token_bucket bucket =
            token_bucket_make(CHANGES[at].new_rate_per_s, CHANGES[at].new_burst);
        int let_in = 0;
        for (int count = 0; count < CHANGES[at].spent; count++)
            CHECK_EQ(CHANGES[at].given, token_bucket_take(&before, SECOND), 0);
        token_bucket_adopt(&bucket, &before);
        for (int asked = 0; asked < 100; asked++)
            let_in += token_bucket_take(&bucket, SECOND) == 0;
        CHECK_EQ(CHANGES[at].given, let_in, CHANGES[at].let_in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_bucket_take),
        cmocka_unit_test(test_token_bucket_take__a_wait_is_enough),
        cmocka_unit_test(test_token_bucket_adopt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
