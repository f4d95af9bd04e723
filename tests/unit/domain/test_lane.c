#include "check.h"

#include "domain/lane.h"

#include <stdio.h>

static void test_account_id_of__derived(void **state)
{
    (void)state;
    const struct uuid id = account_id_of(TEXT("default"), TEXT("user-6789"));
    const struct uuid again = account_id_of(TEXT("default"), TEXT("user-6789"));
    CHECK("the same names", uuid_equals(&id, &again));
    char text[UUID_TEXT_SIZE + 1];
    uuid_format(&id, text);
    /* Golden: a change would lose every account. */
    CHECK_TEXT("the first user", text_of(text), "40232750-d63a-8467-bc58-da7a689307fd");
    const struct uuid moved = account_id_of(TEXT("defaultu"), TEXT("ser-6789"));
    CHECK("names cut elsewhere", !uuid_equals(&id, &moved));
}

static void test_lane_of__spreads(void **state)
{
    (void)state;
    int counts[LANE_COUNT] = {0};
    for (int at = 0; at < 6400; at++) {
        char user_id[16];
        const int size = snprintf(user_id, sizeof user_id, "user-%d", at);
        const struct uuid id = account_id_of(TEXT("default"), (struct text){user_id, (size_t)size});
        const int lane = lane_of(&id);
        CHECK("a lane", lane >= 0 && lane < LANE_COUNT);
        counts[lane]++;
    }
    for (int lane = 0; lane < LANE_COUNT; lane++)
        CHECK("100 accounts for each lane", counts[lane] > 50 && counts[lane] < 150);
}

static void test_authorization_id_make__carries_the_lane(void **state)
{
    (void)state;
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        const struct uuid id = authorization_id_make(lane);
        CHECK_EQ("its lane", lane_of(&id), lane);
        CHECK_EQ("its version", id.bytes[6] >> 4, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_id_of__derived),
        cmocka_unit_test(test_lane_of__spreads),
        cmocka_unit_test(test_authorization_id_make__carries_the_lane),
    };
    return cmocka_run_group_tests_name("domain/lane", tests, NULL, NULL);
}
