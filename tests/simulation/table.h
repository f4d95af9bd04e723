/* tests/simulation/table.h - PostgreSQL as far as the statements of Tallystick lean on it.
 *
 * Purpose:   rows with one committed and at most one uncommitted version, row locks that are held
 *            to the end of the SQL transaction, unique keys that wait for whoever has inserted the
 *            same one, all of it READ COMMITTED. A statement is a function over these tables
 *            (model_*.c); what it means is said by its .sql file, and the model follows it.
 * Units:     cells are values as they travel: binary, big end first.
 * Ownership: everything lives in the server's arena, until the schedule ends.
 * Errors:    ERR_CONFLICT: a unique key was taken, a lock waited too long, two wait for each other.
 * Threads:   one. */
#ifndef SIMULATION_TABLE_H
#define SIMULATION_TABLE_H

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/uuid.h"

struct arena;
struct row;

struct cell {
    const char *data; /* NULL: NULL */
    size_t size;
};

/* table, its columns (the first ones are its primary key), how many of them are */
#define TABLES(X)                                                                                  \
    X(ACCOUNT, 2,                                                                                  \
      "lane id tenant_id user_id status currency limit_minor held_minor posted_minor "             \
      "next_expiry_at version opened_at")                                                          \
    X(AUTHORIZATION, 2,                                                                            \
      "lane id status version remaining_minor decision_code reasons transaction_id user_id "       \
      "account_id currency requested_minor approved_minor available_minor expires_at saga_id "     \
      "trace_id fingerprint created_at limit_minor held_minor decision tenant_id body_format")     \
    X(CHANGE, 3,                                                                                   \
      "lane authorization_id version status amount_minor changed_by reason changed_at trace_id")   \
    X(TRANSACTION, 1, "transaction_key lane authorization_id")                                     \
    X(KEY, 2,                                                                                      \
      "key_hash day fingerprint lane authorization_id version http_status shows_reasons "          \
      "created_at")                                                                                \
    X(LEDGER_ACCOUNT, 2, "lane id code kind currency normal_side status")                          \
    X(CHAIN, 1, "lane chain_seq hash")                                                             \
    X(JOURNAL, 2,                                                                                  \
      "lane chain_seq id type authorization_id saga_id command_id currency trace_id "              \
      "previous_hash hash created_at")                                                             \
    X(ENTRY, 3, "lane chain_seq line ledger_account_id side layer amount_minor currency")          \
    X(BALANCE, 4, "lane ledger_account_id currency layer debit_minor credit_minor")                \
    X(HOLD, 2,                                                                                     \
      "lane authorization_id account_id currency status recorded_minor pending_minor version "     \
      "journal_id")                                                                                \
    X(STEP, 4,                                                                                     \
      "lane saga_id step op outcome reason amount_minor currency journal_id version command_id "   \
      "authorization_id created_at")                                                               \
    X(SAGA, 3,                                                                                     \
      "lane authorization_id type id account_id user_id tenant_id amount_minor currency state "    \
      "step command_id command_event_id tries deadline_at started_at step_started_at version "     \
      "origin_traceparent last_traceparent tracestate reason updated_at step_state "               \
      "step_finished_at step_reason")                                                              \
    X(SAGA_STEP, 4, "lane saga_id step op state command_id tries started_at finished_at reason")   \
    X(OUTBOX, 1,                                                                                   \
      "seq lane id aggregatetype aggregateid partitionkey type sequence tenant_id payload "        \
      "saga_id command_id traceparent origin_traceparent tracestate headers created_at")           \
    X(OUTBOX_LANE, 1, "lane")                                                                      \
    X(INBOX, 2, "consumer_group event_id traceparent")                                             \
    X(PARKED_KEY, 3,                                                                               \
      "consumer_group topic key attempts first_failed_at error_class reason next_try_at")          \
    X(PARKED, 3,                                                                                   \
      "consumer_group topic event_id seq key message_key partition offset published_at headers "   \
      "redrive_traceparent payload")                                                               \
    X(DEAD_LETTER, 2, "event_id consumer_group attempts first_failed_at error_code reason")        \
    X(PARTITION, 2, "topic partition next_offset")                                                 \
    X(MESSAGE, 3, "topic partition offset key id headers payload published_at")                    \
    X(CURSOR, 3, "consumer_group topic partition next_offset")

#define TABLE_AS_ENUM(name, keys, columns) T_##name,
enum table_id { TABLES(TABLE_AS_ENUM) TABLE_COUNT };
#undef TABLE_AS_ENUM

enum schema { S_AUTHORIZATION, S_LEDGER, S_SAGA, S_BUS, SCHEMA_COUNT };

enum { COLUMNS_MAX = 32 };

struct transaction;

struct row {
    struct cell *committed; /* NULL: not there */
    struct cell *pending;   /* the owner's version, where is_changed; NULL: deleted */
    bool is_changed;
    struct transaction *owner; /* who has locked it */
    struct row *next_owned;
    struct row *next_in_bucket;
    struct table *table;
};

enum { BUCKETS = 64 };

struct table {
    enum schema schema;
    enum table_id id;
    const char *name;
    int key_count;
    int column_count;
    const char *columns[COLUMNS_MAX];
    size_t column_sizes[COLUMNS_MAX]; /* of their names */
    uint64_t changes;                 /* of committed rows */
    size_t count, capacity;
    size_t first;      /* those before it are gone */
    struct row **rows; /* in the order they were inserted */
    struct row *buckets[BUCKETS];
};

struct transaction {
    struct row *owned;
    const struct row *waits_on; /* NULL: none */
    const char *sqlstate;       /* of the last failure; NULL: none */
    bool is_open;
};

/* A row that an outbox has had. */
struct said {
    struct uuid id;
    enum schema by;
    int64_t seq;
    struct uuid place; /* its topic and key (of a command: its authorization): has an order */
    struct uuid saga_id, command_id;
    struct text type;
    bool is_published; /* the oracle's */
};

/* A row that an inbox has got, in the order of the commits. */
struct applied {
    enum schema by;
    struct uuid id;
    uint64_t commit;
};

/* Grows in the server's arena. */
struct list {
    void *items;
    size_t count, capacity;
};

struct server {
    struct arena *arena;
    struct table tables[SCHEMA_COUNT][TABLE_COUNT];
    int64_t sequences[SCHEMA_COUNT][2]; /* outbox, parked messages */
    int epoch;                          /* raised by a restart */
    int64_t down_until_us;
    uint64_t commits;
    uint64_t deadlocks;
    struct list said;        /* struct said */
    struct list applied;     /* struct applied */
    void (*committed)(void); /* asked after each commit */
};

extern struct server server;

void *list_add(struct list *list, size_t item_size);

void server_begin(void);
void server_end(void);
int64_t server_now_us(void); /* clock_timestamp(): since 1970 */

struct table *table_of(enum schema schema, enum table_id id);
int column_of(const struct table *table, const char *name, size_t size);

/* By primary key, whatever its state; NULL: there never was one. */
struct row *row_find(const struct table *table, const struct cell *key);
/* What the transaction sees of it (NULL: what is committed); NULL: nothing. */
struct cell *row_seen(const struct row *row, const struct transaction *tx);
/* Waits for whoever has it. Afterwards the row may have gone: look again. */
MUST_CHECK enum status row_lock(struct row *row, struct transaction *tx, int64_t until_us,
                                struct error *err);
/* Of a locked row. */
struct cell *row_change(struct row *row); /* a copy of what is seen, to be changed in place */
void row_delete(struct row *row);
/* Inserts, once nobody has the key under way. *found_out: a row with this key is there (then it is
 * not inserted), locked where asked. */
struct insertion {
    struct table *table;
    struct transaction *tx;
    int64_t until_us;
    bool locks_found;
};
MUST_CHECK enum status row_insert(const struct insertion *insertion, const struct cell *cells,
                                  struct row **found_out, struct error *err);

void transaction_end(struct transaction *tx, bool commits);

/* ---- cells ---------------------------------------------------------------------------------- */

struct cell cell_copy(struct cell cell);
bool cell_equals(struct cell a, struct cell b);
int cell_compare(struct cell a, struct cell b);
struct cell cell_i16(int value);
struct cell cell_i32(int32_t value);
struct cell cell_i64(int64_t value);
struct cell cell_time(int64_t time_us);
struct cell cell_text(const char *value);
struct cell cell_uuid(const struct uuid *value);
int64_t cell_to_i64(struct cell cell); /* any integer */
int64_t cell_to_time(struct cell cell);
struct uuid cell_to_uuid(struct cell cell); /* NULL: nil */
struct text cell_to_text(struct cell cell);
bool cell_is(struct cell cell, const char *text);

#endif
