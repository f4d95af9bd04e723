#include "oracle.h"

#include "base/assert.h"
#include "clients.h"
#include "connection.h"
#include "statement.h"

/* ---- reading --------------------------------------------------------------------------------- */

/* A committed row's value. */
static struct cell get(const struct row *row, const char *column)
{
    ASSERT(row->committed != NULL);
    return row->committed[column_at(row->table, column)];
}

static int64_t get_i64(const struct row *row, const char *column)
{
    return cell_to_i64(get(row, column));
}

static const struct row *next(const struct table *table, size_t *at)
{
    if (*at < table->first)
        *at = table->first;
    while (*at < table->count) {
        const struct row *row = table->rows[(*at)++];
        if (row->committed != NULL)
            return row;
    }
    return NULL;
}

#define EACH(row, table)                                                                           \
    size_t row##_at = 0;                                                                           \
    (row = next((table), &row##_at)) != NULL;

/* The first row that has these values in two columns; NULL: none. */
static const struct row *find(const struct table *table, const char *column, struct cell value,
                              const char *other, const char *word)
{
    const struct row *row;
    for (EACH(row, table))
        if (cell_equals(get(row, column), value) &&
            (other == NULL || cell_is(get(row, other), word)))
            return row;
    return NULL;
}

static int count_rows(const struct table *table, const char *column, struct cell value,
                      const char *other, const char *word)
{
    const struct row *row;
    int count = 0;
    for (EACH(row, table))
        count += cell_equals(get(row, column), value) &&
                 (other == NULL || cell_is(get(row, other), word));
    return count;
}

static const struct table *of(enum schema schema, enum table_id id)
{
    return table_of(schema, id);
}

static const char *name_of(struct cell id)
{
    static char names[4][UUID_TEXT_SIZE + 1];
    static int turn;
    const struct uuid uuid = cell_to_uuid(id);
    char *name = names[turn++ % 4];
    uuid_format(&uuid, name);
    return name;
}

/* ---- after every commit ---------------------------------------------------------------------- */

static uint64_t seen_changes;
static size_t seen_entries;

void oracle_begin(void)
{
    seen_changes = 0;
    seen_entries = 0;
}

static int64_t sum_remaining(struct cell account_id)
{
    const struct row *row;
    int64_t sum = 0;
    for (EACH(row, of(S_AUTHORIZATION, T_AUTHORIZATION)))
        if (cell_equals(get(row, "account_id"), account_id))
            sum += get_i64(row, "remaining_minor");
    return sum;
}

/* 3: an account holds what its open authorizations still hold. */
static void check_account(const struct row *account)
{
    const int64_t held = get_i64(account, "held_minor");
    const int64_t open = sum_remaining(get(account, "id"));
    if (held != open)
        sim_fail("held_matches_open_authorizations: %.*s holds %lld, its authorizations %lld",
                 TEXT_ARGS(cell_to_text(get(account, "user_id"))), (long long)held,
                 (long long)open);
}

/* A hold is recorded on an account that is open at that moment: a freeze waits for it, or is seen.
 */
static void check_entry(const struct row *entry)
{
    const struct table *accounts = of(S_LEDGER, T_LEDGER_ACCOUNT);
    const struct cell account_key[] = {get(entry, "lane"), get(entry, "ledger_account_id")};
    const struct cell journal_key[] = {get(entry, "lane"), get(entry, "chain_seq")};
    const struct row *account = row_find(accounts, account_key);
    const struct row *journal = row_find(of(S_LEDGER, T_JOURNAL), journal_key);
    if (cell_is(get(journal, "type"), "record_hold") && !cell_is(get(account, "status"), "open"))
        sim_fail("a hold was recorded on an account that is %.*s",
                 TEXT_ARGS(cell_to_text(get(account, "status"))));
}

static void check_new_entries(void)
{
    const struct table *entries = of(S_LEDGER, T_ENTRY);
    for (; seen_entries < entries->count; seen_entries++) {
        const struct row *entry = entries->rows[seen_entries];
        if (entry->owner != NULL)
            return; /* of another SQL transaction that goes on */
        if (entry->committed != NULL)
            check_entry(entry);
    }
}

void oracle_check_commit(void)
{
    check_new_entries();
    const struct row *account;
    const struct table *accounts = of(S_AUTHORIZATION, T_ACCOUNT);
    const uint64_t changes = accounts->changes + of(S_AUTHORIZATION, T_AUTHORIZATION)->changes;
    if (changes == seen_changes)
        return;
    seen_changes = changes;
    for (EACH(account, accounts))
        check_account(account);
}

/* ---- at rest --------------------------------------------------------------------------------- */

static bool is_empty(const struct table *table)
{
    size_t at = 0;
    return next(table, &at) == NULL;
}

static bool all_ended(void)
{
    const struct row *saga;
    for (EACH(saga, of(S_SAGA, T_SAGA))) {
        const struct cell state = get(saga, "state");
        if (!cell_is(state, "completed") && !cell_is(state, "compensated"))
            return false;
    }
    return true;
}

int64_t oracle_next_due_us(void)
{
    static const int64_t SOON_US = 3 * 1000000;
    const struct row *row;
    int64_t next_us = 0;
    for (EACH(row, of(S_AUTHORIZATION, T_AUTHORIZATION))) {
        if (get_i64(row, "remaining_minor") == 0)
            continue;
        const int64_t due_us = cell_to_time(get(row, "expires_at")) - sim.epoch_us;
        if (due_us < sim.now_us + SOON_US && (next_us == 0 || due_us < next_us))
            next_us = due_us;
    }
    return next_us;
}

/* Whose cursor stands before what there is. One is made when its partition is first looked at. */
static bool all_read(void)
{
    static const struct {
        const char *group, *topic;
    } READERS[] = {{"saga", "t.authorization.v1"},
                   {"saga", "t.ledger.v1"},
                   {"ledger", "t.ledger.commands.v1"},
                   {"authorization", "t.authorization.commands.v1"}};
    const struct row *head, *cursor;
    for (EACH(head, of(S_BUS, T_PARTITION)))
        for (size_t at = 0; at < COUNT(READERS); at++) {
            if (!cell_is(get(head, "topic"), READERS[at].topic))
                continue;
            const struct cell key[] = {cell_text(READERS[at].group), get(head, "topic"),
                                       get(head, "partition")};
            cursor = row_find(of(S_BUS, T_CURSOR), key);
            if (cursor == NULL || get_i64(cursor, "next_offset") != get_i64(head, "next_offset"))
                return false;
        }
    return true;
}

bool oracle_is_quiet(void)
{
    if (!clients_are_done() || letters_are_underway() || connections_are_busy())
        return false;
    for (int schema = S_AUTHORIZATION; schema <= S_SAGA; schema++)
        if (!is_empty(of((enum schema)schema, T_OUTBOX)) ||
            !is_empty(of((enum schema)schema, T_PARKED_KEY)))
            return false;
    return all_read() && all_ended();
}

/* ---- decisions ------------------------------------------------------------------------------- */

/* 4: each transaction is decided once, and found as it was answered. */
static void check_answers(void)
{
    const struct table *authorizations = of(S_AUTHORIZATION, T_AUTHORIZATION);
    for (size_t at = 0; at < requests_count(); at++) {
        const struct request *request = request_at(at);
        if (request->ask.op != ASK_AUTHORIZE || request->is_refused)
            continue;
        if (!request->is_settled)
            sim_fail("%s was never answered", request->ask.key);
        const struct cell id = cell_uuid(&request->ask.decided_id);
        const struct row *row = find(authorizations, "id", id, NULL, NULL);
        if (row == NULL)
            sim_fail("%s was answered with %s, which is not there", request->ask.key, name_of(id));
        if (cell_is(get(row, "decision"), "approved") != request->ask.is_approved ||
            !cell_is(get(row, "transaction_id"), request->ask.transaction_id) ||
            get_i64(row, "requested_minor") != request->ask.amount_minor)
            sim_fail("%s was answered otherwise than it is kept", request->ask.key);
    }
}

static void check_decision(const struct row *row)
{
    const int64_t requested = get_i64(row, "requested_minor");
    const int64_t available = get_i64(row, "available_minor");
    const struct cell code = get(row, "decision_code");
    const struct table *authorizations = of(S_AUTHORIZATION, T_AUTHORIZATION);
    if (count_rows(authorizations, "transaction_id", get(row, "transaction_id"), NULL, NULL) != 1)
        sim_fail("transaction_decided_once: %s has a twin", name_of(get(row, "id")));
    if (cell_is(get(row, "decision"), "approved") && available < 0)
        sim_fail("available_not_negative: %lld after %s", (long long)available,
                 name_of(get(row, "id")));
    if (cell_is(code, "credit_limit_exceeded") && requested <= available)
        sim_fail("%s was declined, and would have fitted: %lld of %lld", name_of(get(row, "id")),
                 (long long)requested, (long long)available);
    if (available != get_i64(row, "limit_minor") - get_i64(row, "held_minor"))
        sim_fail("%s: available is not what is left of the limit", name_of(get(row, "id")));
}

/* 5: the version counts the changes. */
static void check_version(const struct row *row)
{
    const int changes =
        count_rows(of(S_AUTHORIZATION, T_CHANGE), "authorization_id", get(row, "id"), NULL, NULL);
    const int64_t version = get_i64(row, "version");
    const bool is_open = cell_is(get(row, "status"), "approved");
    if (version != 1 + changes || version > 2)
        sim_fail("versions_match_changes: %s is at %lld, and has %d changes",
                 name_of(get(row, "id")), (long long)version, changes);
    if (is_open != (get_i64(row, "remaining_minor") > 0))
        sim_fail("%s holds %lld as %.*s", name_of(get(row, "id")),
                 (long long)get_i64(row, "remaining_minor"),
                 TEXT_ARGS(cell_to_text(get(row, "status"))));
}

/* ---- sagas and the ledger's side ------------------------------------------------------------- */

static bool is_one_of(struct cell cell, const char *one, const char *other)
{
    return cell_is(cell, one) || (other != NULL && cell_is(cell, other));
}

/* 6: every approval ends booked or reversed; what ended otherwise has its release. */
static void check_sagas(const struct row *row)
{
    const struct table *sagas = of(S_SAGA, T_SAGA);
    const struct cell id = get(row, "id"), status = get(row, "status");
    if (!cell_is(get(row, "decision"), "approved"))
        return;
    const struct row *booking = find(sagas, "authorization_id", id, "type", "authorize");
    const struct row *release = find(sagas, "authorization_id", id, "type", "release");
    if (booking == NULL)
        sim_fail("approved_is_booked_or_reversed: %s has no saga", name_of(id));
    const bool is_booked = cell_is(get(booking, "state"), "completed");
    if (cell_is(status, "reversed") && is_booked)
        sim_fail("%s is reversed, and its booking completed", name_of(id));
    if (cell_is(status, "approved") && !is_booked)
        sim_fail("%s is approved, and was not booked", name_of(id));
    if (is_one_of(status, "voided", "expired") != (release != NULL))
        sim_fail("%s is %.*s, its release is %s", name_of(id), TEXT_ARGS(cell_to_text(status)),
                 release == NULL ? "not there" : "there");
}

/* The ledger has pending what the authorizations hold, by at most one journal each way. */
static void check_hold(const struct row *row)
{
    const struct table *journals = of(S_LEDGER, T_JOURNAL);
    const struct cell id = get(row, "id");
    const int recorded = count_rows(journals, "authorization_id", id, "type", "record_hold");
    const int released = count_rows(journals, "authorization_id", id, "type", "release_hold");
    const struct row *hold = find(of(S_LEDGER, T_HOLD), "authorization_id", id, NULL, NULL);
    const int64_t pending = hold == NULL ? 0 : get_i64(hold, "pending_minor");
    const int64_t open = get_i64(row, "remaining_minor");
    if (pending != open)
        sim_fail("ledger_pending_matches_authorizations: %s: pending %lld, open %lld", name_of(id),
                 (long long)pending, (long long)open);
    if (recorded > 1 || released > recorded)
        sim_fail("events_applied_once: %s was recorded %d times and released %d times", name_of(id),
                 recorded, released);
}

static void check_authorizations(void)
{
    const struct row *row;
    for (EACH(row, of(S_AUTHORIZATION, T_AUTHORIZATION))) {
        check_decision(row);
        check_version(row);
        check_sagas(row);
        check_hold(row);
    }
}

/* ---- dead letters ---------------------------------------------------------------------------- */

static void check_left_over(void)
{
    for (int schema = S_AUTHORIZATION; schema <= S_SAGA; schema++) {
        const struct table *letters = of((enum schema)schema, T_DEAD_LETTER);
        size_t at = 0;
        const struct row *letter = next(letters, &at);
        if (letter != NULL)
            sim_fail("a message is dead, though nothing is wrong with it: %.*s",
                     TEXT_ARGS(cell_to_text(get(letter, "error_code"))));
        if (!is_empty(of((enum schema)schema, T_PARKED)))
            sim_fail("a message is parked without its key");
    }
    if (server.deadlocks > 0)
        sim_fail("two SQL transactions waited for each other");
}

void oracle_check_all(void)
{
    oracle_check_commit();
    check_answers();
    check_authorizations();
    check_left_over();
    oracle_check_books();
    oracle_check_events();
}
