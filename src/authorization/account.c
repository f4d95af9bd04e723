/* PUT /v1/accounts/{user_id}, and accounts that are opened on first sight, within a loaded batch.
 */
#include "authorization/decide.h"

#include "base/arena.h"
#include "base/assert.h"

static const char *event_type(const struct account *before, const struct account *after)
{
    if (before->status == after->status)
        return "account.limit_changed";
    switch (after->status) {
    case ACCOUNT_OPEN:
        return "account.reopened";
    case ACCOUNT_FROZEN:
        return "account.frozen";
    case ACCOUNT_CLOSED:
        return "account.closed";
    }
    UNREACHABLE();
}

static void note_change(struct batch *b, const struct item *item, const struct account *before,
                        const struct account *after)
{
    const struct event_cause cause = {
        .event_id = item->event_id, .trace = item->trace, .traceparent = item->traceparent};
    event_account(&b->outbox, after, event_type(before, after), account_status_name(before->status),
                  &cause);
}

static void answer_refusal(struct item *item, enum account_refusal refusal,
                           const struct account *account)
{
    item_refuse(item, PROBLEM_INVALID_STATE,
                refusal == ACCOUNT_CHANGE_CURRENCY
                    ? "an account keeps its currency; open another user id for another currency"
                    : "the account is closed, which is final");
    item->answer.problem.state = text_of(account_status_name(account->status));
}

/* False: the limit that was asked cannot be had, and the item is answered so when it is decided. */
static bool account_from_put(const struct batch *b, struct item *item, struct account *account)
{
    if (!item->limit.given)
        return false;
    account->currency = item->currency != NULL ? item->currency : b->policy->default_currency;
    if (item->has_status)
        account->status = item->status;
    return asked_amount_minor(item, &item->limit, account->currency, "/credit_limit",
                              &account->limit_minor);
}

static void refuse_opening(const struct batch *b, struct item *item)
{
    struct account wanted = {0};
    if (item->limit.given && !account_from_put(b, item, &wanted))
        return; /* answered: the limit cannot be had in this currency */
    item_refuse(item, PROBLEM_VALIDATION_FAILED,
                "the account does not exist yet; opening it takes a credit_limit");
    item_add_error(item, "/credit_limit", "missing", TEXT("a new account needs a credit_limit"));
}

/* A change has no key under which its repeat would be known. Somebody else's may have come in
 * between, so it is made once: what opened the account was all of it, and what may have been saved
 * is not done again. */
bool decide_made(struct item *item)
{
    if (item->op != ITEM_PUT_ACCOUNT)
        return false;
    if (item->opened)
        item_answer_opened(item);
    else if (item->in_doubt)
        item_refuse(item, PROBLEM_DEADLINE_EXCEEDED,
                    "the account may have been changed or not; look at it before you ask again");
    return item->opened || item->in_doubt;
}

void decide_put_account(struct batch *b, struct item *item)
{
    struct batch_account *place = batch_find_account(b, &item->account_id);
    if (decide_made(item))
        return;
    if (!place->exists) {
        refuse_opening(b, item);
        return;
    }
    struct account *account = &place->account;
    const struct account before = *account;
    struct account_change change = {.has_status = item->has_status,
                                    .status = item->status,
                                    .has_limit = item->limit.given,
                                    .currency = item->currency};
    if (change.has_limit && !asked_amount_minor(item, &item->limit, account->currency,
                                                "/credit_limit", &change.limit_minor))
        return;
    const enum account_refusal refusal = account_apply(account, &change);
    if (refusal != ACCOUNT_CHANGE_OK) {
        answer_refusal(item, refusal, account);
        return;
    }
    if (account->version != before.version) {
        place->dirty = true;
        note_change(b, item, &before, account);
    }
    struct account *then = ARENA_NEW(b->arena, struct account);
    *then = *account;
    item->answer.kind = ANSWER_ACCOUNT;
    item->answer.account = then;
    item->answer.http_status = 200;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool account_from_first_sight(const struct batch *b, const struct item *item,
                                     struct account *account)
{
    if (!b->policy->auto_open)
        return false;
    account->currency = item->currency != NULL ? item->currency : b->policy->default_currency;
    account->limit_minor =
        decimal_to_minor_down(b->policy->auto_open_limit, account->currency->exponent);
    return true;
}

struct item *decide_opener(const struct batch *b, const struct uuid *account_id,
                           struct account *account_out)
{
    for (size_t at = 0; at < b->count; at++) {
        struct item *item = b->items[at];
        if (!uuid_equals(&item->account_id, account_id))
            continue;
        *account_out = (struct account){.id = item->account_id,
                                        .lane = item->lane,
                                        .user_id = item->user_id,
                                        .status = ACCOUNT_OPEN,
                                        .version = 1};
        if (item->op == ITEM_PUT_ACCOUNT && !item->in_doubt &&
            account_from_put(b, item, account_out))
            return item;
        if (item->op == ITEM_AUTHORIZE && account_from_first_sight(b, item, account_out))
            return item;
    }
    return NULL;
}
