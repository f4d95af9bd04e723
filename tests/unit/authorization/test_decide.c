#include "check.h"

#include "authorization/decide.h"
#include "base/arena.h"
#include "domain/lane.h"

/* A batch as store_load leaves it: one account of 100.00, which may be missing. */
struct fixture {
    struct arena *arena;
    struct authorization_policy policy;
    struct batch batch;
    struct item items[4];
    struct item *list[4];
};

static void begin(struct fixture *f, bool account_exists)
{
    f->policy = (struct authorization_policy){.default_currency = currency_find(TEXT("USD")),
                                              .hold_expires_in_s = 600};
    const struct uuid account_id = account_id_of(TENANT, TEXT("user-1"));
    struct batch *b = &f->batch;
    *b =
        (struct batch){.arena = f->arena,
                       .policy = &f->policy,
                       .items = f->list,
                       .count = COUNT(f->list),
                       .now_us = 1000000000,
                       .accounts = ARENA_NEW(f->arena, struct batch_account),
                       .account_count = 1,
                       .accounts_by_id = uuid_map_new(f->arena, 4),
                       .authorizations_by_id = uuid_map_new(f->arena, 4),
                       .authorizations_by_transaction = uuid_map_new(f->arena, 4),
                       .keys_by_hash = uuid_map_new(f->arena, 4),
                       .authorizations = ARENA_NEW_ARRAY(f->arena, struct batch_authorization *, 8),
                       .authorization_capacity = 8,
                       .keys_new = ARENA_NEW_ARRAY(f->arena, struct batch_key *, 4)};
    outbox_init(&b->outbox, f->arena, 4);
    b->accounts[0].exists = account_exists;
    b->accounts[0].account = (struct account){.id = account_id,
                                              .lane = lane_of(&account_id),
                                              .user_id = TEXT("user-1"),
                                              .currency = f->policy.default_currency,
                                              .limit_minor = 10000,
                                              .version = 1};
    *uuid_map_at(b->accounts_by_id, &account_id) = &b->accounts[0];
}

static void setup(struct fixture *f)
{
    f->arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(f->items); at++)
        f->list[at] = &f->items[at];
}

static struct item make_item(struct fixture *f, enum item_op op, char key)
{
    const struct uuid account_id = account_id_of(TENANT, TEXT("user-1"));
    struct item item = {.op = op,
                        .arena = f->arena,
                        .user_id = TEXT("user-1"),
                        .account_id = account_id,
                        .lane = lane_of(&account_id),
                        .authorization_id = authorization_id_make(lane_of(&account_id)),
                        .event_id = uuid_make_v7(),
                        .trace = trace_context_make(),
                        .has_key = true,
                        .transaction_id = TEXT("tx-1"),
                        .amount = {.given = true, .decimal = {.digits = 60}}};
    memset(item.key_hash.bytes, key, sizeof item.key_hash.bytes);
    memset(item.transaction_key.bytes, key, sizeof item.transaction_key.bytes);
    return item;
}

static struct authorization *authorization_of(struct fixture *f, const struct item *item)
{
    struct batch_authorization *found =
        uuid_map_find(f->batch.authorizations_by_id, &item->authorization_id);
    return found == NULL ? NULL : &found->authorization;
}

/* What a decision left behind, loaded by another attempt: its commit was done, and not confirmed.
 */
static void load_again(struct fixture *f, const struct authorization *saved, const struct item *by,
                       int64_t version)
{
    const struct authorization then = *saved;
    begin(f, true);
    struct batch_authorization *found = batch_add_authorization(&f->batch, &then);
    struct authorization_change *change = ARENA_NEW(f->arena, struct authorization_change);
    *change = (struct authorization_change){.authorization_id = then.id,
                                            .version = 2,
                                            .status = then.status,
                                            .amount_minor = then.approved_minor};
    found->changes = change;
    found->change_count = then.version > 1;
    struct batch_key *key = ARENA_NEW(f->arena, struct batch_key);
    *key = (struct batch_key){.authorization = found, .version = version, .http_status = 200};
    struct uuid half;
    memcpy(half.bytes, by->key_hash.bytes, sizeof half.bytes);
    *uuid_map_at(f->batch.keys_by_hash, &half) = key;
}

static void test_decide__an_unconfirmed_commit_was_ours(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    begin(&f, true);
    struct item *authorize = &f.items[0], *void_ = &f.items[1], *again = &f.items[2];
    *authorize = make_item(&f, ITEM_AUTHORIZE, 'a');
    decide_authorize(&f.batch, authorize);
    CHECK_EQ("approved", authorization_of(&f, authorize)->status, AUTHORIZATION_APPROVED);
    load_again(&f, authorization_of(&f, authorize), authorize, 1);
    decide_authorize(&f.batch, authorize);
    CHECK("the same request", !authorize->answer.replayed);
    *again = make_item(&f, ITEM_AUTHORIZE, 'a');
    decide_authorize(&f.batch, again);
    CHECK("its repeat", again->answer.replayed);

    *void_ = make_item(&f, ITEM_VOID, 'v');
    void_->authorization_id = authorize->authorization_id;
    f.batch.accounts[0].account.held_minor = 6000;
    decide_void(&f.batch, void_);
    CHECK_EQ("voided", authorization_of(&f, authorize)->status, AUTHORIZATION_VOIDED);
    CHECK_EQ("voided", f.batch.accounts[0].account.held_minor, 0);
    *again = make_item(&f, ITEM_VOID, 'v');
    again->authorization_id = authorize->authorization_id;
    decide_void(&f.batch, again);
    CHECK("a repeat beside it", again->answer.replayed);
    load_again(&f, authorization_of(&f, authorize), void_, 2);
    decide_void(&f.batch, void_);
    CHECK("the same void", void_->answer.kind == ANSWER_AUTHORIZATION && !void_->answer.replayed);
    decide_void(&f.batch, again);
    CHECK("its repeat", again->answer.replayed);
    arena_free(f.arena);
}

static void test_decide__a_decline_without_account(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    begin(&f, false);
    struct item *authorize = &f.items[0], *void_ = &f.items[1];
    *authorize = make_item(&f, ITEM_AUTHORIZE, 'a');
    decide_authorize(&f.batch, authorize);
    CHECK_EQ("declined", authorization_of(&f, authorize)->decision.code,
             DECISION_ACCOUNT_NOT_FOUND);
    *void_ = make_item(&f, ITEM_VOID, 'v');
    void_->authorization_id = authorize->authorization_id;
    decide_void(&f.batch, void_);
    CHECK_EQ("refused", void_->answer.problem.code, PROBLEM_INVALID_STATE);
    CHECK_EQ("no key is kept for a refusal", f.batch.key_count, 1);
    arena_free(f.arena);
}

/* A change of an account has no key, and somebody else's may have come in between. */
static void test_decide__an_account_is_put_once(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    begin(&f, true);
    struct account *account = &f.batch.accounts[0].account;
    struct item *put = &f.items[0], *opener = &f.items[1];
    *put = make_item(&f, ITEM_PUT_ACCOUNT, 'p');
    put->has_key = false;
    put->limit = (struct asked_amount){.given = true, .is_minor = true, .decimal = {.digits = 5}};
    *opener = *put;

    put->in_doubt = true;
    decide_put_account(&f.batch, put);
    CHECK_EQ("nobody knows", put->answer.problem.code, PROBLEM_DEADLINE_EXCEEDED);
    opener->opened = true;
    opener->opened_as = *account;
    opener->opened_as.limit_minor = 7;
    decide_put_account(&f.batch, opener);
    CHECK_EQ("as it was opened", opener->answer.account->limit_minor, 7);
    CHECK_EQ("opened", opener->answer.http_status, 201);
    CHECK_EQ("not changed by either", account->limit_minor, 10000);
    CHECK_EQ("not changed by either", account->version, 1);
    CHECK("nothing to save", !f.batch.accounts[0].dirty);

    put->in_doubt = false;
    decide_put_account(&f.batch, put);
    CHECK_EQ("changed", account->limit_minor, 5);
    arena_free(f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide__an_unconfirmed_commit_was_ours),
        cmocka_unit_test(test_decide__a_decline_without_account),
        cmocka_unit_test(test_decide__an_account_is_put_once),
    };
    return cmocka_run_group_tests_name("authorization/decide", tests, NULL, NULL);
}
