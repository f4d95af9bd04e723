#include "check.h"

#include "outbox/pace.h"

enum { STEP_US = 250 * 1000, STORY_MAX = 120 };

static const int64_t WAIT_MAX_US = 5 * 1000 * 1000;

/* A stretch of time in which as many are decided, and as many could be booked, each second. */
struct stretch {
    int steps;
    int arriving, arriving_if_yielding; /* what is decided leaves less for booking, and back */
    int bookable;
};

/* Plays a story and writes a letter for each sample: s, t, y, c. */
static void play(const struct stretch *story, int64_t wait_max_us, char *letters)
{
    struct pace pace = {.state = PACE_STEADY};
    struct pace_sample sample = {.at_us = 1};
    int64_t held_back_us = 0;
    pace_take(&pace, &sample, wait_max_us);
    for (; story->steps > 0; story++) {
        for (int step = 0; step < story->steps; step++) {
            const bool yields = pace_yields(&pace);
            const int64_t arrived = (yields ? story->arriving_if_yielding : story->arriving) / 4;
            const int64_t could = yields ? 0 : story->bookable / 4;
            const int64_t waiting = sample.waiting + arrived;
            held_back_us = yields ? held_back_us + STEP_US : 0;
            sample.at_us += STEP_US;
            sample.arrived += arrived;
            sample.waiting = could < waiting ? waiting - could : 0;
            sample.oldest_age_us = held_back_us;
            pace_take(&pace, &sample, wait_max_us);
            *letters++ = "styc"[pace.state];
        }
    }
    *letters = '\0';
}

static void test_pace__stories(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        struct stretch story[4];
        int64_t wait_max_us;
        const char *then;
    } CASES[] = {
        {"nothing", {{8, 0, 0, 4000}}, WAIT_MAX_US, "ssssssss"},
        {"what can be booked", {{12, 4000, 4000, 4500}}, WAIT_MAX_US, "ssssssssssss"},
        {"little, though booking stands", {{8, 400, 400, 0}}, WAIT_MAX_US, "ssssssss"},
        {"a burst that ends",
         {{8, 3200, 8000, 2000}, {16, 0, 0, 5000}},
         WAIT_MAX_US,
         "sstyyyyyyycccccccccsssss"},
        {"a burst that lasts is followed from the limit on",
         {{30, 3200, 8000, 2000}},
         4 * STEP_US,
         "sstyyycccccccccccccccccccccccc"},
        {"it is over once nothing waits, and may yield again",
         {{8, 3200, 8000, 2000}, {12, 0, 0, 9000}, {8, 3200, 16000, 2000}},
         WAIT_MAX_US,
         "sstyyyyyyycccccssssssstyyyyy"},
        {"a database that stood still: nobody arrives the faster",
         {{12, 4000, 4000, 4500}, {2, 4000, 4000, 0}, {10, 4000, 4000, 6000}},
         WAIT_MAX_US,
         "ssssssssssssttttssssssss"},
        {"more than can be booked, and no more if it yields: tried now and then",
         {{16, 3000, 3000, 3000}, {30, 3600, 3600, 3000}},
         WAIT_MAX_US,
         "sssssssssssssssssssssttttssssssssssssttttsssss"},
        {"told never to", {{8, 3200, 8000, 2000}}, 0, "ssssssss"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        char letters[STORY_MAX + 1];
        play(CASES[at].story, CASES[at].wait_max_us, letters);
        CHECK_TEXT(CASES[at].given, text_of(letters), CASES[at].then);
    }
}

/* Two looks at the same moment say nothing of a rate. */
static void test_pace__no_time_has_passed(void **state)
{
    (void)state;
    struct pace pace = {.state = PACE_STEADY};
    const struct pace_sample sample = {.at_us = 5, .arrived = 9000, .waiting = 9000};
    pace_take(&pace, &sample, WAIT_MAX_US);
    pace_take(&pace, &sample, WAIT_MAX_US);
    CHECK("it goes on as before", pace.state == PACE_STEADY);
    CHECK("none arrives", pace.arriving == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace__stories),
        cmocka_unit_test(test_pace__no_time_has_passed),
    };
    return cmocka_run_group_tests_name("outbox/pace", tests, NULL, NULL);
}
