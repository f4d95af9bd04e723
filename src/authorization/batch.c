#include "authorization/batch.h"

#include "authorization/decide.h"
#include "authorization/metrics.h"
#include "authorization/spans.h"
#include "authorization/store.h"
#include "base/arena.h"
#include "base/assert.h"
#include "domain/lane.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/messaging/consumer.h"

#include <stdlib.h>

const struct text TENANT = {"default", 7};

/* ---- what a batch knows ---------------------------------------------------------------------- */

struct batch_account *batch_find_account(const struct batch *b, const struct uuid *id)
{
    return uuid_map_find(b->accounts_by_id, id);
}

/* Due holds come on top of what the items name, and are rare. */
static void grow_authorizations(struct batch *b)
{
    const size_t capacity = b->authorization_capacity * 2;
    struct batch_authorization **more =
        ARENA_NEW_ARRAY(b->arena, struct batch_authorization *, capacity);
    memcpy(more, b->authorizations, b->authorization_count * sizeof(struct batch_authorization *));
    b->authorizations = more;
    b->authorization_capacity = capacity;
}

struct batch_authorization *batch_add_authorization(struct batch *b,
                                                    const struct authorization *authorization)
{
    void **place = uuid_map_at(b->authorizations_by_id, &authorization->id);
    if (*place != NULL)
        return *place;
    struct batch_authorization *added = ARENA_NEW(b->arena, struct batch_authorization);
    added->authorization = *authorization;
    added->account = batch_find_account(b, &authorization->account_id);
    if (added->account != NULL && added->account->is_busy)
        added->account = NULL;
    if (b->authorization_count == b->authorization_capacity)
        grow_authorizations(b);
    b->authorizations[b->authorization_count++] = added;
    *place = added;
    return added;
}

/* ---- an attempt starts afresh ---------------------------------------------------------------- */

static int compare_accounts(const void *a, const void *b)
{
    const struct batch_account *left = a;
    const struct batch_account *right = b;
    if (left->account.lane != right->account.lane)
        return left->account.lane < right->account.lane ? -1 : 1;
    return uuid_compare(&left->account.id, &right->account.id);
}

static bool is_doubted(const struct batch *b, const struct uuid *account_id)
{
    return b->is_doubting || (b->busy != NULL && busy_accounts_has(b->busy, account_id));
}

/* The accounts that the items touch, each once, in the order in which they are locked. */
static void collect_accounts(struct batch *b)
{
    struct uuid_map *seen = uuid_map_new(b->arena, b->count);
    b->accounts = ARENA_NEW_ARRAY(b->arena, struct batch_account, b->count);
    b->account_count = 0;
    for (size_t at = 0; at < b->count; at++) {
        struct item *item = b->items[at];
        if (uuid_is_nil(&item->account_id) || uuid_map_find(seen, &item->account_id) != NULL)
            continue;
        *uuid_map_at(seen, &item->account_id) = item;
        struct batch_account *place = &b->accounts[b->account_count++];
        place->account.id = item->account_id;
        place->account.lane = lane_of(&item->account_id);
        place->is_doubted = is_doubted(b, &item->account_id);
    }
    qsort(b->accounts, b->account_count, sizeof b->accounts[0], compare_accounts);
    b->accounts_by_id = uuid_map_new(b->arena, b->count);
    for (size_t at = 0; at < b->account_count; at++)
        *uuid_map_at(b->accounts_by_id, &b->accounts[at].account.id) = &b->accounts[at];
}

static void start_afresh(struct batch *b)
{
    for (size_t at = 0; at < b->count; at++)
        b->items[at]->answer = (struct answer){.kind = ANSWER_NONE};
    b->authorization_capacity = 2 * b->count;
    b->authorization_count = 0;
    b->authorizations =
        ARENA_NEW_ARRAY(b->arena, struct batch_authorization *, b->authorization_capacity);
    b->authorizations_by_id = uuid_map_new(b->arena, b->count);
    b->authorizations_by_transaction = uuid_map_new(b->arena, b->count);
    b->keys_by_hash = uuid_map_new(b->arena, b->count);
    b->keys_new = ARENA_NEW_ARRAY(b->arena, struct batch_key *, b->count);
    b->key_count = 0;
    outbox_init(&b->outbox, b->arena, b->count);
    b->is_more_due = false;
}

/* ---- accounts that are to be opened ---------------------------------------------------------- */

/* Opening is an SQL transaction of its own: inserted while others are locked, two batches could
 * wait for each other. Afterwards the batch is loaded again and finds them. */
static enum status open_missing_accounts(struct batch *b, bool *opened_any_out, struct error *err)
{
    struct store_openings openings = {
        .openers = ARENA_NEW_ARRAY(b->arena, struct item *, b->account_count),
        .accounts = ARENA_NEW_ARRAY(b->arena, struct account, b->account_count),
        .opened = ARENA_NEW_ARRAY(b->arena, bool, b->account_count),
    };
    for (size_t at = 0; at < b->account_count; at++) {
        struct account *account = &openings.accounts[openings.count];
        if (b->accounts[at].exists || b->accounts[at].is_busy)
            continue;
        openings.openers[openings.count] = decide_opener(b, &b->accounts[at].account.id, account);
        if (openings.openers[openings.count] != NULL)
            openings.count++;
    }
    *opened_any_out = openings.count > 0;
    if (openings.count == 0)
        return OK;
    db_rollback(b->db);
    TRY(store_open_accounts(b->db, b->arena, &openings, err));
    for (size_t at = 0; at < openings.count; at++) {
        struct item *opener = openings.openers[at];
        if (!openings.opened[at])
            continue;
        opener->opened = true;
        opener->opened_as = openings.accounts[at];
    }
    return OK;
}

static enum status load(struct batch *b, struct error *err)
{
    bool opened_any = false;
    TRY(store_find_account_ids(b, err));
    collect_accounts(b);
    start_afresh(b);
    TRY(store_load(b, err));
    TRY(open_missing_accounts(b, &opened_any, err));
    if (!opened_any)
        return OK;
    collect_accounts(b);
    start_afresh(b);
    return store_load(b, err);
}

/* ---- accounts that somebody else keeps locked ------------------------------------------------ */

static void tell_busy(const struct uuid *account_id, bool is_busy)
{
    if (is_busy)
        log_warning(NULL, "account.busy", "somebody else keeps an account locked, going on without",
                    kv_uuid("account_id", account_id));
    else
        log_info(NULL, "account.free", "an account's lock is to be had again",
                 kv_uuid("account_id", account_id));
}

/* So that the next batch neither waits nor forgets to ask. */
static void remember_busy(const struct batch *b)
{
    if (b->busy == NULL)
        return;
    for (size_t at = 0; at < b->account_count; at++) {
        const struct batch_account *place = &b->accounts[at];
        const struct uuid *id = &place->account.id;
        if (!place->is_doubted)
            continue;
        if (place->is_busy ? busy_accounts_add(b->busy, id) : busy_accounts_forget(b->busy, id))
            tell_busy(id, place->is_busy);
    }
}

static bool is_of_busy(const struct batch *b, const struct item *item)
{
    const struct batch_account *place = batch_find_account(b, &item->account_id);
    return place != NULL && place->is_busy;
}

/* What was answered before is answered again: that takes no lock. */
static void refuse_busy(struct batch *b, size_t at)
{
    struct item *item = b->items[at];
    if (b->deliveries != NULL) {
        delivery_refuse(b->deliveries[at], DELIVERY_PARK, CAUSE_DATABASE_BUSY,
                        "somebody else keeps its account locked");
        return;
    }
    if (decide_repeat(b, item) || decide_made(item))
        return;
    if (item->in_doubt) { /* the lock may be that of its own commit, still on its way */
        item_refuse(item, PROBLEM_DEADLINE_EXCEEDED, NULL);
        return;
    }
    item_refuse(item, PROBLEM_BACKPRESSURE, "somebody else keeps this account locked");
    item->answer.problem.retry_after_ms = 1000;
}

static void count_busy(const struct batch *b)
{
    for (size_t at = 0; at < b->count; at++)
        if (b->items[at]->op != ITEM_EXPIRE &&
            b->items[at]->answer.problem.code == PROBLEM_BACKPRESSURE)
            metric_count(&METRIC_AUTHORIZATION_SHED, SHED_ACCOUNT_BUSY);
}

static const struct outcome_words {
    const char *event;
    const char *message;
} OUTCOME_WORDS[] = {
    [AUTHORIZATION_APPROVED] = {"authorization.approved", "authorization approved"},
    [AUTHORIZATION_DECLINED] = {"authorization.declined", "authorization declined"},
    [AUTHORIZATION_VOIDED] = {"authorization.voided", "authorization voided, hold released"},
    [AUTHORIZATION_EXPIRED] = {"authorization.expired", "authorization expired, hold released"},
    [AUTHORIZATION_REVERSED] = {"authorization.reversed", "authorization reversed, hold released"},
};

/* ---- load, decide, save ---------------------------------------------------------------------- */

static bool is_duplicate(const struct batch *b, size_t at)
{
    return b->deliveries != NULL && b->deliveries[at]->outcome == DELIVERY_DUPLICATE;
}

static void decide_item(struct batch *b, struct item *item)
{
    switch (item->op) {
    case ITEM_AUTHORIZE:
        decide_authorize(b, item);
        return;
    case ITEM_VOID:
        decide_void(b, item);
        return;
    case ITEM_PUT_ACCOUNT:
        decide_put_account(b, item);
        return;
    case ITEM_RELEASE:
        decide_release(b, item);
        return;
    case ITEM_EXPIRE:
        return; /* what is due on a batch's accounts is released before any item */
    }
    UNREACHABLE();
}

static void expire_due(struct batch *b)
{
    for (size_t at = 0; at < b->authorization_count; at++)
        if (b->authorizations[at]->is_due)
            decide_expiry(b, b->authorizations[at]);
}

static void decide(struct batch *b)
{
    expire_due(b);
    for (size_t at = 0; at < b->count; at++) {
        if (is_duplicate(b, at))
            continue;
        if (is_of_busy(b, b->items[at]))
            refuse_busy(b, at);
        else
            decide_item(b, b->items[at]);
    }
}

/* A command for an authorization that is not there is somebody's mistake: authorizations are made
 * here, and never go away. */
static enum status leave_out_unknown(struct batch *b, struct error *err)
{
    for (size_t at = 0; at < b->count; at++)
        if (b->items[at]->answer.kind == ANSWER_PROBLEM)
            delivery_refuse(b->deliveries[at], DELIVERY_DEAD, CAUSE_AUTHORIZATION_UNKNOWN,
                            "there is no such authorization");
    return delivery_leave_out(b->deliveries, b->count, b->db, err);
}

static void count_outcome(const struct batch_authorization *of)
{
    const struct authorization *a = &of->authorization;
    if (of->is_new)
        metric_count(&METRIC_DECISIONS, a->decision.code);
    if (of->changes_new > 0 && a->status == AUTHORIZATION_EXPIRED)
        metric_count(&METRIC_HOLD_EXPIRED, 0);
}

/* One line for each authorization that was decided or changed, once it is durable. */
static void tell_outcomes(const struct batch *b)
{
    for (size_t at = 0; at < b->authorization_count; at++) {
        const struct batch_authorization *of = b->authorizations[at];
        const struct authorization *a = &of->authorization;
        if (!of->is_new && of->changes_new == 0)
            continue;
        count_outcome(of);
        const struct outcome_words words = OUTCOME_WORDS[a->status];
        if (of->is_expired)
            expiry_span_record(of, b->begun_us);
        log_info(&of->trace, words.event, words.message, kv_uuid("auth_id", &a->id),
                 kv_text("transaction_id", a->transaction_id),
                 kv_str("decision_code", decision_code_name(a->decision.code)),
                 kv_i64("amount_minor", a->requested_minor), kv_str("currency", a->currency->code));
    }
}

static bool asks_for_credit(const struct batch *b)
{
    for (size_t at = 0; at < b->count; at++)
        if (b->items[at]->op == ITEM_AUTHORIZE)
            return true;
    return false;
}

/* Whoever asks for credit does not wait for the sweeper: holds that are due beyond what one load
 * reads are released first, a commit for each load. */
static enum status load_all(struct batch *b, struct error *err)
{
    for (;;) {
        arena_reset(b->arena);
        TRY(load(b, err));
        if (!b->is_more_due || !asks_for_credit(b))
            return OK;
        expire_due(b);
        TRY(store_save(b, err));
        tell_outcomes(b);
    }
}

static enum status run_once(struct batch *b, struct error *err)
{
    b->has_waited = false;
    b->begun_us = clock_monotonic_us();
    if (b->has_collided)
        TRY(store_delete_expired_keys(b, err));
    const enum status loaded = load_all(b, err);
    if (loaded != OK) {
        db_rollback(b->db);
        return loaded;
    }
    remember_busy(b);
    decide(b);
    if (b->deliveries != NULL)
        TRY(leave_out_unknown(b, err));
    TRY(store_save(b, err));
    tell_outcomes(b);
    count_busy(b);
    for (size_t at = 0; at < b->count; at++)
        item_render(b->items[at]);
    return OK;
}

/* An account's lock is waited for once, for as long as lock_timeout allows; then the others go on
 * without it. */
enum status batch_attempt(struct batch *b, struct error *err)
{
    b->is_doubting = b->never_waits;
    const enum status status = run_once(b, err);
    if (status == OK || !b->has_waited || b->is_doubting)
        return status;
    metric_count(&METRIC_LOCK_TIMEOUTS, 0);
    b->is_doubting = true;
    return run_once(b, err);
}
