#include "check.h"

#include "base/arena.h"
#include "domain/saga.h"

#include <stdio.h>

/* What every state x step x event of both types must do; whatever is not listed does nothing. */
/* clang-format off */
static const struct {
    enum saga_type type;
    const char *given;
    enum saga_state state;
    enum saga_step step;
    enum saga_event event;
    const char *then;     /* state/step, its step's state, command, event told */
} EXPECTED[] = {
    { SAGA_AUTHORIZE, "an approval",
      SAGA_STARTED, STEP_START, EV_APPROVED,
      "running/record_hold pending ledger.record_hold saga.started" },
    { SAGA_AUTHORIZE, "the hold is recorded",
      SAGA_RUNNING, STEP_RECORD_HOLD, EV_HOLD_RECORDED,
      "completed/record_hold done - saga.completed" },
    { SAGA_AUTHORIZE, "the ledger refuses",
      SAGA_RUNNING, STEP_RECORD_HOLD, EV_LEDGER_REFUSED,
      "compensating/release_authorization failed authorization.release saga.compensating" },
    { SAGA_AUTHORIZE, "the ledger is silent",
      SAGA_RUNNING, STEP_RECORD_HOLD, EV_DEADLINE,
      "running/record_hold in_flight ledger.record_hold -" },
    { SAGA_AUTHORIZE, "the ledger is silent long",
      SAGA_RUNNING, STEP_RECORD_HOLD, EV_OVERDUE,
      "stuck/record_hold unknown - saga.stuck" },
    { SAGA_AUTHORIZE, "the authorization released",
      SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, EV_AUTH_RELEASED,
      "compensated/release_authorization compensated - saga.compensated" },
    { SAGA_AUTHORIZE, "the undo is silent",
      SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, EV_DEADLINE,
      "compensating/release_authorization compensating authorization.release -" },
    { SAGA_AUTHORIZE, "the undo is silent long",
      SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, EV_OVERDUE,
      "stuck/release_authorization comp_failed - saga.stuck" },
    { SAGA_AUTHORIZE, "recorded after all",
      SAGA_STUCK, STEP_RECORD_HOLD, EV_HOLD_RECORDED,
      "completed/record_hold done - saga.completed" },
    { SAGA_AUTHORIZE, "refused after all",
      SAGA_STUCK, STEP_RECORD_HOLD, EV_LEDGER_REFUSED,
      "compensating/release_authorization failed authorization.release saga.compensating" },
    { SAGA_AUTHORIZE, "undone after all",
      SAGA_STUCK, STEP_RELEASE_AUTHORIZATION, EV_AUTH_RELEASED,
      "compensated/release_authorization compensated - saga.compensated" },
    { SAGA_AUTHORIZE, "an operator has it sent again",
      SAGA_STUCK, STEP_RECORD_HOLD, EV_RETRY,
      "running/record_hold in_flight ledger.record_hold saga.running" },
    { SAGA_AUTHORIZE, "an operator has it undone",
      SAGA_STUCK, STEP_RECORD_HOLD, EV_COMPENSATE,
      "compensating/undo_hold unknown ledger.release_hold saga.compensating" },
    { SAGA_AUTHORIZE, "an operator gives it up",
      SAGA_STUCK, STEP_RECORD_HOLD, EV_ABANDON,
      "abandoned/record_hold unknown - saga.abandoned" },
    { SAGA_AUTHORIZE, "an operator has its undo sent again",
      SAGA_STUCK, STEP_RELEASE_AUTHORIZATION, EV_RETRY,
      "compensating/release_authorization compensating authorization.release saga.compensating" },
    { SAGA_AUTHORIZE, "an operator gives up its undo",
      SAGA_STUCK, STEP_RELEASE_AUTHORIZATION, EV_ABANDON,
      "abandoned/release_authorization comp_failed - saga.abandoned" },
    { SAGA_AUTHORIZE, "the ledger has undone it, if there was anything",
      SAGA_COMPENSATING, STEP_UNDO_HOLD, EV_HOLD_RELEASED,
      "compensating/release_authorization compensated authorization.release saga.compensating" },
    { SAGA_AUTHORIZE, "the ledger refuses to undo it",
      SAGA_COMPENSATING, STEP_UNDO_HOLD, EV_LEDGER_REFUSED,
      "stuck/undo_hold comp_failed - saga.stuck" },
    { SAGA_AUTHORIZE, "the undo in the ledger is silent",
      SAGA_COMPENSATING, STEP_UNDO_HOLD, EV_DEADLINE,
      "compensating/undo_hold compensating ledger.release_hold -" },
    { SAGA_AUTHORIZE, "the undo in the ledger is silent long",
      SAGA_COMPENSATING, STEP_UNDO_HOLD, EV_OVERDUE,
      "stuck/undo_hold comp_failed - saga.stuck" },
    { SAGA_AUTHORIZE, "undone in the ledger after all",
      SAGA_STUCK, STEP_UNDO_HOLD, EV_HOLD_RELEASED,
      "compensating/release_authorization compensated authorization.release saga.compensating" },
    { SAGA_AUTHORIZE, "an operator has the undo in the ledger sent again",
      SAGA_STUCK, STEP_UNDO_HOLD, EV_RETRY,
      "compensating/undo_hold compensating ledger.release_hold saga.compensating" },
    { SAGA_AUTHORIZE, "an operator gives up the undo in the ledger",
      SAGA_STUCK, STEP_UNDO_HOLD, EV_ABANDON,
      "abandoned/undo_hold comp_failed - saga.abandoned" },

    { SAGA_RELEASE, "a hold has ended",
      SAGA_STARTED, STEP_START, EV_HOLD_ENDED,
      "started/release_hold pending - saga.started" },
    { SAGA_RELEASE, "it was booked",
      SAGA_STARTED, STEP_RELEASE_HOLD, EV_BOOKED,
      "running/release_hold in_flight ledger.release_hold saga.running" },
    { SAGA_RELEASE, "it was never booked",
      SAGA_STARTED, STEP_RELEASE_HOLD, EV_NOT_BOOKED,
      "completed/release_hold skipped - saga.completed" },
    { SAGA_RELEASE, "nobody knows for long",
      SAGA_STARTED, STEP_RELEASE_HOLD, EV_OVERDUE,
      "stuck/release_hold pending - saga.stuck" },
    { SAGA_RELEASE, "the ledger released it",
      SAGA_RUNNING, STEP_RELEASE_HOLD, EV_HOLD_RELEASED,
      "completed/release_hold done - saga.completed" },
    { SAGA_RELEASE, "the ledger refuses",
      SAGA_RUNNING, STEP_RELEASE_HOLD, EV_LEDGER_REFUSED,
      "stuck/release_hold failed - saga.stuck" },
    { SAGA_RELEASE, "the ledger is silent",
      SAGA_RUNNING, STEP_RELEASE_HOLD, EV_DEADLINE,
      "running/release_hold in_flight ledger.release_hold -" },
    { SAGA_RELEASE, "the ledger is silent long",
      SAGA_RUNNING, STEP_RELEASE_HOLD, EV_OVERDUE,
      "stuck/release_hold unknown - saga.stuck" },
    { SAGA_RELEASE, "booked after all",
      SAGA_STUCK, STEP_RELEASE_HOLD, EV_BOOKED,
      "running/release_hold in_flight ledger.release_hold saga.running" },
    { SAGA_RELEASE, "not booked after all",
      SAGA_STUCK, STEP_RELEASE_HOLD, EV_NOT_BOOKED,
      "completed/release_hold skipped - saga.completed" },
    { SAGA_RELEASE, "released after all",
      SAGA_STUCK, STEP_RELEASE_HOLD, EV_HOLD_RELEASED,
      "completed/release_hold done - saga.completed" },
    { SAGA_RELEASE, "an operator has it sent again",
      SAGA_STUCK, STEP_RELEASE_HOLD, EV_RETRY,
      "running/release_hold in_flight ledger.release_hold saga.running" },
    { SAGA_RELEASE, "an operator gives it up",
      SAGA_STUCK, STEP_RELEASE_HOLD, EV_ABANDON,
      "abandoned/release_hold unknown - saga.abandoned" },
};
/* clang-format on */

static const char *or_dash(const char *name)
{
    return name == NULL ? "-" : name;
}

static struct text rule_in_words(struct arena *arena, const struct saga_rule *rule)
{
    if (rule == NULL)
        return TEXT("nothing");
    const char *command = rule->send == CMD_NONE ? NULL : saga_command_form(rule->send)->type;
    return text_format(arena, "%s/%s %s %s %s", saga_state_name(rule->to_state),
                       saga_step_name(rule->to_step), step_state_name(rule->step_becomes),
                       or_dash(command), or_dash(saga_rule_tells(rule)));
}

static void check_pair(struct arena *arena, enum saga_type type, enum saga_state state,
                       enum saga_step step, enum saga_event event)
{
    const char *then = "nothing";
    struct text given =
        text_format(arena, "%s: %s/%s on %s", saga_type_name(type), saga_state_name(state),
                    saga_step_name(step), saga_event_name(event));
    for (size_t at = 0; at < COUNT(EXPECTED); at++) {
        if (EXPECTED[at].type == type && EXPECTED[at].state == state && EXPECTED[at].step == step &&
            EXPECTED[at].event == event)
            then = EXPECTED[at].then;
    }
    const struct saga_rule *rule = saga_rule_find(type, state, step, event);
    CHECK_TEXT(given.data, rule_in_words(arena, rule), then);
}

static void test_saga_rule_find__every_pair(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1024 * 1024);
    const int pairs = SAGA_TYPE_COUNT * SAGA_STATE_COUNT * SAGA_STEP_COUNT * SAGA_EVENT_COUNT;
    for (int pair = 0; pair < pairs; pair++) {
        int rest = pair;
        const enum saga_type type = (enum saga_type)(rest % SAGA_TYPE_COUNT);
        rest /= SAGA_TYPE_COUNT;
        const enum saga_state in = (enum saga_state)(rest % SAGA_STATE_COUNT);
        rest /= SAGA_STATE_COUNT;
        const enum saga_step step = (enum saga_step)(rest % SAGA_STEP_COUNT);
        rest /= SAGA_STEP_COUNT;
        check_pair(arena, type, in, step, (enum saga_event)rest);
    }
    arena_free(arena);
}

static void test_saga_rules__keep_the_promises(void **state)
{
    (void)state;
    size_t total = 0;
    for (int type = 0; type < SAGA_TYPE_COUNT; type++) {
        size_t count = 0;
        const struct saga_rule *rules = saga_rules((enum saga_type)type, &count);
        total += count;
        for (size_t at = 0; at < count; at++) {
            const struct saga_rule *rule = &rules[at];
            const bool silence = rule->event == EV_DEADLINE || rule->event == EV_OVERDUE;
            const bool operators = rule->event >= EV_RETRY;
            CHECK("an ended saga", !saga_state_is_end(rule->in_state));
            CHECK("silence", !silence || rule->to_step == rule->in_step);
            CHECK("silence",
                  !silence || rule->to_state == rule->in_state || rule->to_state == SAGA_STUCK);
            CHECK("an operator", !operators || rule->in_state == SAGA_STUCK);
            CHECK("given up", (rule->to_state == SAGA_ABANDONED) == (rule->event == EV_ABANDON));
            CHECK("a rule once", saga_rule_find((enum saga_type)type, rule->in_state, rule->in_step,
                                                rule->event) == rule);
        }
    }
    CHECK_EQ("all rules", total, COUNT(EXPECTED));
}

static void test_saga_names__there_and_back(void **state)
{
    (void)state;
    for (int at = 0; at < SAGA_STATE_COUNT; at++) {
        enum saga_state got = SAGA_STATE_COUNT;
        CHECK("a state", saga_state_parse(text_of(saga_state_name((enum saga_state)at)), &got));
        CHECK_EQ("a state", got, at);
    }
    for (int at = 0; at < SAGA_STEP_COUNT; at++) {
        enum saga_step got = SAGA_STEP_COUNT;
        CHECK("a step", saga_step_parse(text_of(saga_step_name((enum saga_step)at)), &got));
        CHECK_EQ("a step", got, at);
    }
    for (int at = 0; at < SAGA_TYPE_COUNT; at++) {
        enum saga_type got = SAGA_TYPE_COUNT;
        CHECK("a type", saga_type_parse(text_of(saga_type_name((enum saga_type)at)), &got));
        CHECK_EQ("a type", got, at);
    }
    for (int at = 0; at < STEP_STATE_COUNT; at++) {
        enum step_state got = STEP_STATE_COUNT;
        CHECK("a step's", step_state_parse(text_of(step_state_name((enum step_state)at)), &got));
        CHECK_EQ("a step's", got, at);
    }
    enum saga_state got_state = SAGA_STUCK;
    enum saga_step got_step = STEP_RECORD_HOLD;
    enum saga_type got_type = SAGA_RELEASE;
    enum step_state got_step_state = STEP_DONE;
    CHECK("upper case", !saga_state_parse(TEXT("STUCK"), &got_state));
    CHECK("an unknown step", !saga_step_parse(TEXT("dance"), &got_step));
    CHECK("an unknown type", !saga_type_parse(TEXT(""), &got_type));
    CHECK("a step's, unknown", !step_state_parse(TEXT("running"), &got_step_state));
}

static void test_saga_deed_parse__only_what_an_operator_may(void **state)
{
    (void)state;
    enum saga_event event = SAGA_EVENT_COUNT;
    for (int at = 0; at < SAGA_EVENT_COUNT; at++) {
        const char *name = saga_event_name((enum saga_event)at);
        CHECK_EQ(name, saga_deed_parse(text_of(name), &event), at >= EV_RETRY);
        CHECK("the same", at < EV_RETRY || event == (enum saga_event)at);
    }
    CHECK("nothing", !saga_deed_parse(TEXT(""), &event));
}

static void test_saga_step__how_it_is_sent(void **state)
{
    (void)state;
    CHECK_EQ("a do", saga_step_sent(STEP_RECORD_HOLD), STEP_IN_FLIGHT);
    CHECK_EQ("an undo", saga_step_sent(STEP_RELEASE_AUTHORIZATION), STEP_COMPENSATING);
    CHECK_TEXT("a do", text_of(saga_step_op(STEP_RELEASE_HOLD)), "do");
    CHECK_TEXT("an undo", text_of(saga_step_op(STEP_RELEASE_AUTHORIZATION)), "undo");
    CHECK_TEXT("a command", text_of(saga_command_form(CMD_RECORD_HOLD)->aggregate),
               "ledger.commands");
}

static void test_saga_schedule_parse__bounds(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *repeats;
        int64_t stuck_ms;
        bool accepted;
        int count;
    } CASES[] = {
        {"the defaults", "30000,120000,600000", 1800000, true, 3},
        {"one", "1", 2, true, 1},
        {"blanks", " 1, 2", 3, true, 2},
        {"eight", "1,2,3,4,5,6,7,8", 9, true, 8},
        {"nine", "1,2,3,4,5,6,7,8,9", 10, false, 0},
        {"none", "", 10, false, 0},
        {"no list at all", NULL, 10, false, 0},
        {"a hole", "1,,2", 10, false, 0},
        {"zero", "0,1", 10, false, 0},
        {"equal", "2,2", 10, false, 0},
        {"descending", "3,2", 10, false, 0},
        {"a word", "soon", 10, false, 0},
        {"stuck with the last", "1,2", 2, false, 0},
        {"a repeat that overflows", "9223372036854775807", 10, false, 0},
        {"a stuck time that overflows", "1", INT64_MAX, false, 0},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct saga_schedule got = {0};
        CHECK_EQ(CASES[at].given,
                 saga_schedule_parse(text_of(CASES[at].repeats), CASES[at].stuck_ms, &got),
                 CASES[at].accepted);
        CHECK_EQ(CASES[at].given, got.repeat_count, CASES[at].count);
    }
}

static void test_saga_schedule__when(void **state)
{
    (void)state;
    struct saga_schedule schedule;
    CHECK("a schedule", saga_schedule_parse(TEXT("30,120,600"), 1800, &schedule));
    enum { BEGAN = 1000000 };
    static const struct {
        const char *given;
        int64_t now_ms; /* after the step began */
        int64_t next_ms;
        enum saga_event then; /* when that comes */
    } CASES[] = {
        {"just sent", 0, 30, EV_DEADLINE},
        {"a moment before the first", 29, 30, EV_DEADLINE},
        {"the first", 30, 120, EV_DEADLINE},
        {"the second", 120, 600, EV_DEADLINE},
        {"the last repeat", 600, 1800, EV_OVERDUE},
        {"woken after long sleep", 1790, 1820, EV_OVERDUE},
        {"woken after very long sleep", 5000, 5030, EV_OVERDUE},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const int64_t now_us = BEGAN + CASES[at].now_ms * 1000;
        const int64_t next_us = saga_schedule_next_us(&schedule, BEGAN, now_us);
        CHECK_EQ(CASES[at].given, next_us, BEGAN + CASES[at].next_ms * 1000);
        CHECK_EQ(CASES[at].given, saga_schedule_event(&schedule, BEGAN, next_us), CASES[at].then);
    }
}

/* docs/saga.md shows the table; whoever changes a rule changes the page. */
static void test_saga_rules__as_in_the_docs(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1024 * 1024);
    static char page[64 * 1024];
    FILE *file = fopen(SOURCE_ROOT "/docs/saga.md", "r");
    CHECK("docs/saga.md", file != NULL);
    const size_t size = fread(page, 1, sizeof(page) - 1, file);
    fclose(file);
    page[size] = '\0';
    for (int type = 0; type < SAGA_TYPE_COUNT; type++) {
        size_t count = 0;
        const struct saga_rule *rules = saga_rules((enum saga_type)type, &count);
        for (size_t at = 0; at < count; at++) {
            const struct saga_rule *rule = &rules[at];
            const struct text line =
                text_format(arena, "\n| %s | %s / %s | %s | %s / %s | %s | %s | %s |\n",
                            saga_type_name((enum saga_type)type), saga_state_name(rule->in_state),
                            saga_step_name(rule->in_step), saga_event_name(rule->event),
                            saga_state_name(rule->to_state), saga_step_name(rule->to_step),
                            step_state_name(rule->step_becomes),
                            rule->send == CMD_NONE ? "" : saga_command_form(rule->send)->type,
                            saga_rule_tells(rule) == NULL ? "" : saga_rule_tells(rule));
            if (strstr(page, line.data) == NULL)
                fail_msg("docs/saga.md lacks the line %s", line.data);
        }
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saga_rule_find__every_pair),
        cmocka_unit_test(test_saga_rules__keep_the_promises),
        cmocka_unit_test(test_saga_names__there_and_back),
        cmocka_unit_test(test_saga_deed_parse__only_what_an_operator_may),
        cmocka_unit_test(test_saga_step__how_it_is_sent),
        cmocka_unit_test(test_saga_schedule_parse__bounds),
        cmocka_unit_test(test_saga_schedule__when),
        cmocka_unit_test(test_saga_rules__as_in_the_docs),
    };
    return cmocka_run_group_tests_name("domain/saga", tests, NULL, NULL);
}
