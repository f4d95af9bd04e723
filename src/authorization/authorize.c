/* POST /authorize, within a loaded batch: is it a repeat, what is the amount worth in the account's
 * currency, does it fit, and what is to be saved. */
#include "authorization/decide.h"

#include "base/arena.h"
#include "base/assert.h"
#include "domain/lane.h"

/* ---- repeats --------------------------------------------------------------------------------- */

static struct uuid half_of(const struct sha256 *digest)
{
    struct uuid half;
    memcpy(half.bytes, digest->bytes, sizeof half.bytes);
    return half;
}

/* Ours: this very item was saved by an attempt whose commit was never confirmed. */
static bool is_own(const struct item *item, const struct batch_authorization *found)
{
    if (item->op == ITEM_VOID)
        return item->has_ended;
    return uuid_equals(&found->authorization.id, &item->authorization_id);
}

bool decide_repeat(struct batch *b, struct item *item)
{
    if (!item->has_key)
        return false;
    const struct uuid half = half_of(&item->key_hash);
    const struct batch_key *key = uuid_map_find(b->keys_by_hash, &half);
    if (key == NULL)
        return false;
    if (!sha256_equals(&key->fingerprint, &item->fingerprint)) {
        item_refuse(item, PROBLEM_IDEMPOTENCY_KEY_REUSED,
                    "this Idempotency-Key was used for another request; use a new key, or send "
                    "the same request again");
        return true;
    }
    item_answer(item, key->authorization, key->version, key->http_status);
    item->answer.view.shows_reasons = key->shows_reasons;
    item->answer.replayed = !is_own(item, key->authorization);
    return true;
}

void decide_note_key(struct batch *b, struct item *item, struct batch_authorization *authorization,
                     int64_t version)
{
    if (!item->has_key)
        return;
    const struct uuid half = half_of(&item->key_hash);
    struct batch_key *key = ARENA_NEW(b->arena, struct batch_key);
    *key = (struct batch_key){
        .fingerprint = item->fingerprint,
        .authorization = authorization,
        .version = version,
        .http_status = item->answer.http_status,
        .shows_reasons = item->trusted,
        .new_for = item,
    };
    *uuid_map_at(b->keys_by_hash, &half) = key;
    b->keys_new[b->key_count++] = key;
}

/* The same transaction id under a new key: the first decision is the answer, for ever. */
static bool repeat_of_transaction(struct batch *b, struct item *item)
{
    struct batch_authorization *found =
        uuid_map_find(b->authorizations_by_transaction, &item->transaction_key);
    if (found == NULL)
        return false;
    if (!sha256_equals(&found->authorization.fingerprint, &item->fingerprint)) {
        item_refuse(item, PROBLEM_TRANSACTION_ID_CONFLICT,
                    "this transaction_id was decided for another request; a transaction_id is "
                    "decided once, for ever");
        return true;
    }
    item_answer(item, found, 1, 200);
    item->answer.replayed = true;
    decide_note_key(b, item, found, 1);
    return true;
}

/* ---- the decision ---------------------------------------------------------------------------- */

static const struct currency *currency_of(const struct batch *b, const struct item *item,
                                          const struct account *account)
{
    if (item->currency != NULL)
        return item->currency;
    return account != NULL ? account->currency : b->policy->default_currency;
}

static bool check_expiry(const struct batch *b, struct item *item)
{
    if (item->expires_in_s <= b->policy->hold_expires_in_s)
        return true;
    const struct text detail =
        text_format(item->arena, "expires_in may shorten a hold, not lengthen it: at most %lld",
                    (long long)b->policy->hold_expires_in_s);
    item_refuse(item, PROBLEM_VALIDATION_FAILED, detail.data);
    item_add_error(item, "/expires_in", "expires_in_too_long", detail);
    return false;
}

static struct decision_policy policy_for(const struct batch *b, const struct currency *currency)
{
    struct decision_policy policy = {.has_amount_limit = b->policy->has_amount_limit};
    if (b->policy->has_amount_limit)
        policy.amount_limit_minor =
            decimal_to_minor_down(b->policy->amount_limit, currency->exponent);
    return policy;
}

static struct authorization build(const struct batch *b, const struct item *item,
                                  const struct account *account, const struct currency *currency,
                                  int64_t amount_minor)
{
    const struct decision_policy policy = policy_for(b, currency);
    struct authorization a = {
        .id = item->authorization_id,
        .lane = item->lane,
        .transaction_id = item->transaction_id,
        .user_id = item->user_id,
        .account_id = item->account_id,
        .status = AUTHORIZATION_DECLINED,
        .version = 1,
        .decision = authorization_decide(account, currency, amount_minor, &policy),
        .currency = currency,
        .requested_minor = amount_minor,
        .trace_id = text_of(item->trace.trace_id),
        .fingerprint = item->fingerprint,
        .created_at_us = b->now_us,
    };
    if (a.decision.code != DECISION_APPROVED)
        return a;
    const int64_t lasts_s =
        item->expires_in_s > 0 ? item->expires_in_s : b->policy->hold_expires_in_s;
    a.status = AUTHORIZATION_APPROVED;
    a.approved_minor = amount_minor;
    a.remaining_minor = amount_minor;
    a.expires_at_us = b->now_us + lasts_s * 1000000;
    a.saga_id = item->event_id;
    return a;
}

static void place_hold(struct batch_account *place, const struct authorization *a)
{
    struct account *account = &place->account;
    ASSERT(a->approved_minor > 0);
    ASSERT(a->approved_minor <= account_available_minor(account));
    ASSERT(money_add(account->held_minor, a->approved_minor, &account->held_minor));
    if (account->next_expiry_us == 0 || a->expires_at_us < account->next_expiry_us)
        account->next_expiry_us = a->expires_at_us;
    place->dirty = true;
}

static void add_new(struct batch *b, struct item *item, struct authorization *a)
{
    struct batch_account *place = batch_find_account(b, &item->account_id);
    if (a->decision.code == DECISION_APPROVED)
        place_hold(place, a);
    if (place != NULL && place->exists) {
        a->available_minor = account_available_minor(&place->account);
        a->limit_minor = place->account.limit_minor;
        a->held_minor = place->account.held_minor;
    }
    struct batch_authorization *added = batch_add_authorization(b, a);
    added->is_new = true;
    added->trace = item->trace;
    *uuid_map_at(b->authorizations_by_transaction, &item->transaction_key) = added;
    item_answer(item, added, 1, 201);
    decide_note_key(b, item, added, 1);

    const struct event_cause cause = {
        .event_id = item->event_id, .trace = item->trace, .traceparent = item->traceparent};
    event_authorization(&b->outbox, a, NULL, "api", &cause);
}

void decide_authorize(struct batch *b, struct item *item)
{
    if (decide_repeat(b, item) || repeat_of_transaction(b, item))
        return;
    const struct batch_account *place = batch_find_account(b, &item->account_id);
    const struct account *account = place->exists ? &place->account : NULL;
    const struct currency *currency = currency_of(b, item, account);
    int64_t amount_minor = 0;
    if (!check_expiry(b, item) ||
        !asked_amount_minor(item, &item->amount, currency, "/amount", &amount_minor))
        return;
    struct authorization a = build(b, item, account, currency, amount_minor);
    add_new(b, item, &a);
}
