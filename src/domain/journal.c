/* What is true of every journal:
 *
 * 1. It has at least two entries, each of an amount above zero.
 * 2. In each layer its debits equal its credits.
 * 3. All its entries are in its one currency.
 * 4. chain_seq is the one after its predecessor's in the lane, previous_hash its predecessor's
 * hash.
 * 5. Its hash follows from the bytes of journal_text alone. */
#include "domain/journal.h"

#include "base/arena.h"
#include "base/assert.h"

#include <inttypes.h>

void journal_add_transfer(struct journal *journal, enum layer layer, const struct uuid *debit,
                          const struct uuid *credit, int64_t amount_minor)
{
    ASSERT(amount_minor > 0);
    ASSERT(!uuid_equals(debit, credit));
    ASSERT(journal->entry_count + 2 <= JOURNAL_ENTRIES_MAX);
    journal->entries[journal->entry_count++] =
        (struct entry){*debit, SIDE_DEBIT, layer, amount_minor};
    journal->entries[journal->entry_count++] =
        (struct entry){*credit, SIDE_CREDIT, layer, amount_minor};
    ASSERT(journal_is_balanced(journal));
}

static bool layer_is_balanced(const struct journal *journal, enum layer layer)
{
    int64_t sum_minor[2] = {0, 0};
    for (int at = 0; at < journal->entry_count; at++) {
        const struct entry *entry = &journal->entries[at];
        if (entry->layer != layer)
            continue;
        int64_t *sum = &sum_minor[entry->side];
        if (entry->amount_minor <= 0 || __builtin_add_overflow(*sum, entry->amount_minor, sum))
            return false;
    }
    return sum_minor[SIDE_DEBIT] == sum_minor[SIDE_CREDIT];
}

bool journal_is_balanced(const struct journal *journal)
{
    return journal->entry_count > 0 && layer_is_balanced(journal, LAYER_PENDING) &&
           layer_is_balanced(journal, LAYER_POSTED);
}

/* No field can hold a '|' or a line feed: ids and hashes are hex, the rest are fixed words, codes
 * and digits. So two different journals never have the same text. */
static void add_head(struct text_builder *b, const struct journal *journal)
{
    struct arena *arena = b->arena;
    text_builder_add_format(b, "tallystick.journal.v1|%d|%" PRId64 "|%.*s|", journal->lane,
                            journal->chain_seq,
                            TEXT_ARGS(sha256_to_hex(arena, &journal->previous_hash)));
    text_builder_add_format(b, "%.*s|%s|", TEXT_ARGS(uuid_to_text(arena, &journal->id)),
                            journal_type_name(journal->type));
    text_builder_add_format(b, "%.*s|%.*s|%.*s|",
                            TEXT_ARGS(uuid_to_text(arena, &journal->authorization_id)),
                            TEXT_ARGS(uuid_to_text(arena, &journal->saga_id)),
                            TEXT_ARGS(uuid_to_text(arena, &journal->command_id)));
    text_builder_add_format(b, "%s|%s|%" PRId64 "\n", journal->currency->code, journal->trace_id,
                            journal->created_at_us);
}

struct text journal_text(struct arena *arena, const struct journal *journal)
{
    struct text_builder b;
    text_builder_init(&b, arena, 768);
    add_head(&b, journal);
    for (int at = 0; at < journal->entry_count; at++) {
        const struct entry *entry = &journal->entries[at];
        text_builder_add_format(&b, "%d|%.*s|%s|%s|%" PRId64 "|%s\n", at + 1,
                                TEXT_ARGS(uuid_to_text(arena, &entry->ledger_account_id)),
                                side_name(entry->side), layer_name(entry->layer),
                                entry->amount_minor, journal->currency->code);
    }
    return text_builder_text(&b);
}

struct sha256 journal_hash(struct arena *arena, const struct journal *journal)
{
    return sha256_of(journal_text(arena, journal));
}

void journal_seal(struct arena *arena, struct journal *journal)
{
    ASSERT(journal->lane >= 0);
    ASSERT(journal->chain_seq > 0);
    ASSERT(journal->created_at_us > 0);
    ASSERT(journal_is_balanced(journal));
    journal->hash = journal_hash(arena, journal);
}

const char *side_name(enum side side)
{
    return side == SIDE_DEBIT ? "debit" : "credit";
}

const char *layer_name(enum layer layer)
{
    return layer == LAYER_PENDING ? "pending" : "posted";
}

const char *journal_type_name(enum journal_type type)
{
    return type == JOURNAL_RECORD_HOLD ? "record_hold" : "release_hold";
}
