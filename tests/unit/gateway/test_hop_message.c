#include "check.h"

#include "base/arena.h"
#include "base/json.h"
#include "domain/authorize_request.h"
#include "gateway/account_request.h"
#include "gateway/hop_message.h"

static struct arena *arena;

static struct visit visit_of(unsigned scopes)
{
    struct visit visit = {.principal.scopes = scopes};
    CHECK("a trace",
          trace_context_parse(TEXT("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                              &visit.trace));
    return visit;
}

/* What is written for one item, as JSON read back. */
static struct json_value write_one(struct hop_item *item)
{
    struct json_value whole;
    const struct text body = hop_message_write(arena, &item, 1, 1000000);
    CHECK_EQ("what was written", json_parse(arena, body, &whole, NULL), OK);
    const struct json_value *items = json_get(&whole, "items");
    CHECK_EQ("one item", items->count, 1);
    return items->items[0];
}

static void test_hop_message_write__authorize(void **state)
{
    (void)state;
    struct visit visit = visit_of(SCOPE_AUTH_WRITE);
    const struct authorize_request request = {
        .transaction_id = TEXT("tx-\"1\""),
        .user_id = TEXT("user-1"),
        .amount = {9999, 2},
        .currency = currency_find(TEXT("USD")),
        .expires_in_s = 60,
    };
    struct hop_item item = {
        .visit = &visit,
        .op = HOP_AUTHORIZE,
        .has_key = true,
        .authorize = &request,
        .deadline_us = 1000000 + 4999999,
    };
    const struct json_value got = write_one(&item);
    int64_t number = 0;
    CHECK_TEXT("its op", json_get_text(&got, "op"), "authorize");
    CHECK_TEXT("an amount", json_get_text(&got, "amount"), "99.99");
    CHECK_TEXT("a quoted id", json_get_text(&got, "transaction_id"), "tx-\"1\"");
    CHECK_TEXT("a currency", json_get_text(&got, "currency"), "USD");
    CHECK_EQ("a key", json_get_text(&got, "key_hash").size, SHA256_HEX_SIZE);
    CHECK("time left", json_get_i64(&got, "deadline_ms", &number) && number == 4999);
    CHECK("an expiry", json_get_i64(&got, "expires_in_s", &number) && number == 60);
    CHECK_EQ("without admin", json_get(&got, "trusted")->type, JSON_FALSE);
    CHECK("no amount_minor", json_get(&got, "amount_minor") == NULL);
}

static void test_hop_message_write__others(void **state)
{
    (void)state;
    struct visit visit = visit_of(SCOPE_ADMIN);
    const struct account_request account = {
        .user_id = TEXT("user-1"), .has_limit = true, .limit_is_minor = true, .limit = {500, 0}};
    struct hop_item put = {.visit = &visit, .op = HOP_PUT_ACCOUNT, .account = &account};
    struct hop_item release = {.visit = &visit, .op = HOP_VOID, .has_key = true};
    int64_t number = 0;
    const struct json_value got = write_one(&put);
    CHECK_TEXT("its op", json_get_text(&got, "op"), "put_account");
    CHECK("a limit", json_get_i64(&got, "credit_limit_minor", &number) && number == 500);
    CHECK_EQ("with admin", json_get(&got, "trusted")->type, JSON_TRUE);
    CHECK("no key", json_get(&got, "key_hash") == NULL);
    CHECK("no status", json_get(&got, "status") == NULL);
    CHECK("a deadline that has passed", json_get_i64(&got, "deadline_ms", &number) && number == 0);
    const struct json_value voided = write_one(&release);
    CHECK_TEXT("its op", json_get_text(&voided, "op"), "void");
    CHECK_EQ("an id", json_get_text(&voided, "authorization_id").size, UUID_TEXT_SIZE);
}

static void test_hop_message_read__items(void **state)
{
    (void)state;
    struct hop_item first = {.op = HOP_AUTHORIZE};
    struct hop_item second = {.op = HOP_AUTHORIZE};
    struct hop_item *const items[] = {&first, &second};
    struct error err;
    const struct text body =
        TEXT("{\"items\":[{\"status\":201,\"replayed\":true,\"location\":\"/v1/x\","
             "\"body\":{ \"a\": 1.10 }},{\"status\":503,\"problem\":true,\"body\":{}}]}");
    CHECK_EQ("two items", hop_message_read(arena, body, items, 2, &err), OK);
    CHECK_EQ("a decision", first.answer.status, 201);
    CHECK_TEXT("its bytes as they came", first.answer.body, "{ \"a\": 1.10 }");
    CHECK_TEXT("its place", first.answer.location, "/v1/x");
    CHECK("replayed", first.answer.is_replayed);
    CHECK_EQ("a refusal", second.answer.status, 503);
    CHECK_EQ("when to come again", second.answer.retry_after_s, 1);
    CHECK("not replayed", !second.answer.is_replayed);
}

static void test_hop_message_read__broken(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *body;
    } CASES[] = {
        {"no JSON", "{"},
        {"no items", "{}"},
        {"items that are no array", "{\"items\":{}}"},
        {"an item too few", "{\"items\":[]}"},
        {"an item too many", "{\"items\":[{\"status\":201,\"body\":{}},{}]}"},
        {"no body", "{\"items\":[{\"status\":201}]}"},
        {"no status", "{\"items\":[{\"body\":{}}]}"},
        {"a status that is none", "{\"items\":[{\"status\":42,\"body\":{}}]}"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct hop_item item = {.op = HOP_AUTHORIZE};
        struct hop_item *const items[] = {&item};
        struct error err;
        CHECK(CASES[at].given,
              hop_message_read(arena, text_of(CASES[at].body), items, 1, &err) != OK);
        CHECK_EQ(CASES[at].given, item.answer.status, 0);
    }
}

int main(void)
{
    arena = arena_new(1024 * 1024);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hop_message_write__authorize),
        cmocka_unit_test(test_hop_message_write__others),
        cmocka_unit_test(test_hop_message_read__items),
        cmocka_unit_test(test_hop_message_read__broken),
    };
    const int failed = cmocka_run_group_tests_name("gateway/hop_message", tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
