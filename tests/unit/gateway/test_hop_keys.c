#include "check.h"

#include "base/arena.h"
#include "gateway/hop_keys.h"
#include "platform/clock.h"

/* A key store that answers as the case wants and remembers what it was told. */
static enum keystore_verdict verdict;
static bool may_be_held;
static size_t claimed;
static int64_t claim_deadline_us;
static int64_t asked_until_us;
static size_t completed;
static size_t released;
static struct arena *arena;

enum status keystore_open(const struct keystore_config *config, struct keystore **store_out,
                          struct error *err)
{
    (void)store_out;
    return error_set(err, ERR_INVALID, "no store '%s' in a test", config->kind);
}

void keystore_close(struct keystore *store)
{
    (void)store;
}

void keystore_claim(struct keystore *store, const struct keystore_batch *batch)
{
    (void)store;
    claimed = batch->count;
    claim_deadline_us = batch->deadline_us;
    asked_until_us = batch->asked_until_us;
    for (size_t at = 0; at < batch->count; at++) {
        batch->claims[at]->verdict = verdict;
        batch->claims[at]->may_be_held = may_be_held;
        batch->claims[at]->outcome = (struct keystore_outcome){201, TEXT("{}"), TEXT("/v1/x")};
    }
}

void keystore_complete(struct keystore *store, const struct keystore_batch *batch)
{
    (void)store;
    completed = batch->count;
}

void keystore_release(struct keystore *store, const struct keystore_batch *batch)
{
    (void)store;
    released = batch->count;
}

static void test_hop_keys_claim__verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        enum keystore_verdict verdict;
        bool may_be_held;
        bool is_strict;
        int status; /* 0: it goes on to the authorization service */
        bool is_replayed;
        size_t ours;
    } CASES[] = {
        {"a key nobody knows", KEYSTORE_ASK, true, false, 0, false, 1},
        {"a store that keeps nothing", KEYSTORE_ASK, false, false, 0, false, 0},
        {"a key with an outcome", KEYSTORE_REPLAY, false, false, 201, true, 0},
        {"a key somebody else is at", KEYSTORE_IN_FLIGHT, false, false, 409, false, 0},
        {"a key of another request", KEYSTORE_REUSED, false, false, 422, false, 0},
        {"a store that is down", KEYSTORE_UNANSWERED, false, false, 0, false, 0},
        {"a store whose answer got lost", KEYSTORE_UNANSWERED, true, false, 0, false, 1},
        {"a store that is down, strictly", KEYSTORE_UNANSWERED, false, true, 503, false, 0},
        {"a store whose answer got lost, strictly", KEYSTORE_UNANSWERED, true, true, 503, false, 1},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct visit visit = {.wait_s = 0};
        struct hop_item item = {.visit = &visit, .has_key = true};
        struct hop_item *const items[] = {&item};
        struct hop_keys keys = {.arena = arena, .is_strict = CASES[at].is_strict};
        verdict = CASES[at].verdict;
        may_be_held = CASES[at].may_be_held;
        hop_keys_claim(&keys, items, 1);
        CHECK_EQ(CASES[at].given, item.answer.status, CASES[at].status);
        CHECK_EQ(CASES[at].given, item.answer.is_replayed, CASES[at].is_replayed);
        CHECK_EQ(CASES[at].given, keys.count, CASES[at].ours);
    }
}

static void test_hop_keys_claim__what_has_no_key(void **state)
{
    (void)state;
    struct visit visit = {.wait_s = 0};
    struct hop_item without = {.visit = &visit};
    struct hop_item answered = {.visit = &visit, .has_key = true, .answer.status = 503};
    struct hop_item *const items[] = {&without, &answered};
    struct hop_keys keys = {.arena = arena};
    verdict = KEYSTORE_ASK;
    may_be_held = true;
    hop_keys_claim(&keys, items, 2);
    CHECK_EQ("an item without a key, one with an answer", claimed, 0);
}

/* A store that takes all the time it may leaves enough to ask the authorization service. */
static void test_hop_keys_claim__leaves_time(void **state)
{
    (void)state;
    const int64_t now_us = clock_monotonic_us();
    struct visit visit = {.wait_s = 0};
    struct hop_item early = {.visit = &visit, .has_key = true, .deadline_us = now_us + 1000000};
    struct hop_item late = {.visit = &visit, .has_key = true, .deadline_us = now_us + 5000000};
    struct hop_item *const items[] = {&late, &early};
    struct hop_keys keys = {.arena = arena};
    hop_keys_claim(&keys, items, 2);
    CHECK("half of five seconds", claim_deadline_us >= now_us + 2500000);
    CHECK("half of five seconds", claim_deadline_us < now_us + 4000000);
    CHECK_EQ("the last of them may be asking for so long", asked_until_us, late.deadline_us);
}

static void test_hop_keys_settle__outcomes(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int status;
        size_t completed;
        size_t released;
    } CASES[] = {
        {"a decision", 201, 1, 0}, {"a repeat of a transaction", 200, 1, 0},
        {"a refusal", 422, 0, 1},  {"nothing done", 503, 0, 1},
        {"a bug", 500, 0, 0},      {"nobody knows", 504, 0, 0},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct visit visit = {.wait_s = 0};
        struct hop_item item = {.visit = &visit, .has_key = true};
        struct hop_item *const items[] = {&item};
        struct hop_keys keys = {.arena = arena};
        verdict = KEYSTORE_ASK;
        may_be_held = true;
        hop_keys_claim(&keys, items, 1);
        item.answer.status = CASES[at].status;
        hop_keys_settle(&keys);
        CHECK_EQ(CASES[at].given, completed, CASES[at].completed);
        CHECK_EQ(CASES[at].given, released, CASES[at].released);
    }
}

int main(void)
{
    arena = arena_new(1024 * 1024);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hop_keys_claim__verdicts),
        cmocka_unit_test(test_hop_keys_claim__what_has_no_key),
        cmocka_unit_test(test_hop_keys_claim__leaves_time),
        cmocka_unit_test(test_hop_keys_settle__outcomes),
    };
    const int failed = cmocka_run_group_tests_name("gateway/hop_keys", tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
