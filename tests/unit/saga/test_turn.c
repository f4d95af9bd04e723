#include "check.h"

#include "base/arena.h"
#include "platform/messaging/consumer.h"
#include "saga/turn.h"

enum { SECOND_US = 1000000 };

/* One authorization's turn: now is 1000 s after the epoch. */
struct fixture {
    struct arena *arena;
    struct saga_schedule schedule;
    struct turn turn;
    struct uuid authorization_id;
    struct uuid saga_ids[SAGA_TYPE_COUNT];
    struct delivery delivery; /* that brings whatever is heard */
};

static void begin(struct fixture *f)
{
    f->delivery = (struct delivery){.trace = trace_context_make()};
    f->arena = arena_new(1024 * 1024);
    f->authorization_id = uuid_make_v7();
    f->saga_ids[SAGA_AUTHORIZE] = uuid_make_v7();
    f->saga_ids[SAGA_RELEASE] = uuid_make_v7();
    CHECK("a schedule", saga_schedule_parse(TEXT("30000,120000,600000"), 1800000, &f->schedule));
    const struct uuid twice[] = {f->authorization_id, f->authorization_id};
    turn_init(&f->turn, f->arena, &f->schedule, twice, COUNT(twice));
    f->turn.now_us = (int64_t)1000 * SECOND_US;
}

static struct saga *saga_of(struct fixture *f, enum saga_type type)
{
    return &turn_find_pair(&f->turn, &f->authorization_id)->sagas[type];
}

static void start(struct fixture *f, enum saga_type type)
{
    const struct heard heard = {
        .kind = HEARD_START,
        .delivery = &f->delivery,
        .trace = f->delivery.trace,
        .event = type == SAGA_AUTHORIZE ? EV_APPROVED : EV_HOLD_ENDED,
        .type = type,
        .authorization_id = f->authorization_id,
        .saga_id = f->saga_ids[type],
        .account_id = f->authorization_id,
        .user_id = TEXT("user-1"),
        .tenant = TEXT("default"),
        .amount_minor = 9999,
        .currency = TEXT("USD"),
        .origin_traceparent = TEXT("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    };
    turn_hear(&f->turn, &heard);
}

static void answer(struct fixture *f, enum saga_type type, enum saga_event event)
{
    const struct heard heard = {
        .kind = HEARD_ANSWER,
        .delivery = &f->delivery,
        .trace = f->delivery.trace,
        .event = event,
        .authorization_id = f->authorization_id,
        .saga_id = f->saga_ids[type],
        .command_id = saga_of(f, type)->command_id,
    };
    turn_hear(&f->turn, &heard);
}

/* Types of all that the turn says, in order. */
static void check_said(struct fixture *f, const char *given, const char *then)
{
    struct text_builder said;
    text_builder_init(&said, f->arena, 256);
    for (size_t at = 0; at < f->turn.outbox.count; at++)
        text_builder_add_format(&said, "%s%s", at == 0 ? "" : " ", f->turn.outbox.events[at].type);
    CHECK_TEXT(given, text_builder_text(&said), then);
}

static void test_turn_init__equal_ids_are_one_pair(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    const struct uuid stranger = uuid_make_v7();
    CHECK_EQ("one id twice", f.turn.pair_count, 1);
    CHECK("a stranger", turn_find_pair(&f.turn, &stranger) == NULL);
    arena_free(f.arena);
}

static void test_turn_hear__sees_what_came_before_it(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    start(&f, SAGA_RELEASE);
    start(&f, SAGA_AUTHORIZE);
    start(&f, SAGA_AUTHORIZE);
    answer(&f, SAGA_AUTHORIZE, EV_HOLD_RECORDED);
    answer(&f, SAGA_AUTHORIZE, EV_HOLD_RECORDED);
    answer(&f, SAGA_RELEASE, EV_HOLD_RELEASED);
    check_said(&f, "a void before its approval, with repeats, in one batch",
               "saga.started ledger.record_hold saga.started saga.completed ledger.release_hold "
               "saga.running saga.completed");
    CHECK_EQ("the booking", saga_of(&f, SAGA_AUTHORIZE)->version, 2);
    CHECK_EQ("the release", saga_of(&f, SAGA_RELEASE)->version, 3);
    CHECK_EQ("bookings ended", f.turn.ended_count, 1);
    arena_free(f.arena);
}

static void test_turn_hear__an_abandoned_booking_is_not_followed(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    start(&f, SAGA_AUTHORIZE);
    saga_of(&f, SAGA_AUTHORIZE)->state = SAGA_ABANDONED;
    start(&f, SAGA_RELEASE);
    CHECK_EQ("an abandoned booking", saga_of(&f, SAGA_RELEASE)->state, SAGA_STARTED);
    CHECK_EQ("an abandoned booking", saga_of(&f, SAGA_RELEASE)->tries, 0);
    arena_free(f.arena);
}

static void test_turn_deadline__repeats(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    start(&f, SAGA_AUTHORIZE);
    struct saga *saga = saga_of(&f, SAGA_AUTHORIZE);
    const int64_t began_us = f.turn.now_us;
    const struct uuid command_id = saga->command_id;
    const struct uuid event_id = saga->command_event_id;
    CHECK_EQ("just sent", saga->deadline_us, began_us + (int64_t)30 * SECOND_US);

    f.turn.now_us = saga->deadline_us;
    turn_deadline(&f.turn, saga, false);
    check_said(&f, "still in the outbox", "ledger.record_hold saga.started");
    CHECK_EQ("still in the outbox", saga->deadline_us, began_us + (int64_t)120 * SECOND_US);

    f.turn.now_us = saga->deadline_us;
    turn_deadline(&f.turn, saga, true);
    check_said(&f, "sent", "ledger.record_hold saga.started ledger.record_hold");
    CHECK("a repeat", uuid_equals(&saga->command_id, &command_id));
    CHECK("a repeat", !uuid_equals(&saga->command_event_id, &event_id));
    CHECK_EQ("a repeat", saga->version, 1);
    CHECK_EQ("a repeat", saga->tries, 2);
    CHECK_EQ("a repeat", saga->step_started_us, began_us);

    f.turn.now_us = began_us + (int64_t)600 * SECOND_US;
    turn_deadline(&f.turn, saga, true);
    f.turn.now_us = saga->deadline_us;
    turn_deadline(&f.turn, saga, true);
    CHECK_EQ("the last", saga->state, SAGA_STUCK);
    CHECK_EQ("the last", saga->deadline_us, 0);
    CHECK_TEXT("the last", saga->reason, "no_answer");
    CHECK_EQ("the last", saga->step_state, STEP_UNKNOWN);
    arena_free(f.arena);
}

static const struct turn_cause *last_cause(const struct fixture *f)
{
    return &f->turn.lines[f->turn.line_count - 1].cause;
}

/* What comes of silence is told below what the saga did last, in its trace and linked to the
 * request; what comes of a message is the message's. */
static void test_turn_deadline__goes_on_in_the_trace(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    trace_context_take_state(&f.delivery.trace, TEXT("rojo=1"));
    start(&f, SAGA_AUTHORIZE);
    CHECK("by a message", last_cause(&f)->delivery == &f.delivery);
    struct saga *saga = saga_of(&f, SAGA_AUTHORIZE);
    f.turn.now_us = saga->deadline_us;
    turn_deadline(&f.turn, saga, true);
    const struct turn_cause *cause = last_cause(&f);
    CHECK("by silence", cause->delivery == NULL);
    CHECK_TEXT("by silence", text_of(cause->word), "repeat");
    CHECK_TEXT("the trace", text_of(cause->trace.trace_id), f.delivery.trace.trace_id);
    CHECK_TEXT("its state", cause->trace.state, "rojo=1");
    CHECK_TEXT("the parent", text_of(cause->below.span_id), f.delivery.trace.span_id);
    CHECK_TEXT("the link", text_of(cause->link.span_id), "00f067aa0ba902b7");
    const struct outbox_event *command = &f.turn.outbox.events[f.turn.outbox.count - 1];
    CHECK_TEXT("the command", text_of(command->trace.span_id), cause->trace.span_id);
    arena_free(f.arena);
}

static void test_turn_hear__a_release_that_waited_goes_on_in_its_own_trace(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    start(&f, SAGA_AUTHORIZE);
    const struct trace_context voided = trace_context_make();
    f.delivery.trace = voided;
    start(&f, SAGA_RELEASE);
    f.delivery.trace = trace_context_make();
    answer(&f, SAGA_AUTHORIZE, EV_HOLD_RECORDED);
    const struct turn_cause *cause = last_cause(&f);
    CHECK_TEXT("resumed", text_of(cause->word), "resume");
    CHECK_TEXT("below its own", text_of(cause->below.span_id), voided.span_id);
    CHECK_TEXT("linked to the booking", text_of(cause->link.span_id), f.delivery.trace.span_id);
    arena_free(f.arena);
}

static void test_turn_deadline__a_release_that_waits_sends_nothing(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    start(&f, SAGA_RELEASE);
    struct saga *saga = saga_of(&f, SAGA_RELEASE);
    f.turn.now_us = saga->deadline_us;
    turn_deadline(&f.turn, saga, true);
    check_said(&f, "a release that waits", "saga.started");
    CHECK_EQ("a release that waits", saga->state, SAGA_STARTED);
    CHECK("a release that waits", saga->deadline_us > f.turn.now_us);
    arena_free(f.arena);
}

static void test_turn_hear__a_refusal_starts_a_step_of_its_own(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    start(&f, SAGA_AUTHORIZE);
    struct saga *saga = saga_of(&f, SAGA_AUTHORIZE);
    const struct uuid command_id = saga->command_id;
    f.turn.now_us += (int64_t)500 * SECOND_US;
    answer(&f, SAGA_AUTHORIZE, EV_LEDGER_REFUSED);
    CHECK_EQ("the undo", saga->deadline_us, f.turn.now_us + (int64_t)30 * SECOND_US);
    CHECK("the undo", !uuid_equals(&saga->command_id, &command_id));
    CHECK_EQ("the undo", saga->tries, 1);
    CHECK_EQ("the do", saga->steps[STEP_RECORD_HOLD].state, STEP_FAILED);
    CHECK("the do", uuid_equals(&saga->steps[STEP_RECORD_HOLD].command_id, &command_id));
    CHECK_EQ("the do", saga->steps[STEP_RECORD_HOLD].finished_us, f.turn.now_us);
    CHECK_EQ("the undo", saga->step_state, STEP_COMPENSATING);
    arena_free(f.arena);
}

/* As an operator's request brings it. */
static enum deed_refusal do_deed(struct fixture *f, enum saga_type type, enum saga_event deed)
{
    return turn_deed(&f->turn, saga_of(f, type), deed, &f->delivery.trace);
}

static void test_turn_deed__a_retry_begins_anew(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    start(&f, SAGA_AUTHORIZE);
    struct saga *saga = saga_of(&f, SAGA_AUTHORIZE);
    const struct uuid command_id = saga->command_id;
    saga->state = SAGA_STUCK;
    f.turn.now_us += (int64_t)7200 * SECOND_US;
    CHECK_EQ("stuck", do_deed(&f, SAGA_AUTHORIZE, EV_RETRY), DEED_ALLOWED);
    CHECK_EQ("goes on", saga->state, SAGA_RUNNING);
    CHECK("the same command", uuid_equals(&saga->command_id, &command_id));
    CHECK_EQ("once more", saga->tries, 2);
    CHECK_EQ("all repeats before it", saga->deadline_us, f.turn.now_us + (int64_t)30 * SECOND_US);
    check_said(&f, "a retry", "ledger.record_hold saga.started ledger.record_hold saga.running");
    arena_free(f.arena);
}

static void test_turn_deed__refusals_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        enum saga_type type;
        enum saga_state in_state;
        enum saga_state booking; /* of a release */
        enum saga_event deed;
        enum deed_refusal then;
    } CASES[] = {
        {"running", SAGA_AUTHORIZE, SAGA_RUNNING, 0, EV_RETRY, DEED_NOT_STUCK},
        {"compensating", SAGA_AUTHORIZE, SAGA_COMPENSATING, 0, EV_ABANDON, DEED_NOT_STUCK},
        {"completed", SAGA_AUTHORIZE, SAGA_COMPLETED, 0, EV_COMPENSATE, DEED_NOT_STUCK},
        {"abandoned", SAGA_AUTHORIZE, SAGA_ABANDONED, 0, EV_RETRY, DEED_NOT_STUCK},
        {"a release", SAGA_RELEASE, SAGA_STUCK, SAGA_STUCK, EV_COMPENSATE, DEED_NOT_OF_THIS_STEP},
        {"it waits", SAGA_RELEASE, SAGA_STUCK, SAGA_STUCK, EV_RETRY, DEED_WAITS_FOR_BOOKING},
        {"it waits", SAGA_RELEASE, SAGA_STUCK, SAGA_RUNNING, EV_RETRY, DEED_WAITS_FOR_BOOKING},
        {"given up", SAGA_RELEASE, SAGA_STUCK, SAGA_ABANDONED, EV_RETRY, DEED_ALLOWED},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct fixture f;
        begin(&f);
        start(&f, CASES[at].type);
        struct saga *saga = saga_of(&f, CASES[at].type);
        saga->state = CASES[at].in_state;
        if (CASES[at].type == SAGA_RELEASE)
            saga_of(&f, SAGA_AUTHORIZE)->state = CASES[at].booking;
        const size_t said = f.turn.outbox.count;
        const bool is_allowed = CASES[at].then == DEED_ALLOWED;
        CHECK_EQ(CASES[at].given, do_deed(&f, CASES[at].type, CASES[at].deed), CASES[at].then);
        CHECK_EQ(CASES[at].given, saga->state == CASES[at].in_state, !is_allowed);
        CHECK_EQ(CASES[at].given, f.turn.outbox.count == said, !is_allowed);
        arena_free(f.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turn_init__equal_ids_are_one_pair),
        cmocka_unit_test(test_turn_hear__sees_what_came_before_it),
        cmocka_unit_test(test_turn_hear__an_abandoned_booking_is_not_followed),
        cmocka_unit_test(test_turn_hear__a_refusal_starts_a_step_of_its_own),
        cmocka_unit_test(test_turn_deed__a_retry_begins_anew),
        cmocka_unit_test(test_turn_deed__refusals_change_nothing),
        cmocka_unit_test(test_turn_deadline__goes_on_in_the_trace),
        cmocka_unit_test(test_turn_hear__a_release_that_waited_goes_on_in_its_own_trace),
        cmocka_unit_test(test_turn_deadline__repeats),
        cmocka_unit_test(test_turn_deadline__a_release_that_waits_sends_nothing),
    };
    return cmocka_run_group_tests_name("saga/turn", tests, NULL, NULL);
}
