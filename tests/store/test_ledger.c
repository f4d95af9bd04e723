/* Several ledgers at once, on the same lanes and accounts: no journal is lost, none written twice,
 * the chains have no gap. On the bus a lane has one consumer at a time; here nothing protects the
 * books but their own locks. */
#include "store.h"

#include "base/arena.h"
#include "base/assert.h"
#include "domain/lane.h"
#include "ledger/post.h"
#include "ledger/store.h"
#include "platform/messaging/outbox.h"

#include <pthread.h>
#include <stdio.h>

enum {
    LEDGERS = 4,
    BATCHES = 12,
    BATCH_SIZE = 24,
    LANES = 5,
    ACCOUNTS = 15,
    ARENA_SIZE = 32 * 1024 * 1024,
};

static int before_each(void **state)
{
    (void)state;
    store_clean();
    store_sql("SET session_replication_role = replica"); /* the books refuse to be emptied */
    store_sql("TRUNCATE ledger.entry, ledger.journal, ledger.balance, ledger.hold,"
              " ledger.command_step, ledger.ledger_account");
    store_sql("UPDATE ledger.chain_head"
              " SET chain_seq = 0, hash = decode(repeat('00', 32), 'hex')");
    return 0;
}

/* ---- commands -------------------------------------------------------------------------------- */

/* Of one authorization; its saga has the same number. */
struct order {
    int number;
    const char *type;
    const char *step;
    const char *op;
};

static const struct order RECORD = {0, "record_hold", "record_hold", "do"};
static const struct order UNDO = {0, "release_hold", "record_hold", "undo"};
static const struct order RELEASE = {0, "release_hold", "release_hold", "do"};

static struct uuid numbered(int kind, int number, int lane)
{
    struct uuid id = store_key(number, lane);
    id.bytes[0] = (uint8_t)kind;
    return id;
}

static struct uuid account_of(int number)
{
    const int account = number % ACCOUNTS;
    return numbered(1, account, account % LANES);
}

static struct text payload(struct arena *arena, const struct order *order,
                           const struct message *message)
{
    return text_format(arena,
                       "{\"authorization_id\":\"%.*s\",\"account_id\":\"%.*s\",\"user_id\":\"u\","
                       "\"amount\":{\"amount\":\"1.00\",\"amount_minor\":100,\"currency\":\"USD\","
                       "\"exponent\":2},\"step\":\"%s\",\"op\":\"%s\"}",
                       TEXT_ARGS(uuid_to_text(arena, &message->subject)),
                       TEXT_ARGS(uuid_to_text(arena, &message->key)), order->step, order->op);
}

/* The same command again and again, each time as another event. */
static struct delivery make_delivery(struct arena *arena, struct order order, int number)
{
    struct delivery delivery = {.outcome = DELIVERY_APPLIED, .trace = trace_context_make()};
    delivery.message = store_message("test.ledger.commands.v1", account_of(number), 1);
    struct message *message = &delivery.message;
    message->type = message_type_of(arena, text_format(arena, "ledger.%s", order.type));
    message->subject = numbered(2, number, lane_of(&message->key));
    message->saga_id = numbered(3, number, 0);
    message->command_id = numbered(order.op[0] == 'd' ? 4 : 5, number, 0);
    message->origin_traceparent = message->traceparent;
    message->payload = payload(arena, &order, message);
    return delivery;
}

/* ---- ledgers --------------------------------------------------------------------------------- */

struct ledger {
    pthread_t thread;
    int index;
    /* Fills a batch; what it is depends on the test. */
    void (*fill)(struct arena *arena, struct delivery *batch, int ledger, int round);
    struct error err;
};

/* As the batch machine does: what lost a race runs again. */
static enum status post(struct db *db, struct arena *arena, struct delivery *batch,
                        struct error *err)
{
    struct delivery *deliveries[BATCH_SIZE];
    enum status status = ERR_CONFLICT;
    for (int tries = 0; tries < 50 && status == ERR_CONFLICT; tries++) {
        for (int at = 0; at < BATCH_SIZE; at++) {
            batch[at].outcome = DELIVERY_APPLIED;
            batch[at].is_claimed = false;
            deliveries[at] = &batch[at];
        }
        status = ledger_post(db, arena, deliveries, BATCH_SIZE, err);
    }
    return status;
}

static void *run_ledger(void *argument)
{
    struct ledger *ledger = argument;
    struct arena *arena = arena_new(ARENA_SIZE);
    struct db_config config = store_db("tallystick_ledger", "ledger");
    config.statements[0] = ledger_store_statements;
    config.statements[1] = messaging_statements;
    struct db *db = db_new(&config);
    enum status status = db_connect(db, &ledger->err);
    for (int round = 0; round < BATCHES && status == OK; round++) {
        struct delivery batch[BATCH_SIZE];
        ledger->fill(arena, batch, ledger->index, round);
        status = post(db, arena, batch, &ledger->err);
        arena_reset(arena);
    }
    ledger->err.status = status;
    db_free(db);
    arena_free(arena);
    return NULL;
}

static void run_ledgers(void (*fill)(struct arena *, struct delivery *, int, int))
{
    struct ledger ledgers[LEDGERS];
    for (int at = 0; at < LEDGERS; at++) {
        ledgers[at] = (struct ledger){.index = at, .fill = fill, .err.message = ""};
        assert_int_equal(pthread_create(&ledgers[at].thread, NULL, run_ledger, &ledgers[at]), 0);
    }
    for (int at = 0; at < LEDGERS; at++)
        pthread_join(ledgers[at].thread, NULL);
    for (int at = 0; at < LEDGERS; at++)
        if (ledgers[at].err.status != OK)
            fail_msg("ledger %d: %s", at, ledgers[at].err.message);
}

static void check_books(const char *given)
{
    CHECK_EQ(given,
             store_sql("SELECT count(*) FROM ledger.chain_link"
                       " WHERE hash <> recomputed_hash OR previous_hash <> hash_before"
                       " OR chain_seq <> chain_seq_before + 1"),
             0);
    CHECK_EQ(given, store_sql("SELECT sum(chain_seq) FROM ledger.chain_head"),
             store_sql("SELECT count(*) FROM ledger.journal"));
    CHECK_EQ(given, store_sql("SELECT sum(debit_minor) FROM ledger.balance"),
             store_sql("SELECT sum(amount_minor) FROM ledger.entry WHERE side = 'debit'"));
    CHECK_EQ(given, store_sql("SELECT sum(credit_minor) FROM ledger.balance"),
             store_sql("SELECT sum(amount_minor) FROM ledger.entry WHERE side = 'credit'"));
    CHECK_EQ(given, store_sql("SELECT sum(debit_minor - credit_minor) FROM ledger.balance"), 0);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void fill_with_new(struct arena *arena, struct delivery *batch, int ledger, int round)
{
    for (int at = 0; at < BATCH_SIZE; at++)
        batch[at] = make_delivery(arena, RECORD, (ledger * BATCHES + round) * BATCH_SIZE + at);
}

static void test_ledger_post__many_ledgers_on_the_same_lanes(void **state)
{
    (void)state;
    run_ledgers(fill_with_new);
    const int64_t all = LEDGERS * BATCHES * BATCH_SIZE;
    CHECK_EQ("a journal each", store_sql("SELECT count(*) FROM ledger.journal"), all);
    CHECK_EQ("an answer each", store_sql("SELECT count(*) FROM ledger.outbox"), all);
    CHECK_EQ("accounts opened once",
             store_sql("SELECT count(*) FROM ledger.ledger_account"
                       " WHERE kind = 'cardholder_receivable'"),
             ACCOUNTS);
    CHECK_EQ("a settlement account per lane",
             store_sql("SELECT count(*) FROM ledger.ledger_account"
                       " WHERE kind = 'settlement_payable'"),
             LANES);
    check_books("many ledgers");
}

/* Every ledger has every command, in another order. */
static void fill_with_same(struct arena *arena, struct delivery *batch, int ledger, int round)
{
    for (int at = 0; at < BATCH_SIZE; at++)
        batch[at] =
            make_delivery(arena, RECORD, round * BATCH_SIZE + (at * 5 + ledger * 7) % BATCH_SIZE);
}

static void test_ledger_post__the_same_commands_everywhere(void **state)
{
    (void)state;
    run_ledgers(fill_with_same);
    CHECK_EQ("done once", store_sql("SELECT count(*) FROM ledger.journal"), BATCHES * BATCH_SIZE);
    CHECK_EQ("answered each time", store_sql("SELECT count(*) FROM ledger.outbox"),
             LEDGERS * BATCHES * BATCH_SIZE);
    CHECK_EQ("answered the same", store_sql("SELECT count(DISTINCT payload) FROM ledger.outbox"),
             BATCHES * BATCH_SIZE);
    check_books("the same commands");
}

/* One ledger records, one undoes, one releases, one repeats it all. */
static void fill_with_race(struct arena *arena, struct delivery *batch, int ledger, int round)
{
    static const struct order *const ORDERS[LEDGERS] = {&RECORD, &UNDO, &RELEASE, &RECORD};
    for (int at = 0; at < BATCH_SIZE; at++)
        batch[at] = make_delivery(arena, *ORDERS[ledger],
                                  round * BATCH_SIZE + (at * 5 + ledger * 7) % BATCH_SIZE);
}

static void test_ledger_post__do_undo_and_release_race(void **state)
{
    (void)state;
    run_ledgers(fill_with_race);
    CHECK_EQ("nothing is held in the end", store_sql("SELECT sum(pending_minor) FROM ledger.hold"),
             0);
    CHECK_EQ("what was recorded was released",
             store_sql("SELECT count(*) FROM ledger.hold WHERE version NOT IN (0, 2)"), 0);
    CHECK_EQ("every step is done", store_sql("SELECT count(*) FROM ledger.command_step"),
             3 * BATCHES * BATCH_SIZE);
    check_books("a race");
}

int main(void)
{
    store_need_database();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ledger_post__many_ledgers_on_the_same_lanes, before_each),
        cmocka_unit_test_setup(test_ledger_post__the_same_commands_everywhere, before_each),
        cmocka_unit_test_setup(test_ledger_post__do_undo_and_release_race, before_each),
    };
    return cmocka_run_group_tests_name("store/ledger", tests, NULL, NULL);
}
