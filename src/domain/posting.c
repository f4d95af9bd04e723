#include "domain/posting.h"

#include "base/assert.h"

static const char SETTLEMENT_CODE[] = "2100:default";

/* Each step's transfer. */
static const struct {
    enum journal_type type;
    enum layer layer;
    enum ledger_account_kind debit;
    enum ledger_account_kind credit;
} POSTINGS[] = {
    [LEDGER_RECORD_HOLD] = {JOURNAL_RECORD_HOLD, LAYER_PENDING, LEDGER_CARDHOLDER,
                            LEDGER_SETTLEMENT},
    [LEDGER_RELEASE_HOLD] = {JOURNAL_RELEASE_HOLD, LAYER_PENDING, LEDGER_SETTLEMENT,
                             LEDGER_CARDHOLDER},
};

void posting_build(struct journal *journal, enum ledger_action action,
                   const struct uuid *cardholder_id, int64_t amount_minor)
{
    ASSERT(journal->entry_count == 0);
    const struct uuid settlement_id = ledger_settlement_id(journal->currency);
    const struct uuid *ids[] = {
        [LEDGER_CARDHOLDER] = cardholder_id,
        [LEDGER_SETTLEMENT] = &settlement_id,
    };
    journal->type = POSTINGS[action].type;
    journal_add_transfer(journal, POSTINGS[action].layer, ids[POSTINGS[action].debit],
                         ids[POSTINGS[action].credit], amount_minor);
}

static struct ledger_decision refuse(enum ledger_reason reason, int64_t amount_minor)
{
    return (struct ledger_decision){LEDGER_REFUSED, reason, false, amount_minor};
}

static struct ledger_decision nothing_to_do(enum ledger_outcome outcome, int64_t amount_minor)
{
    return (struct ledger_decision){outcome, LEDGER_REASON_NONE, false, amount_minor};
}

static struct ledger_decision post(enum ledger_outcome outcome, int64_t amount_minor)
{
    ASSERT(amount_minor > 0);
    return (struct ledger_decision){outcome, LEDGER_REASON_NONE, true, amount_minor};
}

static struct ledger_decision decide_record(int64_t amount_minor, const struct currency *currency,
                                            const struct ledger_account *account,
                                            const struct ledger_hold *hold)
{
    ASSERT(account != NULL);  /* it was opened before */
    ASSERT(amount_minor > 0); /* the parser refuses zero and negative amounts */

    if (hold->status == HOLD_RELEASED)
        return refuse(LEDGER_REASON_ALREADY_RELEASED, amount_minor);
    if (hold->status == HOLD_RECORDED)
        return nothing_to_do(LEDGER_HOLD_RECORDED, hold->recorded_minor);
    if (account->status == LEDGER_ACCOUNT_CLOSED)
        return refuse(LEDGER_REASON_ACCOUNT_CLOSED, amount_minor);
    if (account->status == LEDGER_ACCOUNT_FROZEN)
        return refuse(LEDGER_REASON_ACCOUNT_FROZEN, amount_minor);
    if (account->currency != currency)
        return refuse(LEDGER_REASON_CURRENCY_MISMATCH, amount_minor);

    return post(LEDGER_HOLD_RECORDED, amount_minor);
}

static struct ledger_decision decide_release(const struct ledger_hold *hold)
{
    ASSERT(hold->pending_minor >= 0);
    if (hold->pending_minor == 0)
        return nothing_to_do(LEDGER_HOLD_RELEASED, 0);
    return post(LEDGER_HOLD_RELEASED, hold->pending_minor);
}

struct ledger_decision ledger_decide(enum ledger_action action, int64_t amount_minor,
                                     const struct currency *currency,
                                     const struct ledger_account *account,
                                     const struct ledger_hold *hold)
{
    ASSERT(hold->status == HOLD_RECORDED || hold->pending_minor == 0);
    if (action == LEDGER_RECORD_HOLD)
        return decide_record(amount_minor, currency, account, hold);
    return decide_release(hold);
}

void ledger_hold_apply(struct ledger_hold *hold, const struct ledger_decision *decision,
                       const struct journal *journal)
{
    ASSERT(decision->posts == (journal != NULL));
    if (decision->outcome == LEDGER_HOLD_RELEASED) {
        ASSERT(decision->amount_minor == hold->pending_minor);
        hold->status = HOLD_RELEASED;
        hold->pending_minor = 0;
    }
    if (!decision->posts)
        return;
    hold->version++;
    if (decision->outcome != LEDGER_HOLD_RECORDED)
        return;
    ASSERT(hold->status == HOLD_UNKNOWN);
    hold->status = HOLD_RECORDED;
    hold->recorded_minor = hold->pending_minor = decision->amount_minor;
    hold->journal_id = journal->id;
    hold->currency = journal->currency;
}

static struct uuid make_settlement_id(const struct currency *currency)
{
    const struct text parts[] = {text_of(SETTLEMENT_CODE), text_of(currency->code)};
    const struct sha256 digest = sha256_of_parts(parts, COUNT(parts));
    return uuid_from_digest(digest.bytes);
}

/* Asked several times for each command, nearly always of the same currency: remembers the latest.
 */
struct uuid ledger_settlement_id(const struct currency *currency)
{
    static _Thread_local struct {
        const struct currency *currency;
        struct uuid id;
    } latest;
    if (latest.currency != currency) {
        latest.id = make_settlement_id(currency);
        latest.currency = currency;
    }
    return latest.id;
}

const char *ledger_account_code(struct arena *arena, enum ledger_account_kind kind,
                                const struct uuid *id)
{
    if (kind == LEDGER_SETTLEMENT)
        return SETTLEMENT_CODE;
    return text_format(arena, "1100:%.*s", TEXT_ARGS(uuid_to_text(arena, id))).data;
}

enum side ledger_account_normal_side(enum ledger_account_kind kind)
{
    return kind == LEDGER_CARDHOLDER ? SIDE_DEBIT : SIDE_CREDIT;
}

/* ---- names, as they stand in tables and events ----------------------------------------------- */

static const char *const KIND_NAMES[] = {
    [LEDGER_CARDHOLDER] = "cardholder_receivable",
    [LEDGER_SETTLEMENT] = "settlement_payable",
};
static const char *const ACCOUNT_STATUS_NAMES[] = {
    [LEDGER_ACCOUNT_OPEN] = "open",
    [LEDGER_ACCOUNT_FROZEN] = "frozen",
    [LEDGER_ACCOUNT_CLOSED] = "closed",
};
static const char *const OUTCOME_NAMES[] = {
    [LEDGER_HOLD_RECORDED] = "recorded",
    [LEDGER_HOLD_RELEASED] = "released",
    [LEDGER_REFUSED] = "refused",
};
static const char *const REASON_NAMES[] = {
    [LEDGER_REASON_NONE] = NULL,
    [LEDGER_REASON_ACCOUNT_CLOSED] = "account_closed",
    [LEDGER_REASON_ACCOUNT_FROZEN] = "account_frozen",
    [LEDGER_REASON_CURRENCY_MISMATCH] = "currency_mismatch",
    [LEDGER_REASON_ALREADY_RELEASED] = "already_released",
};
static const char *const HOLD_STATUS_NAMES[] = {
    [HOLD_UNKNOWN] = "unknown",
    [HOLD_RECORDED] = "recorded",
    [HOLD_RELEASED] = "released",
};

/* The name's place in the list, -1 where it has none. */
static int find_name(const char *const *names, size_t count, struct text name)
{
    for (size_t at = 0; at < count; at++)
        if (names[at] != NULL && text_equals_c(name, names[at]))
            return (int)at;
    return -1;
}

const char *ledger_account_kind_name(enum ledger_account_kind kind)
{
    return KIND_NAMES[kind];
}

const char *ledger_account_status_name(enum ledger_account_status status)
{
    return ACCOUNT_STATUS_NAMES[status];
}

bool ledger_account_status_parse(struct text name, enum ledger_account_status *out)
{
    const int found = find_name(ACCOUNT_STATUS_NAMES, COUNT(ACCOUNT_STATUS_NAMES), name);
    if (found >= 0)
        *out = (enum ledger_account_status)found;
    return found >= 0;
}

const char *ledger_outcome_name(enum ledger_outcome outcome)
{
    return OUTCOME_NAMES[outcome];
}

bool ledger_outcome_parse(struct text name, enum ledger_outcome *out)
{
    const int found = find_name(OUTCOME_NAMES, COUNT(OUTCOME_NAMES), name);
    if (found >= 0)
        *out = (enum ledger_outcome)found;
    return found >= 0;
}

const char *ledger_reason_name(enum ledger_reason reason)
{
    return REASON_NAMES[reason];
}

bool ledger_reason_parse(struct text name, enum ledger_reason *out)
{
    const int found = find_name(REASON_NAMES, COUNT(REASON_NAMES), name);
    if (found >= 0)
        *out = (enum ledger_reason)found;
    return found >= 0;
}

const char *ledger_hold_status_name(enum ledger_hold_status status)
{
    return HOLD_STATUS_NAMES[status];
}

bool ledger_hold_status_parse(struct text name, enum ledger_hold_status *out)
{
    const int found = find_name(HOLD_STATUS_NAMES, COUNT(HOLD_STATUS_NAMES), name);
    if (found >= 0)
        *out = (enum ledger_hold_status)found;
    return found >= 0;
}
