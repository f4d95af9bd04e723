#include "check.h"

#include "base/arena.h"
#include "base/json.h"
#include "platform/aws/aws_client.h"
#include "platform/clock.h"
#include "platform/keystore/part.h"

#include <stdio.h>

enum { CALLS_MAX = 8 };

#define CONDITION_FAILED "ConditionalCheckFailedException"

/* A DynamoDB that answers as the case wants and remembers what it was asked. */
struct answer {
    enum aws_outcome outcome;
    const char *code;
    const char *reply;
    bool may_be_done;
};

static struct answer answers[CALLS_MAX]; /* by the order of calls within a run */
static struct answer later_answer;       /* of the runs that follow the first */
static bool echoes_owner;                /* the first obstacle is the claimant's own */
static char echo[1024];
static char asked[512]; /* actions of all calls since the last look */
static char last_body[4096];
static struct arena *arena;

enum status aws_client_new(const struct aws_client_config *config, struct aws_client **client_out,
                           struct error *err)
{
    (void)config;
    (void)err;
    *client_out = NULL;
    return OK;
}

void aws_client_free(struct aws_client *client)
{
    (void)client;
}

const char *aws_client_url(const struct aws_client *client)
{
    (void)client;
    return "http://test/";
}

/* What the claimant wrote, as if an earlier try of its own had got through. */
static const char *reply_with_own_item(struct text body)
{
    struct json_value whole;
    assert_int_equal(json_parse(arena, body, &whole, NULL), OK);
    const struct json_value *item = json_get(&whole, "Item");
    snprintf(echo, sizeof echo, "{\"Item\":%.*s}", TEXT_ARGS(item->source));
    return echo;
}

enum status aws_client_run(struct aws_client *client, struct arena *unused,
                           const struct aws_batch *batch, struct error *err)
{
    (void)client;
    (void)unused;
    (void)err;
    if (strstr(asked, "BatchExecuteStatement") != NULL)
        answers[0] = later_answer;
    for (size_t at = 0; at < batch->count; at++) {
        struct aws_call *call = batch->calls[at];
        const struct answer *answer = &answers[at];
        strncat(asked, call->action, sizeof asked - strlen(asked) - 1);
        strncat(asked, " ", sizeof asked - strlen(asked) - 1);
        snprintf(last_body, sizeof last_body, "%.*s", TEXT_ARGS(call->body));
        call->outcome = answer->outcome;
        call->code = text_of(answer->code);
        call->message = TEXT_NONE;
        call->may_be_done = answer->may_be_done;
        call->reply = text_of(answer->reply == NULL ? "{}" : answer->reply);
        if (echoes_owner)
            call->reply = text_of(reply_with_own_item(call->body));
    }
    return OK;
}

/* ---- cases --------------------------------------------------------------------------------- */

/* Fingerprints are 64 times one digit. */
#define SAME  "1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER "2222222222222222222222222222222222222222222222222222222222222222"

#define ITEM(state, fingerprint, more)                                                             \
    "{\"__type\":\"x#" CONDITION_FAILED "\",\"Item\":{\"state\":{\"S\":\"" state "\"},"            \
    "\"owner\":{\"S\":\"01a20389-2ea0-77c1-bcda-ed0435d25067\"},\"fingerprint\":{\"S\":"           \
    "\"" fingerprint "\"}" more "}}"
#define OUTCOME                                                                                    \
    ",\"status\":{\"N\":\"201\"},\"body\":{\"S\":\"{\\\"a\\\":\\\"\\u00e9\\\"}\"},"                \
    "\"location\":{\"S\":\"/v1/x\"}"

static struct keystore_claim claim_of(const char *key_digit, const char *fingerprint)
{
    struct keystore_claim claim = {0};
    memset(claim.key_hash.bytes, key_digit[0], sizeof claim.key_hash.bytes);
    assert_true(sha256_parse_hex(text_of(fingerprint), &claim.fingerprint));
    return claim;
}

static void *open_store(void)
{
    const struct keystore_config config = {
        .table = "t", .lease_ms = 30000, .ttl_s = 86400, .timeout_ms = 500, .connections_max = 4};
    void *store = NULL;
    memset(answers, 0, sizeof answers);
    echoes_owner = false;
    asked[0] = '\0';
    assert_int_equal(KEYSTORE_DYNAMODB.open(&config, &store, NULL), OK);
    return store;
}

static struct keystore_batch batch_of(struct keystore_claim *const *claims, size_t count)
{
    const int64_t now_us = clock_monotonic_us();
    return (struct keystore_batch){arena, claims, count, now_us + 1000000, now_us + 2000000};
}

/* A batch of claims by one fingerprint. */
struct some {
    struct keystore_claim claims[5];
    struct keystore_claim *pointers[5];
    struct keystore_batch batch;
};

/* A claim for each digit; `some` stays where it is. */
static void make_claims(struct some *some, const char *key_digits)
{
    const size_t count = strlen(key_digits);
    assert_true(count <= COUNT(some->claims));
    for (size_t at = 0; at < count; at++) {
        some->claims[at] = claim_of(&key_digits[at], SAME);
        some->pointers[at] = &some->claims[at];
    }
    some->batch = batch_of(some->pointers, count);
}

static const struct {
    const char *given;
    struct answer answer;
    enum keystore_verdict then;
    bool is_takeover;
    bool may_be_held;
} SINGLES[] = {
    {"a new key", {AWS_DONE, NULL, "{}", false}, KEYSTORE_ASK, false, true},
    {"a claim left behind",
     {AWS_DONE, NULL, "{\"Attributes\":{\"state\":{\"S\":\"IN_FLIGHT\"}}}", false},
     KEYSTORE_ASK,
     true,
     true},
    {"an outcome that has expired",
     {AWS_DONE, NULL, "{\"Attributes\":{\"state\":{\"S\":\"DONE\"}}}", false},
     KEYSTORE_ASK,
     false,
     true},
    {"an outcome",
     {AWS_REFUSED, CONDITION_FAILED, ITEM("DONE", SAME, OUTCOME), false},
     KEYSTORE_REPLAY,
     false,
     false},
    {"an outcome of another request",
     {AWS_REFUSED, CONDITION_FAILED, ITEM("DONE", OTHER, OUTCOME), false},
     KEYSTORE_REUSED,
     false,
     false},
    {"somebody else at it",
     {AWS_REFUSED, CONDITION_FAILED, ITEM("IN_FLIGHT", SAME, ""), false},
     KEYSTORE_IN_FLIGHT,
     false,
     false},
    {"somebody at another request",
     {AWS_REFUSED, CONDITION_FAILED, ITEM("IN_FLIGHT", OTHER, ""), false},
     KEYSTORE_REUSED,
     false,
     false},
    {"a refusal that does not say why",
     {AWS_REFUSED, CONDITION_FAILED, "{}", false},
     KEYSTORE_UNANSWERED,
     false,
     false},
    {"a record without an outcome",
     {AWS_REFUSED, CONDITION_FAILED, ITEM("DONE", SAME, ""), false},
     KEYSTORE_UNANSWERED,
     false,
     false},
    {"a record of a later version",
     {AWS_REFUSED, CONDITION_FAILED, ITEM("FROZEN", SAME, ""), false},
     KEYSTORE_UNANSWERED,
     false,
     false},
    {"no table",
     {AWS_REFUSED, "ResourceNotFoundException", "{}", false},
     KEYSTORE_UNANSWERED,
     false,
     false},
    {"too much at once",
     {AWS_THROTTLED, "ThrottlingException", "{}", false},
     KEYSTORE_UNANSWERED,
     false,
     false},
    {"silence", {AWS_FAILED, NULL, NULL, true}, KEYSTORE_UNANSWERED, false, true},
    {"nobody there", {AWS_FAILED, NULL, NULL, false}, KEYSTORE_UNANSWERED, false, false},
};

static void test_dynamodb_claim__one(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(SINGLES); at++) {
        void *store = open_store();
        struct some some;
        make_claims(&some, "k");
        struct keystore_claim *claim = &some.claims[0];
        answers[0] = SINGLES[at].answer;
        KEYSTORE_DYNAMODB.claim(store, &some.batch);
        CHECK_EQ(SINGLES[at].given, claim->verdict, SINGLES[at].then);
        CHECK_EQ(SINGLES[at].given, claim->is_takeover, SINGLES[at].is_takeover);
        CHECK_EQ(SINGLES[at].given, claim->may_be_held, SINGLES[at].may_be_held);
        if (claim->verdict == KEYSTORE_REPLAY) {
            CHECK_EQ(SINGLES[at].given, claim->outcome.status, 201);
            CHECK_TEXT(SINGLES[at].given, claim->outcome.body, "{\"a\":\"\xc3\xa9\"}");
            CHECK_TEXT(SINGLES[at].given, claim->outcome.location, "/v1/x");
        }
        KEYSTORE_DYNAMODB.close(store);
    }
}

/* Until when the last claim holds. */
static int64_t lease_until_ms(void)
{
    struct json_value whole;
    int64_t until_ms = 0;
    assert_int_equal(json_parse(arena, text_of(last_body), &whole, NULL), OK);
    const struct json_value *lease = json_get(json_get(&whole, "Item"), "lease_until");
    assert_true(text_to_i64(json_get_text(lease, "N"), &until_ms));
    return until_ms;
}

/* Nobody is to wait for an owner whose request must have been answered by now. */
static void test_dynamodb_claim__runs_out(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int64_t asked_ms, lease_ms;
    } CASES[] = {
        {"a request of two minutes", 120000, 30000}, /* what open_store says */
        {"a request of five seconds", 5000, 5000},
        {"a request that is late", -5000, 0},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        void *store = open_store();
        struct some some;
        make_claims(&some, "k");
        const int64_t before_ms = clock_realtime_us() / 1000;
        some.batch.asked_until_us = clock_monotonic_us() + CASES[at].asked_ms * 1000;
        KEYSTORE_DYNAMODB.claim(store, &some.batch);
        const int64_t after_ms = clock_realtime_us() / 1000;
        const int64_t took_ms = after_ms - before_ms + 2; /* each time was cut to milliseconds */
        CHECK(CASES[at].given, lease_until_ms() >= before_ms + CASES[at].lease_ms - took_ms);
        CHECK(CASES[at].given, lease_until_ms() <= after_ms + CASES[at].lease_ms);
        KEYSTORE_DYNAMODB.close(store);
    }
}

static void test_dynamodb_claim__own_answer_that_got_lost(void **state)
{
    (void)state;
    void *store = open_store();
    struct some some;
    make_claims(&some, "k");
    struct keystore_claim *claim = &some.claims[0];
    answers[0] = (struct answer){AWS_REFUSED, CONDITION_FAILED, NULL, true};
    echoes_owner = true;
    KEYSTORE_DYNAMODB.claim(store, &some.batch);
    CHECK_EQ("a record of our own", claim->verdict, KEYSTORE_ASK);
    CHECK_EQ("a record of our own", claim->may_be_held, true);
    KEYSTORE_DYNAMODB.close(store);
}

/* Three claims of key a (two of them alike) and one of key b, mixed: two calls. */
static void test_dynamodb_claim__equal_keys(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        struct answer answer; /* for the key that is claimed three times */
        enum keystore_verdict first, alike, other;
    } CASES[] = {
        {"a new key",
         {AWS_DONE, NULL, "{}", false},
         KEYSTORE_ASK,
         KEYSTORE_IN_FLIGHT,
         KEYSTORE_REUSED},
        {"an outcome of the first",
         {AWS_REFUSED, CONDITION_FAILED, ITEM("DONE", SAME, OUTCOME), false},
         KEYSTORE_REPLAY,
         KEYSTORE_REPLAY,
         KEYSTORE_REUSED},
        {"an outcome of the other",
         {AWS_REFUSED, CONDITION_FAILED, ITEM("DONE", OTHER, OUTCOME), false},
         KEYSTORE_REUSED,
         KEYSTORE_REUSED,
         KEYSTORE_REPLAY},
        {"silence",
         {AWS_FAILED, NULL, NULL, true},
         KEYSTORE_UNANSWERED,
         KEYSTORE_UNANSWERED,
         KEYSTORE_UNANSWERED},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        void *store = open_store();
        struct keystore_claim first = claim_of("a", SAME);
        struct keystore_claim alone = claim_of("b", SAME);
        struct keystore_claim alike = claim_of("a", SAME);
        struct keystore_claim other = claim_of("a", OTHER);
        struct keystore_claim *const claims[] = {&first, &alone, &alike, &other};
        const struct keystore_batch batch = batch_of(claims, COUNT(claims));
        answers[0] = CASES[at].answer;
        KEYSTORE_DYNAMODB.claim(store, &batch);
        CHECK_TEXT(CASES[at].given, text_of(asked), "PutItem PutItem ");
        CHECK_EQ(CASES[at].given, first.verdict, CASES[at].first);
        CHECK_EQ(CASES[at].given, alike.verdict, CASES[at].alike);
        CHECK_EQ(CASES[at].given, other.verdict, CASES[at].other);
        CHECK_EQ(CASES[at].given, alone.verdict, KEYSTORE_ASK);
        CHECK_EQ(CASES[at].given, alike.may_be_held || other.may_be_held, false);
        KEYSTORE_DYNAMODB.close(store);
    }
}

static void test_dynamodb_end__calls(void **state)
{
    (void)state;
    static char large[360 * 1024];
    memset(large, 'x', sizeof large);
    const struct {
        const char *given;
        bool may_be_held, is_refused;
        struct text body;
        const char *then; /* calls made */
    } CASES[] = {
        {"an outcome", true, false, TEXT("{}"), "UpdateItem "},
        {"a refusal", true, true, TEXT("{}"), "DeleteItem "},
        {"an outcome too large to keep", true, false, {large, sizeof large}, "DeleteItem "},
        {"a claim that was never ours", false, false, TEXT("{}"), ""},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        void *store = open_store();
        struct some some;
        make_claims(&some, "k");
        struct keystore_claim *claim = &some.claims[0];
        KEYSTORE_DYNAMODB.claim(store, &some.batch);
        asked[0] = '\0';
        claim->may_be_held = CASES[at].may_be_held;
        claim->outcome = (struct keystore_outcome){201, CASES[at].body, TEXT_NONE};
        if (CASES[at].is_refused)
            KEYSTORE_DYNAMODB.release(store, &some.batch);
        else
            KEYSTORE_DYNAMODB.complete(store, &some.batch);
        CHECK_TEXT(CASES[at].given, text_of(asked), CASES[at].then);
        KEYSTORE_DYNAMODB.close(store);
    }
}

/* Once it is silent nobody asks it, until its rest is over. */
static void test_dynamodb_claim__silence_is_not_waited_for_again(void **state)
{
    (void)state;
    void *store = open_store();
    struct some some;
    make_claims(&some, "ab");
    const struct keystore_claim *a = &some.claims[0];
    answers[0] = (struct answer){AWS_FAILED, NULL, NULL, true};
    answers[1] = answers[0];
    KEYSTORE_DYNAMODB.claim(store, &some.batch);
    CHECK_TEXT("silence", text_of(asked), "PutItem PutItem ");
    KEYSTORE_DYNAMODB.complete(store, &some.batch);
    CHECK_TEXT("what it may have heard of", text_of(asked), "PutItem PutItem ");
    KEYSTORE_DYNAMODB.claim(store, &some.batch);
    CHECK_TEXT("the next batch", text_of(asked), "PutItem PutItem ");
    CHECK_EQ("the next batch", a->verdict, KEYSTORE_UNANSWERED);
    CHECK_EQ("the next batch", a->may_be_held, false);
    KEYSTORE_DYNAMODB.close(store);
}

/* Half of a batch throttled: the rest is claimed, and the store is asked again. */
static void test_dynamodb_claim__half_is_enough(void **state)
{
    (void)state;
    void *store = open_store();
    struct some some;
    make_claims(&some, "ab");
    const struct keystore_claim *a = &some.claims[0];
    answers[0] = (struct answer){AWS_THROTTLED, "ThrottlingException", "{}", false};
    KEYSTORE_DYNAMODB.claim(store, &some.batch);
    CHECK_EQ("throttled", a->verdict, KEYSTORE_UNANSWERED);
    CHECK_EQ("its neighbour", some.claims[1].verdict, KEYSTORE_ASK);
    KEYSTORE_DYNAMODB.complete(store, &some.batch);
    CHECK_TEXT("only what is held", text_of(asked), "PutItem PutItem UpdateItem ");
    KEYSTORE_DYNAMODB.close(store);
}

static const struct {
    const char *given;
    struct answer first, second; /* calls, in order */
    const char *asked;
    enum keystore_verdict last; /* of the fifth key; the others are claimed or as it */
    bool may_be_held;
} TOGETHER[] = {
    {"five new keys",
     {AWS_DONE, NULL, "{\"Responses\":[{},{},{},{},{}]}", false},
     {0},
     "BatchExecuteStatement ",
     KEYSTORE_ASK,
     true},
    {"a key that is known",
     {AWS_DONE, NULL, "{\"Responses\":[{},{},{},{},{\"Error\":{\"Code\":\"DuplicateItem\"}}]}",
      false},
     {AWS_REFUSED, CONDITION_FAILED, ITEM("DONE", SAME, OUTCOME), false},
     "BatchExecuteStatement PutItem ",
     KEYSTORE_REPLAY,
     false},
    {"a key that was left behind",
     {AWS_DONE, NULL, "{\"Responses\":[{},{},{},{},{\"Error\":{\"Code\":\"DuplicateItem\"}}]}",
      false},
     {AWS_DONE, NULL, "{\"Attributes\":{\"state\":{\"S\":\"IN_FLIGHT\"}}}", false},
     "BatchExecuteStatement PutItem ",
     KEYSTORE_ASK,
     true},
    {"a statement that is throttled",
     {AWS_DONE, NULL, "{\"Responses\":[{},{},{},{},{\"Error\":{\"Code\":\"ThrottlingError\"}}]}",
      false},
     {AWS_THROTTLED, "ThrottlingException", "{}", false},
     "BatchExecuteStatement PutItem ",
     KEYSTORE_UNANSWERED,
     false},
    {"silence",
     {AWS_FAILED, NULL, NULL, true},
     {0},
     "BatchExecuteStatement ",
     KEYSTORE_UNANSWERED,
     true},
    {"an answer that is no answer",
     {AWS_DONE, NULL, "{\"Responses\":[]}", false},
     {0},
     "BatchExecuteStatement ",
     KEYSTORE_UNANSWERED,
     false},
};

/* Five keys go as statements in one call; what a statement does not do is asked again alone. */
static void test_dynamodb_claim__statements(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(TOGETHER); at++) {
        void *store = open_store();
        struct some some;
        make_claims(&some, "abcde");
        const struct keystore_claim *last = &some.claims[4];
        later_answer = TOGETHER[at].second;
        answers[0] = TOGETHER[at].first;
        KEYSTORE_DYNAMODB.claim(store, &some.batch);
        CHECK_TEXT(TOGETHER[at].given, text_of(asked), TOGETHER[at].asked);
        CHECK_EQ(TOGETHER[at].given, last->verdict, TOGETHER[at].last);
        CHECK_EQ(TOGETHER[at].given, last->may_be_held, TOGETHER[at].may_be_held);
        KEYSTORE_DYNAMODB.close(store);
    }
}

int main(void)
{
    arena = arena_new(64 * 1024 * 1024);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dynamodb_claim__one),
        cmocka_unit_test(test_dynamodb_claim__own_answer_that_got_lost),
        cmocka_unit_test(test_dynamodb_claim__runs_out),
        cmocka_unit_test(test_dynamodb_claim__equal_keys),
        cmocka_unit_test(test_dynamodb_claim__statements),
        cmocka_unit_test(test_dynamodb_end__calls),
        cmocka_unit_test(test_dynamodb_claim__silence_is_not_waited_for_again),
        cmocka_unit_test(test_dynamodb_claim__half_is_enough),
    };
    const int failed = cmocka_run_group_tests_name("platform/keystore_dynamodb", tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
