#include "check.h"

#include "authorization/item_json.h"
#include "base/arena.h"
#include "domain/lane.h"
#include "platform/clock.h"

#define HASH        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define ID          "01a202f8-bf89-74bb-82b4-da2f91c2d97d"
#define TRACEPARENT "00-af7ae4ee68d82a48e243c814a50ef5b4-f72cbbf1e82a25c9-01"
#define COMMON                                                                                     \
    "\"traceparent\":\"" TRACEPARENT "\",\"deadline_ms\":5000,"                                    \
    "\"request_id\":\"01a202f8-bf86-727f-a1e8-0df3a4c9cc07\""
#define KEY         "\"key_hash\":\"" HASH "\",\"fingerprint\":\"" HASH "\","
#define AUTHORIZE   "{\"op\":\"authorize\"," KEY
#define WHO         "\"user_id\":\"user-6789\",\"transaction_id\":\"tx-1\","
#define VOID        "{\"op\":\"void\"," KEY
#define PUT         "{\"op\":\"put_account\",\"user_id\":\"user-6789\","
#define ITEMS(list) "{\"items\":[" list "]}"

static struct item *parse(struct arena *arena, const char *body, size_t *count_out)
{
    struct item *items = NULL;
    struct error err = {0};
    const enum status status = items_parse(arena, text_of(body), &items, count_out, &err);
    if (status != OK)
        fail_msg("given %s: %s", body, err.message);
    return items;
}

static void test_items_parse__authorize(void **state)
{
    (void)state;
    static const struct {
        const char *given, *body;
        bool is_minor;
        int64_t digits;
        int scale;
        const char *currency; /* NULL: not said */
        int64_t expires_in_s;
        bool trusted;
    } CASES[] = {
        {"an amount in major units", ITEMS(AUTHORIZE WHO "\"amount\":\"99.99\"," COMMON "}"), false,
         9999, 2, NULL, 0, false},
        {"an amount in minor units", ITEMS(AUTHORIZE WHO "\"amount_minor\":9999," COMMON "}"), true,
         9999, 0, NULL, 0, false},
        {"all that can be said",
         ITEMS(AUTHORIZE WHO "\"amount\":\"1.5\",\"currency\":\"KWD\",\"expires_in_s\":600,"
                             "\"trusted\":true," COMMON "}"),
         false, 15, 1, "KWD", 600, true},
    };
    struct arena *arena = arena_new(256 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const char *given = CASES[at].given;
        size_t count = 0;
        const struct item *item = parse(arena, CASES[at].body, &count);
        const struct uuid account_id = account_id_of(TENANT, TEXT("user-6789"));
        CHECK_EQ(given, count, 1);
        CHECK_EQ(given, item->op, ITEM_AUTHORIZE);
        CHECK(given, item->has_key);
        CHECK_TEXT(given, item->transaction_id, "tx-1");
        CHECK(given, uuid_equals(&item->account_id, &account_id));
        CHECK_EQ(given, item->lane, lane_of(&account_id));
        CHECK_EQ(given, lane_of(&item->authorization_id), item->lane);
        CHECK(given, !uuid_is_nil(&item->event_id));
        CHECK(given, !uuid_is_nil(&item->transaction_key));
        CHECK(given, !uuid_is_nil(&item->request_id));
        CHECK_EQ(given, item->amount.is_minor, CASES[at].is_minor);
        CHECK_EQ(given, item->amount.decimal.digits, CASES[at].digits);
        CHECK_EQ(given, item->amount.decimal.scale, CASES[at].scale);
        CHECK(given, item->currency == currency_find(text_of(CASES[at].currency)));
        CHECK_EQ(given, item->expires_in_s, CASES[at].expires_in_s);
        CHECK_EQ(given, item->trusted, CASES[at].trusted);
        CHECK_TEXT(given, item->traceparent, TRACEPARENT);
        CHECK_TEXT(given, text_of(item->trace.trace_id), "af7ae4ee68d82a48e243c814a50ef5b4");
        CHECK(given, item->deadline_us <= clock_monotonic_us() + 5000 * 1000);
        CHECK(given, item->deadline_us > clock_monotonic_us());
    }
    arena_free(arena);
}

static void test_items_parse__others(void **state)
{
    (void)state;
    struct arena *arena = arena_new(256 * 1024);
    size_t count = 0;
    const struct item *items = parse(
        arena,
        ITEMS(VOID "\"authorization_id\":\"01a202f8-bf89-74bb-82b4-da2f91c2d97d\"," COMMON "}," PUT
                   "\"credit_limit\":\"500.00\",\"currency\":\"EUR\"," COMMON "}," PUT
                   "\"credit_limit_minor\":0,\"status\":\"frozen\"," COMMON "}," PUT COMMON "}"),
        &count);
    CHECK_EQ("four in order", count, 4);
    CHECK_EQ("a void", items[0].op, ITEM_VOID);
    CHECK_EQ("a void, the lane of its id", items[0].lane, 0x3d);
    CHECK("a void", items[0].has_key && uuid_is_nil(&items[0].account_id));

    CHECK_EQ("a new account", items[1].op, ITEM_PUT_ACCOUNT);
    CHECK("a new account", items[1].limit.given && !items[1].has_status && !items[1].has_key);
    CHECK("a new account", items[1].currency == currency_find(TEXT("EUR")));
    CHECK_EQ("no credit any more", items[2].limit.decimal.digits, 0);
    CHECK("no credit any more", items[2].limit.given && items[2].limit.is_minor);
    CHECK("a status", items[2].has_status && items[2].status == ACCOUNT_FROZEN);
    CHECK("nothing asked", !items[3].limit.given && !items[3].has_status);
    arena_free(arena);
}

static void test_items_parse__refusals(void **state)
{
    (void)state;
    static const struct {
        const char *given, *body;
    } CASES[] = {
        {"no JSON", "{"},
        {"no items", "{}"},
        {"items that are no array", "{\"items\":{}}"},
        {"an empty array", ITEMS("")},
        {"an item that is no object", ITEMS("1")},
        {"no op", ITEMS("{" KEY WHO "\"amount\":\"1\"," COMMON "}")},
        {"an unknown op", ITEMS("{\"op\":\"capture\"," KEY COMMON "}")},
        {"no key", ITEMS("{\"op\":\"authorize\"," WHO "\"amount\":\"1\"," COMMON "}")},
        {"a key that is no hash", ITEMS("{\"op\":\"authorize\",\"key_hash\":\"ab\",\"fingerprint\":"
                                        "\"" HASH "\"," WHO "\"amount\":\"1\"," COMMON "}")},
        {"no user", ITEMS(AUTHORIZE "\"transaction_id\":\"t\",\"amount\":\"1\"," COMMON "}")},
        {"an empty user", ITEMS(AUTHORIZE "\"user_id\":\"\",\"transaction_id\":\"t\","
                                          "\"amount\":\"1\"," COMMON "}")},
        {"no transaction id", ITEMS(AUTHORIZE "\"user_id\":\"u\",\"amount\":\"1\"," COMMON "}")},
        {"no amount", ITEMS(AUTHORIZE WHO COMMON "}")},
        {"an amount of zero", ITEMS(AUTHORIZE WHO "\"amount\":\"0.00\"," COMMON "}")},
        {"an amount below zero", ITEMS(AUTHORIZE WHO "\"amount\":\"-1\"," COMMON "}")},
        {"an amount with an exponent", ITEMS(AUTHORIZE WHO "\"amount\":\"1e2\"," COMMON "}")},
        {"an unknown currency",
         ITEMS(AUTHORIZE WHO "\"amount\":\"1\",\"currency\":\"XXX\"," COMMON "}")},
        {"a hold that ends at once",
         ITEMS(AUTHORIZE WHO "\"amount\":\"1\",\"expires_in_s\":0," COMMON "}")},
        {"no trace", ITEMS(AUTHORIZE WHO "\"amount\":\"1\",\"deadline_ms\":5000}")},
        {"no deadline",
         ITEMS(AUTHORIZE WHO "\"amount\":\"1\",\"traceparent\":\"" TRACEPARENT "\"}")},
        {"a deadline far away",
         ITEMS(AUTHORIZE WHO "\"amount\":\"1\",\"traceparent\":\"" TRACEPARENT
                             "\",\"deadline_ms\":60001}")},
        {"a deadline before the beginning of time",
         ITEMS(AUTHORIZE WHO "\"amount\":\"1\",\"traceparent\":\"" TRACEPARENT
                             "\",\"deadline_ms\":-9223372036854775807}")},
        {"an amount that is an object", ITEMS(AUTHORIZE WHO "\"amount\":{}," COMMON "}")},
        {"minor units that are none", ITEMS(AUTHORIZE WHO "\"amount_minor\":\"\"," COMMON "}")},
        {"a void of nothing", ITEMS(VOID COMMON "}")},
        {"an unknown status", ITEMS(PUT "\"status\":\"asleep\"," COMMON "}")},
        {"a limit below zero", ITEMS(PUT "\"credit_limit\":\"-5\"," COMMON "}")},
        {"a good item beside a bad one",
         ITEMS(PUT COMMON "}," PUT "\"status\":\"asleep\"," COMMON "}")},
    };
    struct arena *arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct item *items = NULL;
        size_t count = 0;
        struct error err = {0};
        CHECK_EQ(CASES[at].given, items_parse(arena, text_of(CASES[at].body), &items, &count, &err),
                 ERR_INVALID);
        CHECK(CASES[at].given, items == NULL && err.message[0] != '\0');
    }
    arena_free(arena);
}

/* Whatever a byte of it becomes, the body is read or refused, and what is read is within bounds. */
static void test_items_parse__any_bytes(void **state)
{
    (void)state;
    static const char GOOD[] =
        ITEMS(AUTHORIZE WHO "\"amount\":\"99.99\",\"currency\":\"KWD\"," COMMON "}," AUTHORIZE WHO
                            "\"amount_minor\":9999,\"expires_in_s\":600," COMMON "}," VOID
                            "\"authorization_id\":\"" ID "\"," COMMON "}," PUT
                            "\"credit_limit\":\"500.00\",\"status\":\"frozen\"," COMMON "}");
    static const char STRANGE[] = "\"\\{}[],:0-9.eE+ \n\x01\x7f\xc3\xff";
    struct arena *arena = arena_new(1024 * 1024);
    char body[sizeof GOOD];
    size_t read = 0;
    for (size_t at = 0; at < sizeof GOOD - 1; at++) {
        for (size_t strange = 0; strange < sizeof STRANGE; strange++) { /* and the NUL behind it */
            struct item *items = NULL;
            size_t count = 0;
            struct error err = {0};
            memcpy(body, GOOD, sizeof body);
            body[at] = STRANGE[strange];
            arena_reset(arena);
            const struct text changed = {body, sizeof GOOD - 1};
            const enum status status = items_parse(arena, changed, &items, &count, &err);
            CHECK(body, status == OK || status == ERR_INVALID);
            for (size_t item = 0; status == OK && item < count; item++) {
                CHECK(body, items[item].amount.decimal.digits >= 0);
                CHECK(body, items[item].lane >= 0 && items[item].lane < LANE_COUNT);
            }
            read += status == OK;
        }
    }
    CHECK("bytes that do not matter", read > 0);
    arena_free(arena);
}

static void test_items_render__each_kind(void **state)
{
    (void)state;
    struct arena *arena = arena_new(256 * 1024);
    struct item items[] = {
        {.answer = {.kind = ANSWER_AUTHORIZATION,
                    .http_status = 201,
                    .replayed = true,
                    .decision_code = "approved",
                    .body = TEXT("{\"a\": 1}")}},
        {.answer = {.kind = ANSWER_ACCOUNT, .http_status = 200, .body = TEXT("{}")}},
        {.answer = {.kind = ANSWER_PROBLEM, .http_status = 422, .body = TEXT("{\"p\":2}")}},
    };
    uuid_parse(TEXT("01a202f8-bf89-74bb-82b4-da2f91c2d97d"), &items[0].answer.authorization_id);
    CHECK_TEXT("an authorization, an account, a problem", items_render(arena, items, COUNT(items)),
               "{\"items\":["
               "{\"status\":201,\"replayed\":true,\"problem\":false,"
               "\"location\":\"/v1/authorizations/01a202f8-bf89-74bb-82b4-da2f91c2d97d\","
               "\"decision_code\":\"approved\",\"body\":{\"a\": 1}},"
               "{\"status\":200,\"replayed\":false,\"problem\":false,\"body\":{}},"
               "{\"status\":422,\"replayed\":false,\"problem\":true,\"body\":{\"p\":2}}]}");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_parse__authorize),
        cmocka_unit_test(test_items_parse__others),
        cmocka_unit_test(test_items_parse__refusals),
        cmocka_unit_test(test_items_parse__any_bytes),
        cmocka_unit_test(test_items_render__each_kind),
    };
    return cmocka_run_group_tests_name("authorization/item_json", tests, NULL, NULL);
}
