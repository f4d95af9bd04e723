/* The outbox processor's relay: nothing is lost, order per lane, dead letters, failures. */
#include "store.h"

#include "base/arena.h"
#include "outbox/relay.h"
#include "platform/clock.h"
#include "platform/messaging/outbox.h"
#include "platform/messaging/waker.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *arena;

static int before_each(void **state)
{
    (void)state;
    store_clean();
    arena = arena_new(16 * 1024 * 1024);
    return 0;
}

static int after_each(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct relay *start_relay(int batch_max)
{
    const struct relay_config config = {
        .db = store_db("tallystick_outbox", "ledger"),
        .bus = store_bus("tallystick_outbox"),
        .topic_prefix = "test",
        .batch_max = batch_max,
        .pending_warning = 1000000,
        .age_warning_s = 1000,
    };
    struct relay *relay = NULL;
    struct error err;
    assert_int_equal(relay_start(&config, arena, &relay, &err), OK);
    return relay;
}

/* Events 1, 2, 3 ... of 64 lanes, by the owner's hand; sequence counts within each lane. */
static void fill_outbox(int each)
{
    store_sql(
        "INSERT INTO ledger.outbox (lane, id, aggregatetype, aggregateid, partitionkey, type,"
        " sequence, tenant_id, payload, saga_id, traceparent, origin_traceparent)"
        " SELECT lane, gen_random_uuid(), 'ledger', key, key, 'ledger.hold_recorded', n,"
        " 'default', '{}', gen_random_uuid(), '', ''"
        " FROM generate_series(1, %d) AS n CROSS JOIN (SELECT lane,"
        " ('8' || lpad(to_hex(lane), 31, '0'))::uuid AS key FROM generate_series(0, 63) AS lane)"
        " AS lanes ORDER BY n, lane",
        each);
}

/* Messages on the bus whose lane had not yet got to the one before them. */
static int64_t count_overtakers(void)
{
    return store_sql(
        "SELECT count(*) FROM (SELECT sequence, coalesce(max(sequence) OVER (PARTITION BY partition"
        " ORDER BY \"offset\" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS reached"
        " FROM (SELECT partition, \"offset\", (headers::jsonb ->> 'ce_sequence')::bigint AS"
        " sequence FROM bus.bus_message) AS m) AS told WHERE sequence > reached + 1");
}

static int64_t count_different(void)
{
    return store_sql("SELECT count(DISTINCT id) FROM bus.bus_message");
}

/* ---- moving -------------------------------------------------------------------------------- */

static void test_relay__moves_all_in_order(void **state)
{
    (void)state;
    fill_outbox(10);
    struct relay *relay = start_relay(100);
    const bool is_moved = store_wait_for(0, "SELECT count(*) FROM ledger.outbox");
    relay_stop(relay);
    CHECK("the outbox is empty", is_moved);
    CHECK_EQ("messages", store_sql("SELECT count(*) FROM bus.bus_message"), 640);
    CHECK_EQ("different ones", count_different(), 640);
    CHECK_EQ("overtakers", count_overtakers(), 0);
    CHECK_EQ(
        "headers",
        store_sql("SELECT count(*) FROM bus.bus_message WHERE topic = 'test.ledger.v1' AND"
                  " headers::jsonb @> '{\"ce_type\": \"dev.tallystick.ledger.hold_recorded.v1\","
                  " \"ce_source\": \"/tallystick/ledger\", \"ce_tenantid\": \"default\"}'"
                  " AND headers::jsonb ? 'ce_sagaid' AND NOT headers::jsonb ? 'ce_commandid'"),
        640);
}

/* In a process of its own, until it is killed. */
static pid_t fork_relay(int batch_max)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* when a check before the kill fails */
    start_relay(batch_max);
    for (;;)
        pause();
}

static void test_relay__one_of_two_is_killed(void **state)
{
    (void)state;
    fill_outbox(60);
    const pid_t child = fork_relay(7);
    struct relay *relay = start_relay(11);
    CHECK("half of it", store_wait_for(1, "SELECT (count(*) < 2500)::int FROM ledger.outbox"));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    const bool is_moved = store_wait_for(0, "SELECT count(*) FROM ledger.outbox");
    relay_stop(relay);
    CHECK("the outbox is empty", is_moved);
    CHECK_EQ("none was lost", count_different(), 3840);
    CHECK_EQ("overtakers", count_overtakers(), 0);
}

static void test_relay__a_held_lane_stops_no_other(void **state)
{
    (void)state;
    fill_outbox(5);
    struct db_config config = store_db("tallystick_outbox", "ledger");
    struct db *db = db_new(&config);
    struct error err;
    assert_int_equal(
        db_run_script(db, "BEGIN; SELECT FROM outbox_lane WHERE lane = 9 FOR UPDATE", &err), OK);
    struct relay *relay = start_relay(100);
    CHECK("the others are moved", store_wait_for(5, "SELECT count(*) FROM ledger.outbox"));
    CHECK_EQ("the held one is not",
             store_sql("SELECT count(*) FROM bus.bus_message WHERE partition = 9"), 0);
    db_rollback(db);
    CHECK("it is let go", store_wait_for(0, "SELECT count(*) FROM ledger.outbox"));
    relay_stop(relay);
    db_free(db);
}

/* The bus takes no message without a key. No service says one; somebody's hand might. */
static void test_relay__a_poison_row_stops_its_lane_alone(void **state)
{
    (void)state;
    fill_outbox(3);
    store_sql("UPDATE ledger.outbox SET partitionkey = '00000000-0000-0000-0000-000000000000'"
              " WHERE lane = 0 AND sequence = 2");
    struct relay *relay = start_relay(100);
    const bool is_moved = store_wait_for(2, "SELECT count(*) FROM ledger.outbox");
    store_sql("UPDATE ledger.outbox SET partitionkey = aggregateid");
    const bool is_healed = store_wait_for(0, "SELECT count(*) FROM ledger.outbox");
    relay_stop(relay);
    CHECK("it and what follows it in its lane stay", is_moved);
    CHECK("until it is mended", is_healed);
    CHECK_EQ("overtakers", count_overtakers(), 0);
}

/* A bus that takes nothing, for whatever reason: rows stay, and are moved when it is back. */
static void test_relay__the_bus_takes_nothing(void **state)
{
    (void)state;
    fill_outbox(1);
    store_sql("REVOKE INSERT ON bus.bus_message FROM tallystick_outbox");
    struct relay *relay = start_relay(100);
    usleep(300 * 1000);
    const int64_t waiting = store_sql("SELECT count(*) FROM ledger.outbox");
    store_sql("GRANT INSERT ON bus.bus_message TO tallystick_outbox");
    const bool is_moved = store_wait_for(0, "SELECT count(*) FROM ledger.outbox");
    relay_stop(relay);
    CHECK_EQ("while it takes nothing", waiting, 64);
    CHECK("when it takes them", is_moved);
    CHECK_EQ("once", store_sql("SELECT count(*) FROM bus.bus_message"), 64);
}

static void test_relay__backlog_is_known(void **state)
{
    (void)state;
    fill_outbox(2);
    store_sql("REVOKE INSERT ON bus.bus_message FROM tallystick_outbox");
    struct relay *relay = start_relay(100);
    usleep(300 * 1000);
    const struct store_backlog backlog = relay_backlog(relay);
    relay_stop(relay);
    store_sql("GRANT INSERT ON bus.bus_message TO tallystick_outbox");
    CHECK_EQ("events that wait", backlog.pending, 128);
    CHECK("and since when", backlog.oldest_age_ms >= 0 && backlog.oldest_age_ms < 60000);
}

/* ---- what is said by a room ---------------------------------------------------------------- */

static void say(const char *aggregate_type, struct text headers)
{
    struct db_config config = store_db("tallystick_ledger", "ledger");
    config.statements[0] = messaging_statements;
    struct db *db = db_new(&config);
    struct outbox outbox;
    struct error err = {.message = ""};
    outbox_init(&outbox, arena, 1);
    outbox_add(&outbox, &(struct outbox_event){
                            .id = uuid_make_v7(),
                            .lane = 7,
                            .aggregate_type = aggregate_type,
                            .aggregate_id = store_key(1, 7),
                            .key = store_key(1, 7),
                            .type = "ledger.hold_recorded",
                            .sequence = 1,
                            .tenant = TEXT("default"),
                            .payload = TEXT("{}"),
                            .trace = trace_context_make(),
                            .headers = headers,
                        });
    assert_true(outbox_send(&outbox, db, clock_realtime_us()));
    if (db_run(db, &err) != OK)
        fail_msg("%s", err.message);
    struct waker *waker = waker_start(&config, CHANNEL_OUTBOX);
    waker_ring(waker);
    waker_stop(waker);
    db_free(db);
}

static void test_relay__topics(void **state)
{
    (void)state;
    static const struct {
        const char *given, *aggregate_type, *headers, *topic;
    } CASES[] = {
        {"events", "ledger", NULL, "test.ledger.v1"},
        {"commands", "ledger.commands", NULL, "test.ledger.commands.v1"},
        {"a dead letter", "other.saga.v1.dlq", "{\"x\":\"y\"}", "other.saga.v1.dlq"},
    };
    struct relay *relay = start_relay(100);
    for (size_t at = 0; at < COUNT(CASES); at++)
        say(CASES[at].aggregate_type, text_of(CASES[at].headers));
    const bool is_moved = store_wait_for(3, "SELECT count(*) FROM bus.bus_message");
    relay_stop(relay);
    CHECK("all are moved", is_moved);
    for (size_t at = 0; at < COUNT(CASES); at++)
        CHECK_EQ(CASES[at].given,
                 store_sql("SELECT count(*) FROM bus.bus_message WHERE topic = '%s' AND"
                           " partition = 7 AND (headers = '%s') = %s",
                           CASES[at].topic, CASES[at].headers == NULL ? "" : CASES[at].headers,
                           CASES[at].headers == NULL ? "false" : "true"),
                 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_relay__moves_all_in_order, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_relay__one_of_two_is_killed, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_relay__a_held_lane_stops_no_other, before_each,
                                        after_each),
        cmocka_unit_test_setup_teardown(test_relay__a_poison_row_stops_its_lane_alone, before_each,
                                        after_each),
        cmocka_unit_test_setup_teardown(test_relay__the_bus_takes_nothing, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_relay__backlog_is_known, before_each, after_each),
        cmocka_unit_test_setup_teardown(test_relay__topics, before_each, after_each),
    };
    store_need_database();
    return cmocka_run_group_tests_name("store/relay", tests, NULL, NULL);
}
