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
#include "base/hex.h"

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

/* ---- the text that is hashed ---------------------------------------------------------------- */

/* No field can hold a '|' or a line feed: ids and hashes are hex, the rest are fixed words, codes
 * and digits. So two different journals never have the same text. Each field is added with what
 * ends it. */
static void add_word(struct text_builder *b, const char *word, char end)
{
    text_builder_add_c(b, word);
    text_builder_add(b, &end, 1);
}

static void add_number(struct text_builder *b, int64_t number, char end)
{
    char digits[20]; /* INT64_MAX has 19 */
    char *first = digits + sizeof digits;
    ASSERT(number >= 0);
    *--first = end;
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    text_builder_add(b, first, (size_t)(digits + sizeof digits - first));
}

static void add_id(struct text_builder *b, const struct uuid *id, char end)
{
    char text[UUID_TEXT_SIZE + 1];
    uuid_format(id, text);
    text[UUID_TEXT_SIZE] = end;
    text_builder_add(b, text, sizeof text);
}

static void add_hash(struct text_builder *b, const struct sha256 *hash, char end)
{
    hex_write(text_builder_extend(b, SHA256_HEX_SIZE), hash->bytes, sizeof hash->bytes);
    text_builder_add(b, &end, 1);
}

static void add_head(struct text_builder *b, const struct journal *journal)
{
    add_word(b, "tallystick.journal.v1", '|');
    add_number(b, journal->lane, '|');
    add_number(b, journal->chain_seq, '|');
    add_hash(b, &journal->previous_hash, '|');
    add_id(b, &journal->id, '|');
    add_word(b, journal_type_name(journal->type), '|');
    add_id(b, &journal->authorization_id, '|');
    add_id(b, &journal->saga_id, '|');
    add_id(b, &journal->command_id, '|');
    add_word(b, journal->currency->code, '|');
    add_word(b, journal->trace_id, '|');
    add_number(b, journal->created_at_us, '\n');
}

static void add_entry(struct text_builder *b, const struct journal *journal, int at)
{
    const struct entry *entry = &journal->entries[at];
    add_number(b, at + 1, '|');
    add_id(b, &entry->ledger_account_id, '|');
    add_word(b, side_name(entry->side), '|');
    add_word(b, layer_name(entry->layer), '|');
    add_number(b, entry->amount_minor, '|');
    add_word(b, journal->currency->code, '\n');
}

struct text journal_text(struct arena *arena, const struct journal *journal)
{
    struct text_builder b;
    text_builder_init(&b, arena, 768);
    add_head(&b, journal);
    for (int at = 0; at < journal->entry_count; at++)
        add_entry(&b, journal, at);
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
