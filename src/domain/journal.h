/* domain/journal.h - a balanced set of entries, and its link in the chain of its lane.
 *
 * Purpose:   the only way to add entries is journal_add_transfer, which adds both sides at once:
 *            a journal balances by construction, per layer; it has one currency. Its hash covers
 *            the hash of the journal before it in the lane, so that no past one changes unseen.
 * Units:     amounts are int64 minor units (cents) and always > 0: the side carries the sign.
 *            created_at_us is microseconds since 1970.
 * Ownership: a journal is a value.
 * Errors:    none at run time. Misuse (amount <= 0, a full journal) aborts.
 * Threads:   values. */
#ifndef DOMAIN_JOURNAL_H
#define DOMAIN_JOURNAL_H

#include "base/sha256.h"
#include "base/trace_context.h"
#include "base/uuid.h"
#include "domain/money.h"

enum side { SIDE_DEBIT, SIDE_CREDIT };
enum layer { LAYER_PENDING, LAYER_POSTED };
enum journal_type { JOURNAL_RECORD_HOLD, JOURNAL_RELEASE_HOLD };

enum { JOURNAL_ENTRIES_MAX = 4 };

struct entry {
    struct uuid ledger_account_id;
    enum side side;
    enum layer layer;
    int64_t amount_minor; /* > 0 */
};

struct journal {
    int lane;
    int64_t chain_seq;           /* 1, 2, ... within the lane, without a gap    */
    struct sha256 previous_hash; /* of chain_seq - 1; zeros before the first    */
    struct uuid id;
    enum journal_type type;
    struct uuid authorization_id;
    struct uuid saga_id;
    struct uuid command_id;
    const struct currency *currency;
    char trace_id[TRACE_ID_SIZE + 1]; /* of the request that began it all */
    int64_t created_at_us;
    struct sha256 hash; /* set by journal_seal */
    int entry_count;
    struct entry entries[JOURNAL_ENTRIES_MAX]; /* line 1, 2, ... */
};

/* Debits one account and credits another by the same amount, in one layer. */
void journal_add_transfer(struct journal *journal, enum layer layer, const struct uuid *debit,
                          const struct uuid *credit, int64_t amount_minor);

/* Per layer: the sum of debits equals the sum of credits. A journal without entries is not. */
bool journal_is_balanced(const struct journal *journal);

/* The text that is hashed; its form is fixed for ever (src/ledger/README.md, "The chain"). */
struct text journal_text(struct arena *arena, const struct journal *journal);
/* SHA-256 of journal_text. */
struct sha256 journal_hash(struct arena *arena, const struct journal *journal);
/* Sets the hash of a journal that is complete. */
void journal_seal(struct arena *arena, struct journal *journal);

const char *side_name(enum side side);                 /* debit, credit              */
const char *layer_name(enum layer layer);              /* pending, posted            */
const char *journal_type_name(enum journal_type type); /* record_hold, release_hold  */

#endif
