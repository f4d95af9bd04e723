/* Keys in a table of DynamoDB: what a batch asks for, and what becomes of each claim. */
#include "base/arena.h"
#include "base/assert.h"
#include "platform/aws/aws_client.h"
#include "platform/clock.h"
#include "platform/dependency.h"
#include "platform/keystore/breaker.h"
#include "platform/keystore/dynamodb_ask.h"
#include "platform/keystore/part.h"
#include "platform/log/log.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TRIES_MAX = 3,     /* of one request: throttled for longer is as good as down */
    TRIES_IN_TIME = 2, /* tries that the timeout has room for */
};

struct dynamodb {
    struct keystore_config config;
    struct aws_client *client;
    struct breaker breaker;
    struct dynamodb_claimant claimant; /* of the last claim */
};

/* ---- start and end ------------------------------------------------------------------------- */

static enum status dynamodb_open(const struct keystore_config *config, void **self_out,
                                 struct error *err)
{
    const struct aws_client_config client = {
        .service = AWS_DYNAMODB,
        .connections_max = (int)config->connections_max,
        .timeout_ms = (int)config->timeout_ms / TRIES_IN_TIME,
        .tries_max = TRIES_MAX,
    };
    struct dynamodb *store = calloc(1, sizeof *store);
    ASSERT(store != NULL);
    store->config = *config;
    const enum status made = aws_client_new(&client, &store->client, err);
    if (made != OK) {
        free(store);
        return made;
    }
    *self_out = store;
    return OK;
}

static void dynamodb_close(void *self)
{
    struct dynamodb *store = self;
    aws_client_free(store->client);
    free(store);
}

/* ---- asking -------------------------------------------------------------------------------- */

static int64_t deadline_of(const struct dynamodb *store, const struct keystore_batch *batch)
{
    const int64_t own_us = clock_monotonic_us() + store->config.timeout_ms * 1000;
    return own_us < batch->deadline_us ? own_us : batch->deadline_us;
}

/* Why there was no answer, once for each time that the store goes away. */
static void log_down(const struct dynamodb *store, const struct aws_call *call)
{
    const bool is_missing = text_equals_c(call->code, "ResourceNotFoundException");
    log_warning(NULL, "keystore.down",
                is_missing ? "the key store has no table, going on without: make it by "
                             "'tallystick migrate apply' with TALLYSTICK_KEYSTORE=dynamodb"
                           : "the key store does not answer, going on without",
                kv_str("url", aws_client_url(store->client)), kv_str("table", store->config.table),
                kv_i64("http_status", call->status), kv_text("code", call->code),
                kv_text("detail", call->message));
}

/* Each worker has a store of its own, and some hear nothing for long: the last word counts. */
static void note_dependency(bool is_well, const struct aws_call *failed)
{
    static struct dependency_watch watch;
    char why[96];
    if (is_well) {
        dependency_note_there(DEPENDENCY_KEY_STORE, &watch);
        return;
    }
    snprintf(why, sizeof why, "%.*s: %.*s", TEXT_ARGS(failed->code), TEXT_ARGS(failed->message));
    dependency_note_away(DEPENDENCY_KEY_STORE, &watch, why);
}

static void note_answers(struct dynamodb *store, const struct dynamodb_asking *asking,
                         const struct dynamodb_request *requests, size_t count)
{
    size_t answered = 0;
    for (size_t at = 0; at < count; at++)
        if (requests[at].answer != DYNAMODB_SILENCE)
            answered++;
    /* Some that were throttled are no reason to leave it alone; most are. */
    const bool is_well = answered * 2 >= count;
    note_dependency(is_well, asking->trouble);
    switch (breaker_note(&store->breaker, is_well, clock_monotonic_us())) {
    case BREAKER_SAME:
        break;
    case BREAKER_OPENED:
        log_down(store, asking->trouble);
        break;
    case BREAKER_CLOSED:
        log_info(NULL, "keystore.back", "the key store answers again",
                 kv_str("url", aws_client_url(store->client)));
        break;
    }
}

static void ask(struct dynamodb *store, const struct keystore_batch *batch,
                struct dynamodb_request *requests, size_t count)
{
    struct dynamodb_asking asking = {
        .client = store->client,
        .claimant = &store->claimant,
        .arena = batch->arena,
        .deadline_us = deadline_of(store, batch),
    };
    dynamodb_ask(&asking, requests, count);
    note_answers(store, &asking, requests, count);
}

/* ---- claiming ------------------------------------------------------------------------------ */

static int compare_requests(const void *left, const void *right)
{
    const struct dynamodb_request *a = left;
    const struct dynamodb_request *b = right;
    const int order = memcmp(&a->claim->key_hash, &b->claim->key_hash, sizeof a->claim->key_hash);
    if (order != 0)
        return order;
    return a->place < b->place ? -1 : 1;
}

static struct dynamodb_request *sort_by_key(const struct keystore_batch *batch)
{
    struct dynamodb_request *sorted =
        ARENA_NEW_ARRAY(batch->arena, struct dynamodb_request, batch->count);
    for (size_t at = 0; at < batch->count; at++)
        sorted[at] = (struct dynamodb_request){
            .verb = DYNAMODB_CLAIM, .claim = batch->claims[at], .place = at};
    qsort(sorted, batch->count, sizeof *sorted, compare_requests);
    return sorted;
}

static bool is_same_key(const struct dynamodb_request *a, const struct dynamodb_request *b)
{
    return memcmp(&a->claim->key_hash, &b->claim->key_hash, sizeof a->claim->key_hash) == 0;
}

/* What a record that is not ours says to a claim. */
static void judge(struct keystore_claim *claim, const struct dynamodb_record *record)
{
    if (!sha256_equals(&claim->fingerprint, &record->fingerprint)) {
        claim->verdict = KEYSTORE_REUSED;
    } else if (record->is_done) {
        claim->verdict = KEYSTORE_REPLAY;
        claim->outcome = record->outcome;
    } else {
        claim->verdict = KEYSTORE_IN_FLIGHT;
    }
}

/* The claims of one key: the first was asked for, the others see what became of it. */
static void settle_unanswered(const struct dynamodb_request *group, size_t count)
{
    for (size_t at = 0; at < count; at++)
        group[at].claim->verdict = KEYSTORE_UNANSWERED;
    group[0].claim->may_be_held = group[0].may_be_done;
}

static void settle_claimed(const struct dynamodb_request *group, size_t count, bool is_takeover)
{
    const struct dynamodb_record ours = {.fingerprint = group[0].claim->fingerprint};
    group[0].claim->verdict = KEYSTORE_ASK;
    group[0].claim->may_be_held = true;
    group[0].claim->is_takeover = is_takeover;
    for (size_t at = 1; at < count; at++)
        judge(group[at].claim, &ours);
}

static void settle_refused(const struct dynamodb *store, const struct keystore_batch *batch,
                           const struct dynamodb_request *group, size_t count)
{
    struct dynamodb_record record;
    struct error err;
    if (dynamodb_read_obstacle(batch->arena, group[0].reply, &record, &err) != OK) {
        log_error(NULL, "keystore.unreadable", "a key's record cannot be read, going on without",
                  kv_str("detail", err.message));
        settle_unanswered(group, count);
        return;
    }
    struct uuid owner;
    /* A first try whose answer got lost had claimed it. */
    if (!record.is_done && uuid_parse(record.owner, &owner) &&
        uuid_equals(&owner, &store->claimant.owner)) {
        settle_claimed(group, count, false);
        return;
    }
    for (size_t at = 0; at < count; at++)
        judge(group[at].claim, &record);
}

static void settle(const struct dynamodb *store, const struct keystore_batch *batch,
                   const struct dynamodb_request *group, size_t count)
{
    switch (group[0].answer) {
    case DYNAMODB_SILENCE:
        settle_unanswered(group, count);
        break;
    case DYNAMODB_YES:
        settle_claimed(group, count, dynamodb_was_left_behind(batch->arena, group[0].reply));
        break;
    case DYNAMODB_NO:
        settle_refused(store, batch, group, count);
        break;
    }
}

/* Asks for the first of each key and settles all of it. `claims`: sorted by key. */
static void claim_sorted(struct dynamodb *store, const struct keystore_batch *batch,
                         struct dynamodb_request *claims, size_t count)
{
    struct dynamodb_request *firsts = ARENA_NEW_ARRAY(batch->arena, struct dynamodb_request, count);
    size_t first_count = 0;
    for (size_t at = 0; at < count; at++) {
        if (at > 0 && is_same_key(&claims[at - 1], &claims[at]))
            continue;
        firsts[first_count++] = claims[at];
    }
    ask(store, batch, firsts, first_count);
    size_t at = 0;
    for (size_t key = 0; key < first_count; key++) {
        const size_t begin = at;
        while (at < count && is_same_key(&firsts[key], &claims[at]))
            at++;
        claims[begin] = firsts[key];
        settle(store, batch, &claims[begin], at - begin);
    }
}

/* No longer than the requests may be under way: whoever comes later is not to wait for an owner who
 * has either completed the claim or never will. */
static int64_t lease_ms_of(const struct dynamodb *store, const struct keystore_batch *batch)
{
    const int64_t asked_ms = (batch->asked_until_us - clock_monotonic_us()) / 1000;
    if (asked_ms < 0)
        return 0;
    return asked_ms < store->config.lease_ms ? asked_ms : store->config.lease_ms;
}

static void begin_claiming(struct dynamodb *store, const struct keystore_batch *batch)
{
    store->claimant = (struct dynamodb_claimant){
        .table = store->config.table,
        .owner = uuid_make_v7(),
        .now_ms = clock_realtime_us() / 1000,
        .lease_ms = lease_ms_of(store, batch),
        .ttl_s = store->config.ttl_s,
    };
}

static void leave_unanswered(struct dynamodb_request *claims, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        claims[at].claim->verdict = KEYSTORE_UNANSWERED;
        claims[at].claim->may_be_held = false;
    }
}

static size_t size_of_first_key(const struct dynamodb_request *claims, size_t count)
{
    size_t size = 1;
    while (size < count && is_same_key(&claims[0], &claims[size]))
        size++;
    return size;
}

/* A store that was away is tried with one key; when that is answered, with the rest. */
static void dynamodb_claim(void *self, const struct keystore_batch *batch)
{
    struct dynamodb *store = self;
    if (batch->count == 0)
        return;
    struct dynamodb_request *claims = sort_by_key(batch);
    size_t done = 0;
    begin_claiming(store, batch);
    for (size_t at = 0; at < batch->count; at++)
        batch->claims[at]->may_be_held = batch->claims[at]->is_takeover = false;
    if (breaker_is_half_open(&store->breaker, clock_monotonic_us())) {
        done = size_of_first_key(claims, batch->count);
        claim_sorted(store, batch, claims, done);
    }
    if (breaker_is_open(&store->breaker))
        leave_unanswered(claims + done, batch->count - done);
    else if (done < batch->count)
        claim_sorted(store, batch, claims + done, batch->count - done);
}

/* ---- ending claims ------------------------------------------------------------------------- */

static bool is_too_large(const struct keystore_claim *claim)
{
    return claim->outcome.body.size > DYNAMODB_BODY_SIZE_MAX;
}

/* A store that has just gone away is still told of what it had answered, not of what it may have
 * heard. */
static bool is_worth_telling(const struct dynamodb *store, const struct keystore_claim *claim)
{
    const bool is_held = claim->may_be_held && claim->verdict == KEYSTORE_ASK;
    return is_held || (claim->may_be_held && !breaker_is_open(&store->breaker));
}

/* One request for each claim that is held; an outcome too large to keep lets go of its key. */
static void end_claims(struct dynamodb *store, const struct keystore_batch *batch,
                       bool is_completing)
{
    struct dynamodb_request *requests =
        ARENA_NEW_ARRAY(batch->arena, struct dynamodb_request, batch->count);
    size_t count = 0;
    for (size_t at = 0; at < batch->count; at++) {
        struct keystore_claim *claim = batch->claims[at];
        if (!is_worth_telling(store, claim))
            continue;
        const bool is_kept = is_completing && !is_too_large(claim);
        requests[count++] = (struct dynamodb_request){
            .verb = is_kept ? DYNAMODB_COMPLETE : DYNAMODB_RELEASE, .claim = claim};
    }
    if (count > 0)
        ask(store, batch, requests, count);
}

static void dynamodb_complete(void *self, const struct keystore_batch *batch)
{
    end_claims(self, batch, true);
}

static void dynamodb_release(void *self, const struct keystore_batch *batch)
{
    end_claims(self, batch, false);
}

const struct keystore_part KEYSTORE_DYNAMODB = {
    dynamodb_open, dynamodb_claim, dynamodb_complete, dynamodb_release, dynamodb_close,
};
