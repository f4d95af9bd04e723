/* The bodies of format 1, byte for byte. What is stored under format 1 must be printed like this
 * for ever: a change that breaks a text here is format 2, beside this one. */
#include "check.h"

#include "base/arena.h"
#include "domain/authorization_json.h"
#include "domain/money.h"

#define ACCOUNT_ID "40232750-d63a-8467-bc58-da7a689307fd"
#define SAGA_ID    "01a202f8-bf88-76a9-902c-54168cb365f9"
#define TRACE_ID   "af7ae4ee68d82a48e243c814a50ef5b4"

#define USD(amount, minor)                                                                         \
    "{\"amount\":\"" amount "\",\"amount_minor\":" minor ",\"currency\":\"USD\",\"exponent\":2}"

static const int64_t DECIDED_US = 1795346186142571; /* 2026-11-22T11:16:26.142571Z */
static const int64_t SECOND_US = 1000000;

static struct uuid id_of(const char *text)
{
    struct uuid id = {{0}};
    CHECK(text, uuid_parse(text_of(text), &id));
    return id;
}

static struct authorization approved(void)
{
    return (struct authorization){
        .id = id_of("01a202f8-bf89-74bb-82b4-da2f91c2d97d"),
        .lane = 61,
        .transaction_id = TEXT("tx-12345"),
        .user_id = TEXT("user-6789"),
        .account_id = id_of(ACCOUNT_ID),
        .status = AUTHORIZATION_APPROVED,
        .version = 1,
        .remaining_minor = 9999,
        .decision = {DECISION_APPROVED, 0},
        .currency = currency_find(TEXT("USD")),
        .requested_minor = 9999,
        .approved_minor = 9999,
        .available_minor = 90001,
        .expires_at_us = DECIDED_US + 7 * 24 * 3600 * SECOND_US,
        .saga_id = id_of(SAGA_ID),
        .trace_id = TEXT(TRACE_ID),
        .created_at_us = DECIDED_US,
    };
}

static struct authorization declined(void)
{
    struct authorization a = approved();
    a.transaction_id = TEXT("tx \"2\" \xC3\xA9");
    a.status = AUTHORIZATION_DECLINED;
    a.decision =
        (struct decision){DECISION_ACCOUNT_FROZEN,
                          1u << DECISION_ACCOUNT_FROZEN | 1u << DECISION_CREDIT_LIMIT_EXCEEDED};
    a.requested_minor = 100000;
    a.approved_minor = 0;
    a.remaining_minor = 0;
    a.expires_at_us = 0;
    a.saga_id = (struct uuid){{0}};
    return a;
}

/* What became of the approved one: voided by its client 90 seconds later. */
static const struct authorization_change VOIDED = {
    .version = 2,
    .status = AUTHORIZATION_VOIDED,
    .amount_minor = 9999,
    .changed_by = {"api", 3},
    .changed_at_us = 1795346276142571,
};

static struct authorization voided(void)
{
    struct authorization a = approved();
    a.status = AUTHORIZATION_VOIDED;
    a.version = 2;
    a.remaining_minor = 0;
    return a;
}

/* clang-format off */
#define HEAD                                                                                       \
    "{\"id\":\"01a202f8-bf89-74bb-82b4-da2f91c2d97d\",\"transaction_id\":\"tx-12345\","            \
    "\"user_id\":\"user-6789\",\"account_id\":\"" ACCOUNT_ID "\","
#define SUMS(reversed, remaining)                                                                  \
    "\"requested\":" USD("99.99", "9999") ",\"approved\":" USD("99.99", "9999") ","                \
    "\"captured\":" USD("0.00", "0") ",\"reversed\":" reversed ","                                 \
    "\"refunded\":" USD("0.00", "0") ",\"remaining\":" remaining ","                               \
    "\"available\":" USD("900.01", "90001") ",\"expires_at\":\"2026-11-29T11:16:26.142571Z\","
#define BORN "{\"version\":1,\"status\":\"approved\",\"at\":\"2026-11-22T11:16:26.142571Z\"}"
#define TAIL                                                                                       \
    "\"saga_id\":\"" SAGA_ID "\",\"trace_id\":\"" TRACE_ID "\","                                   \
    "\"created_at\":\"2026-11-22T11:16:26.142571Z\"}"

static const char GOLDEN_APPROVED[] =
    HEAD "\"status\":\"approved\",\"decision_code\":\"approved\",\"iso8583_response\":\"00\","
    SUMS(USD("0.00", "0"), USD("99.99", "9999"))
    "\"history\":[" BORN "],\"version\":1," TAIL;

static const char GOLDEN_APPROVED_TRUSTED[] =
    HEAD "\"status\":\"approved\",\"decision_code\":\"approved\",\"iso8583_response\":\"00\","
    "\"reasons\":[],"
    SUMS(USD("0.00", "0"), USD("99.99", "9999"))
    "\"history\":[" BORN "],\"version\":1," TAIL;

static const char GOLDEN_VOIDED[] =
    HEAD "\"status\":\"voided\",\"decision_code\":\"approved\",\"iso8583_response\":\"00\","
    SUMS(USD("99.99", "9999"), USD("0.00", "0"))
    "\"history\":[" BORN ","
    "{\"version\":2,\"status\":\"voided\",\"at\":\"2026-11-22T11:17:56.142571Z\"}],\"version\":2,"
    TAIL;

#define DECLINED(reasons)                                                                          \
    "{\"id\":\"01a202f8-bf89-74bb-82b4-da2f91c2d97d\","                                           \
    "\"transaction_id\":\"tx \\\"2\\\" \xC3\xA9\","                                                \
    "\"user_id\":\"user-6789\",\"account_id\":\"" ACCOUNT_ID "\",\"status\":\"declined\","         \
    "\"decision_code\":\"account_frozen\",\"iso8583_response\":\"62\"," reasons                    \
    "\"requested\":" USD("1000.00", "100000") ",\"approved\":" USD("0.00", "0") ","                \
    "\"captured\":" USD("0.00", "0") ",\"reversed\":" USD("0.00", "0") ","                         \
    "\"refunded\":" USD("0.00", "0") ",\"remaining\":" USD("0.00", "0") ","                        \
    "\"available\":" USD("900.01", "90001") ",\"expires_at\":null,"                                \
    "\"history\":[{\"version\":1,\"status\":\"declined\",\"at\":\"2026-11-22T11:16:26.142571Z\"}],"\
    "\"version\":1,\"saga_id\":null,\"trace_id\":\"" TRACE_ID "\","                                \
    "\"created_at\":\"2026-11-22T11:16:26.142571Z\"}"

static const char GOLDEN_DECLINED[] = DECLINED("");
static const char GOLDEN_DECLINED_TRUSTED[] =
    DECLINED("\"reasons\":[\"account_frozen\",\"credit_limit_exceeded\"],");
/* clang-format on */

static struct json_writer writer(struct text_builder *out, struct arena *arena)
{
    struct json_writer w;
    text_builder_init(out, arena, 2048);
    json_writer_init(&w, out);
    return w;
}

static void test_authorization_write__format_1(void **state)
{
    (void)state;
    const struct {
        const char *given;
        struct authorization authorization;
        size_t change_count;
        int64_t version;
        bool shows_reasons;
        const char *then;
    } CASES[] = {
        {"an approval", approved(), 0, 1, false, GOLDEN_APPROVED},
        {"an approval, trusted", approved(), 0, 1, true, GOLDEN_APPROVED_TRUSTED},
        {"voided, as it is", voided(), 1, 2, false, GOLDEN_VOIDED},
        {"voided, as it was decided", voided(), 1, 1, false, GOLDEN_APPROVED},
        {"a decline", declined(), 0, 1, false, GOLDEN_DECLINED},
        {"a decline, trusted", declined(), 0, 1, true, GOLDEN_DECLINED_TRUSTED},
    };
    CHECK_EQ("the format these texts are of", AUTHORIZATION_BODY_FORMAT, 1);
    struct arena *arena = arena_new(64 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct authorization_view view = {&CASES[at].authorization, &VOIDED,
                                                CASES[at].change_count, CASES[at].version,
                                                CASES[at].shows_reasons};
        struct text_builder out;
        struct json_writer w = writer(&out, arena);
        authorization_write(&w, NULL, &view);
        CHECK_TEXT(CASES[at].given, text_builder_text(&out), CASES[at].then);
    }
    arena_free(arena);
}

/* clang-format off */
#define EVENT(status, remaining, version, from, by)                                                \
    "{\"authorization\":" HEAD "\"status\":\"" status "\",\"decision_code\":\"approved\","         \
    "\"iso8583_response\":\"00\",\"requested\":" USD("99.99", "9999") ","                          \
    "\"approved\":" USD("99.99", "9999") ",\"remaining\":" remaining ","                           \
    "\"expires_at\":\"2026-11-29T11:16:26.142571Z\",\"version\":" version ","                      \
    "\"saga_id\":\"" SAGA_ID "\",\"created_at\":\"2026-11-22T11:16:26.142571Z\"},"                 \
    "\"change\":{\"from\":" from ",\"to\":\"" status "\",\"by\":\"" by "\"}}"
/* clang-format on */

static void test_authorization_event_write__state_and_change(void **state)
{
    (void)state;
    const struct {
        const char *given;
        struct authorization authorization;
        const char *from, *by, *then;
    } CASES[] = {
        {"a new one", approved(), NULL, "api",
         EVENT("approved", USD("99.99", "9999"), "1", "null", "api")},
        {"one that was voided", voided(), "approved", "api",
         EVENT("voided", USD("0.00", "0"), "2", "\"approved\"", "api")},
        {"one that had ended before", voided(), "voided", "saga",
         EVENT("voided", USD("0.00", "0"), "2", "\"voided\"", "saga")},
    };
    struct arena *arena = arena_new(64 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text_builder out;
        struct json_writer w = writer(&out, arena);
        authorization_event_write(&w, &CASES[at].authorization, CASES[at].from,
                                  text_of(CASES[at].by));
        CHECK_TEXT(CASES[at].given, text_builder_text(&out), CASES[at].then);
    }
    arena_free(arena);
}

#define ACCOUNT                                                                                    \
    "{\"id\":\"" ACCOUNT_ID "\",\"user_id\":\"user-6789\",\"status\":\"frozen\","                  \
    "\"currency\":\"USD\",\"credit_limit\":" USD(                                                  \
        "1000.00", "100000") ","                                                                   \
                             "\"held\":" USD("99.99", "9999") ",\"posted\":" USD(                  \
                                 "0.01", "1") ",\"version\":3}"

static void test_account_write__every_form(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 * 1024);
    const struct account account = {.id = id_of(ACCOUNT_ID),
                                    .user_id = TEXT("user-6789"),
                                    .status = ACCOUNT_FROZEN,
                                    .currency = currency_find(TEXT("USD")),
                                    .limit_minor = 100000,
                                    .held_minor = 9999,
                                    .posted_minor = 1,
                                    .version = 3};
    struct text_builder out;
    struct json_writer w = writer(&out, arena);
    account_write(&w, NULL, &account);
    CHECK_TEXT("an account", text_builder_text(&out), ACCOUNT);

    w = writer(&out, arena);
    account_balance_write(&w, &account);
    CHECK_TEXT("its balance", text_builder_text(&out),
               "{\"user_id\":\"user-6789\",\"account_id\":\"" ACCOUNT_ID "\","
               "\"credit_limit\":" USD("1000.00", "100000") ",\"held\":" USD(
                   "99.99", "9999") ","
                                    "\"posted\":" USD("0.01", "1") ",\"available\":" USD(
                                        "900.00", "90000") "}");

    w = writer(&out, arena);
    account_event_write(&w, &account, "open", "api");
    CHECK_TEXT("its event", text_builder_text(&out),
               "{\"account\":" ACCOUNT
               ",\"change\":{\"from\":\"open\",\"to\":\"frozen\",\"by\":\"api\"}}");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authorization_write__format_1),
        cmocka_unit_test(test_authorization_event_write__state_and_change),
        cmocka_unit_test(test_account_write__every_form),
    };
    return cmocka_run_group_tests_name("domain/authorization_json", tests, NULL, NULL);
}
