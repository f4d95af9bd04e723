/* The ledger's promises, and the bus's. */
#include "base/assert.h"
#include "base/uuid_map.h"
#include "oracle.h"
#include "sim.h"
#include "statement.h"

static const struct row *next(const struct table *table, size_t *at)
{
    while (*at < table->count) {
        const struct row *row = table->rows[(*at)++];
        if (row->committed != NULL)
            return row;
    }
    return NULL;
}

static struct cell get(const struct row *row, const char *column)
{
    return row->committed[column_at(row->table, column)];
}

static int64_t get_i64(const struct row *row, const char *column)
{
    return cell_to_i64(get(row, column));
}

/* ---- the books ------------------------------------------------------------------------------- */

/* 1: its debits are its credits; it has entries. */
static void check_balanced(const struct row *journal)
{
    const struct table *entries = table_of(S_LEDGER, T_ENTRY);
    const struct row *entry;
    int64_t sum = 0;
    int count = 0;
    for (size_t at = 0; (entry = next(entries, &at)) != NULL;) {
        if (!cell_equals(get(entry, "lane"), get(journal, "lane")) ||
            !cell_equals(get(entry, "chain_seq"), get(journal, "chain_seq")))
            continue;
        const int64_t minor = get_i64(entry, "amount_minor");
        sum += cell_is(get(entry, "side"), "debit") ? minor : -minor;
        count++;
    }
    if (sum != 0 || count < 2)
        sim_fail("journals_balance: a journal of %d entries is off by %lld", count, (long long)sum);
}

/* 2: no link is missing: each journal has the hash of the one before it in its lane. */
static void check_linked(const struct row *journal)
{
    const struct table *journals = table_of(S_LEDGER, T_JOURNAL);
    const int64_t seq = get_i64(journal, "chain_seq");
    const struct cell key[] = {get(journal, "lane"), cell_i64(seq - 1)};
    const struct row *before = seq == 1 ? NULL : row_find(journals, key);
    static const char zeros[32];
    const struct cell hash =
        before == NULL ? (struct cell){zeros, sizeof zeros} : get(before, "hash");
    if (seq > 1 && before == NULL)
        sim_fail("chain_unbroken: there is no journal before %lld", (long long)seq);
    if (!cell_equals(get(journal, "previous_hash"), hash))
        sim_fail("chain_unbroken: journal %lld is not linked", (long long)seq);
}

static void check_balance(const struct row *balance)
{
    const struct table *entries = table_of(S_LEDGER, T_ENTRY);
    const struct row *entry;
    int64_t debit = 0, credit = 0;
    for (size_t at = 0; (entry = next(entries, &at)) != NULL;) {
        if (!cell_equals(get(entry, "ledger_account_id"), get(balance, "ledger_account_id")) ||
            !cell_equals(get(entry, "lane"), get(balance, "lane")) ||
            !cell_equals(get(entry, "layer"), get(balance, "layer")))
            continue;
        if (cell_is(get(entry, "side"), "debit"))
            debit += get_i64(entry, "amount_minor");
        else
            credit += get_i64(entry, "amount_minor");
    }
    if (debit != get_i64(balance, "debit_minor") || credit != get_i64(balance, "credit_minor"))
        sim_fail("balances_match_entries: a balance is not the sum of its entries");
}

void oracle_check_books(void)
{
    const struct row *row;
    for (size_t at = 0; (row = next(table_of(S_LEDGER, T_JOURNAL), &at)) != NULL;) {
        check_balanced(row);
        check_linked(row);
    }
    for (size_t at = 0; (row = next(table_of(S_LEDGER, T_BALANCE), &at)) != NULL;)
        check_balance(row);
}

/* ---- events ---------------------------------------------------------------------------------- */

static struct said *said_at(size_t at)
{
    return (struct said *)server.said.items + at;
}

static struct uuid_map *map_said(void)
{
    struct uuid_map *map = uuid_map_new(server.arena, server.said.count + 1);
    for (size_t at = 0; at < server.said.count; at++)
        *uuid_map_at(map, &said_at(at)->id) = said_at(at);
    return map;
}

/* 5: each change is published at least once, and in order per topic and key: what is new there was
 * said after all that is there. Messages stand in their table in the order they were inserted,
 * which within a partition is that of their offsets. */
static void check_published(const struct uuid_map *said)
{
    struct uuid_map *last = uuid_map_new(server.arena, server.said.count + 1);
    const struct row *message;
    for (size_t at = 0; (message = next(table_of(S_BUS, T_MESSAGE), &at)) != NULL;) {
        const struct uuid id = cell_to_uuid(get(message, "id"));
        struct said *event = uuid_map_find(said, &id);
        if (event == NULL)
            sim_fail("there is an event on the bus that nobody has said");
        if (event->is_published)
            continue;
        event->is_published = true;
        const struct said *before = uuid_map_find(last, &event->place);
        if (before != NULL && before->seq > event->seq)
            sim_fail("events of one key are published out of order: %lld before %lld",
                     (long long)before->seq, (long long)event->seq);
        *uuid_map_at(last, &event->place) = event;
    }
    for (size_t at = 0; at < server.said.count; at++)
        if (!said_at(at)->is_published)
            sim_fail("an event was said and is not on the bus: %.*s", TEXT_ARGS(said_at(at)->type));
}

/* ... and applied in that order by each who does: claims of one commit have no order. */
static void check_applied(const struct uuid_map *said, enum schema by)
{
    const struct applied *applied = server.applied.items;
    for (size_t at = 0; at < server.applied.count; at++) {
        const struct said *event = uuid_map_find(said, &applied[at].id);
        if (applied[at].by != by)
            continue;
        for (size_t before = 0; before < at; before++) {
            const struct said *earlier = uuid_map_find(said, &applied[before].id);
            if (applied[before].by == by && applied[before].commit < applied[at].commit &&
                uuid_equals(&earlier->place, &event->place) && earlier->seq > event->seq)
                sim_fail("%.*s was applied after what was said later: %.*s", TEXT_ARGS(event->type),
                         TEXT_ARGS(earlier->type));
        }
    }
}

/* How often a command was sent, or answered. */
static int count_said(enum schema by, const struct uuid *command_id)
{
    int count = 0;
    for (size_t at = 0; at < server.said.count; at++)
        count += said_at(at)->by == by && uuid_equals(&said_at(at)->command_id, command_id);
    return count;
}

/* 5: each event is applied once: no sending of a command has two answers. A command is repeated
 * under its own id: no saga sends two of one kind. */
static void check_commands(void)
{
    for (size_t at = 0; at < server.said.count; at++) {
        const struct said *command = said_at(at);
        if (command->by != S_SAGA || uuid_is_nil(&command->command_id))
            continue;
        const int sent = count_said(S_SAGA, &command->command_id);
        const int answered = count_said(S_LEDGER, &command->command_id) +
                             count_said(S_AUTHORIZATION, &command->command_id);
        if (answered > sent)
            sim_fail("events_applied_once: %.*s was sent %d times and answered %d times",
                     TEXT_ARGS(command->type), sent, answered);
        for (size_t before = 0; before < at; before++)
            if (uuid_equals(&said_at(before)->saga_id, &command->saga_id) &&
                text_equals(said_at(before)->type, command->type) &&
                !uuid_equals(&said_at(before)->command_id, &command->command_id))
                sim_fail("a saga has sent two %.*s", TEXT_ARGS(command->type));
    }
}

void oracle_check_events(void)
{
    const struct uuid_map *said = map_said();
    check_published(said);
    for (int schema = S_AUTHORIZATION; schema <= S_SAGA && !sim.skips; schema++)
        check_applied(said, (enum schema)schema);
    check_commands();
}
