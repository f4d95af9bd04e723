/* domain/posting.h - what the ledger does about a command, and the entries that say so.
 *
 * Purpose:   the chart of accounts, the postings of each step, and the decision: post, do nothing,
 *            or refuse for a named reason. One authorization has one hold.
 * Units:     amounts in minor units.
 * Ownership: values.
 * Errors:    none: a refusal is a value.
 * Threads:   pure functions. */
#ifndef DOMAIN_POSTING_H
#define DOMAIN_POSTING_H

#include "domain/journal.h"

/* ---- the chart ------------------------------------------------------------------------------ */

enum ledger_account_kind {
    LEDGER_CARDHOLDER, /* 1100:{account id}: what a cardholder owes; debit-normal         */
    LEDGER_SETTLEMENT, /* 2100:{network}: what is owed to the network; credit-normal      */
};

enum ledger_account_status { LEDGER_ACCOUNT_OPEN, LEDGER_ACCOUNT_FROZEN, LEDGER_ACCOUNT_CLOSED };

struct ledger_account {
    struct uuid id;
    enum ledger_account_kind kind;
    enum ledger_account_status status;
    const struct currency *currency;
};

/* The cardholder's account has the id of the account it is for. The settlement account is one per
 * network and currency, and kept apart in each lane; until requests name their network there is
 * one, `default`. */
struct uuid ledger_settlement_id(const struct currency *currency);
const char *ledger_account_code(struct arena *arena, enum ledger_account_kind kind,
                                const struct uuid *id);
const char *ledger_account_kind_name(enum ledger_account_kind kind); /* cardholder_receivable ... */
enum side ledger_account_normal_side(enum ledger_account_kind kind);
const char *ledger_account_status_name(enum ledger_account_status status);
bool ledger_account_status_parse(struct text name, enum ledger_account_status *out);

/* ---- the decision --------------------------------------------------------------------------- */

enum ledger_action { LEDGER_RECORD_HOLD, LEDGER_RELEASE_HOLD };

/* What the ledger knows of one authorization's hold. */
enum ledger_hold_status {
    HOLD_UNKNOWN,  /* never heard of, or refused             */
    HOLD_RECORDED, /* its amount is pending                  */
    HOLD_RELEASED, /* nothing pending; never recorded again  */
};

struct ledger_hold {
    enum ledger_hold_status status;
    const struct currency *currency; /* until recorded: of the command at hand */
    int64_t recorded_minor;          /* once recorded: the amount; 0 before          */
    int64_t pending_minor;           /* what is still held                           */
    int64_t version;                 /* how many journals this authorization has     */
    struct uuid journal_id;          /* the journal that recorded it; nil: none      */
};

enum ledger_outcome { LEDGER_HOLD_RECORDED, LEDGER_HOLD_RELEASED, LEDGER_REFUSED };

enum ledger_reason {
    LEDGER_REASON_NONE,
    LEDGER_REASON_ACCOUNT_CLOSED,
    LEDGER_REASON_ACCOUNT_FROZEN,
    LEDGER_REASON_CURRENCY_MISMATCH,
    LEDGER_REASON_ALREADY_RELEASED, /* its undo or release came first: it must not be recorded */
};

struct ledger_decision {
    enum ledger_outcome outcome;
    enum ledger_reason reason;
    bool posts;           /* a journal is written */
    int64_t amount_minor; /* recorded or released; of a refusal: what was asked for */
};

/* Checks in this order: already released, already recorded (nothing to do: one authorization has
 * one hold), account closed, account frozen, currency mismatch. A release is never refused and
 * releases what is pending, no more: nothing pending, nothing to do. `account` may be NULL for a
 * release. */
struct ledger_decision ledger_decide(enum ledger_action action, int64_t amount_minor,
                                     const struct currency *currency,
                                     const struct ledger_account *account,
                                     const struct ledger_hold *hold);

/* The hold after a decision that posted, or a release that had nothing to do. */
void ledger_hold_apply(struct ledger_hold *hold, const struct ledger_decision *decision,
                       const struct journal *journal);

/* Adds the step's entries to a journal that has none. */
void posting_build(struct journal *journal, enum ledger_action action,
                   const struct uuid *cardholder_id, int64_t amount_minor);

const char *ledger_outcome_name(enum ledger_outcome outcome); /* recorded, released, refused */
bool ledger_outcome_parse(struct text name, enum ledger_outcome *out);
const char *ledger_reason_name(enum ledger_reason reason); /* NULL for none */
bool ledger_reason_parse(struct text name, enum ledger_reason *out);
const char *ledger_hold_status_name(
    enum ledger_hold_status status); /* unknown, recorded, released */
bool ledger_hold_status_parse(struct text name, enum ledger_hold_status *out);

#endif
