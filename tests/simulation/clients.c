#include "clients.h"

#include "authorization/item.h"
#include "base/assert.h"
#include "domain/lane.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>

enum { USERS_MAX = 3, CLIENTS_MAX = 3, TRIES_MAX = 400 };

static struct request requests[REQUESTS_MAX];
static size_t request_count;
static int client_count, clients_left, user_count;

/* ---- what is asked --------------------------------------------------------------------------- */

const char *client_user(int number)
{
    static const char *const USERS[USERS_MAX] = {"user-1", "user-2", "user-3"};
    return USERS[number];
}

int client_users(void)
{
    return user_count;
}

size_t requests_count(void)
{
    return request_count;
}

const struct request *request_at(size_t at)
{
    return &requests[at];
}

static struct request *new_request(enum ask_op op)
{
    ASSERT(request_count < REQUESTS_MAX);
    struct request *request = &requests[request_count++];
    request->same_as = -1;
    request->is_settled = request->is_refused = false;
    struct ask *ask = &request->ask;
    memset(ask, 0, offsetof(struct ask, body));
    ask->op = op;
    ask->limit_status = -1;
    snprintf(ask->key, sizeof ask->key, "key-%zu", request_count);
    snprintf(ask->user, sizeof ask->user, "%s", client_user((int)sim_below((unsigned)user_count)));
    return request;
}

static void set_fingerprint(struct ask *ask)
{
    char body[128];
    const int size = snprintf(body, sizeof body, "%d|%s|%s|%lld", ask->op, ask->user,
                              ask->transaction_id, (long long)ask->amount_minor);
    ask->fingerprint = sha256_of((struct text){body, (size_t)size});
    if (ask->op == ASK_VOID)
        memcpy(ask->fingerprint.bytes, ask->authorization_id.bytes, 16);
}

static struct request *new_authorize(void)
{
    struct request *request = new_request(ASK_AUTHORIZE);
    struct ask *ask = &request->ask;
    snprintf(ask->transaction_id, sizeof ask->transaction_id, "tx-%zu", request_count);
    ask->amount_minor = 1000 + sim_below(4000);
    ask->expires_in_s = sim_below(3) == 0 ? 1 : 0;
    set_fingerprint(ask);
    return request;
}

/* One that has been asked before, whether it is answered or not; NULL: none has. */
static struct request *any_authorize(void)
{
    struct request *found = NULL;
    unsigned seen = 0;
    for (size_t at = 0; at < request_count; at++)
        if (requests[at].ask.op == ASK_AUTHORIZE && sim_below(++seen) == 0)
            found = &requests[at];
    return found;
}

static struct request *any_approved(void)
{
    struct request *found = NULL;
    unsigned seen = 0;
    for (size_t at = 0; at < request_count; at++)
        if (requests[at].is_settled && requests[at].ask.is_approved && sim_below(++seen) == 0)
            found = &requests[at];
    return found;
}

static struct request *new_void(void)
{
    const struct request *approved = any_approved();
    if (approved == NULL)
        return new_authorize();
    struct request *request = new_request(ASK_VOID);
    request->ask.authorization_id = approved->ask.decided_id;
    memcpy(request->ask.user, approved->ask.user, sizeof request->ask.user);
    set_fingerprint(&request->ask);
    return request;
}

static struct request *same_transaction(bool with_other_body)
{
    const struct request *first = any_authorize();
    if (first == NULL)
        return new_authorize();
    struct request *request = new_request(ASK_AUTHORIZE);
    const char *const key = request->ask.key;
    char kept[sizeof request->ask.key];
    memcpy(kept, key, sizeof kept);
    memcpy(&request->ask, &first->ask, offsetof(struct ask, is_answered));
    memcpy(request->ask.key, kept, sizeof kept);
    request->same_as = first->same_as >= 0 ? first->same_as : (int)(first - requests);
    if (with_other_body) {
        request->ask.amount_minor++;
        set_fingerprint(&request->ask);
    }
    return request;
}

static struct request *new_put(void)
{
    struct request *request = new_request(ASK_PUT_ACCOUNT);
    request->ask.amount_minor = 3000 + sim_below(12000);
    if (sim_below(4) == 0)
        request->ask.limit_status = sim_below(2) == 0 ? ACCOUNT_FROZEN : ACCOUNT_OPEN;
    return request;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* What is asked on one try; its answer may come long after nobody waits for it. */
static struct ask tries[TRIES_MAX];
static int try_count;

static struct ask *new_try(const struct request *request)
{
    ASSERT(try_count < TRIES_MAX);
    struct ask *ask = &tries[try_count++];
    memcpy(ask, &request->ask, offsetof(struct ask, is_answered));
    ask->is_answered = false;
    if (ask->op == ASK_AUTHORIZE) {
        const struct uuid account_id = account_id_of(TENANT, text_of(ask->user));
        ask->authorization_id = authorization_id_make(lane_of(&account_id));
    }
    return ask;
}

static bool has_same_body(const struct ask *a, const struct ask *b)
{
    return a->body_size == b->body_size && memcmp(a->body, b->body, a->body_size) == 0;
}

static void check_repeat(const struct request *request, const struct ask *ask)
{
    const struct ask *first = &request->ask;
    if (request->is_refused || ask->op == ASK_PUT_ACCOUNT)
        return;
    if (ask->http_status != first->http_status || !has_same_body(first, ask))
        sim_fail("%s was answered %d, and now otherwise: %d\n%.*s\n%.*s", ask->key,
                 first->http_status, ask->http_status, (int)first->body_size, first->body,
                 (int)ask->body_size, ask->body);
}

/* A transaction is decided once: whoever asks for it under another key is told the same. */
static void check_same_transaction(const struct request *request)
{
    if (request->same_as < 0)
        return;
    const struct request *first = &requests[request->same_as];
    if (!first->is_settled || first->is_refused || request->is_refused)
        return;
    if (!has_same_body(&first->ask, &request->ask))
        sim_fail("%s and %s are one transaction with two answers\n%.*s\n%.*s", first->ask.key,
                 request->ask.key, (int)first->ask.body_size, first->ask.body,
                 (int)request->ask.body_size, request->ask.body);
}

static void settle(struct request *request, const struct ask *ask)
{
    if (request->is_settled) {
        check_repeat(request, ask);
        return;
    }
    const bool is_refused = ask->http_status >= 400;
    sim_tell("%s answered %d", ask->key, ask->http_status);
    sim_note((uint64_t)ask->http_status);
    memcpy((char *)&request->ask + offsetof(struct ask, is_answered),
           (const char *)ask + offsetof(struct ask, is_answered),
           sizeof *ask - offsetof(struct ask, is_answered));
    request->is_settled = true;
    request->is_refused = is_refused;
    check_same_transaction(request);
}

/* As a client does: on silence and on 5xx the same again, under the same key. */
static void ask_until_known(struct request *request)
{
    struct ask *ask = NULL;
    for (;;) {
        const bool same_hop = ask != NULL && sim_below(2) == 0;
        if (!same_hop)
            ask = new_try(request);
        sim_tell("asks %s: %s %lld of %s", ask->key,
                 ask->op == ASK_VOID        ? "void"
                 : ask->op == ASK_AUTHORIZE ? "authorize"
                                            : "put",
                 (long long)ask->amount_minor, ask->user);
        letter_send(ask);
        if (!ask->is_answered)
            sim_listen(ask, 200 * 1000 + sim_below(800 * 1000));
        if (ask->is_answered && ask->http_status < 500)
            break;
        ask = ask->is_answered ? NULL : ask;
        sim_rest(sim_below(60 * 1000));
    }
    settle(request, ask);
}

static struct request *choose_request(void)
{
    struct request *again = any_authorize();
    switch (sim_below(16)) {
    case 0:
    case 1:
    case 2:
        return again != NULL ? again : new_authorize();
    case 3:
        return same_transaction(false);
    case 4:
        return same_transaction(true);
    case 5:
    case 6:
    case 7:
        return new_void();
    case 8:
        return new_put();
    default:
        return new_authorize();
    }
}

static void run_client(void *context)
{
    const int count = (int)(intptr_t)context;
    for (int at = 0; at < count; at++) {
        sim_rest(sim_below(sim_below(3) == 0 ? 300 * 1000 : 2000));
        ask_until_known(choose_request());
    }
    clients_left--;
}

/* ---- the operator ---------------------------------------------------------------------------- */

/* As ledger.set_account_status: under the lock of the lane's chain head. */
static void set_ledger_status(const char *status)
{
    struct table *accounts = table_of(S_LEDGER, T_LEDGER_ACCOUNT);
    struct transaction tx = {.is_open = true};
    const struct uuid id = account_id_of(TENANT, text_of(client_user(0)));
    struct cell key[COLUMNS_MAX] = {cell_i16(lane_of(&id)), cell_uuid(&id)};
    struct row *lane = row_find(table_of(S_LEDGER, T_CHAIN), key);
    struct row *row = row_find(accounts, key);
    struct error err;
    const int64_t until_us = sim.now_us + 5000 * 1000;
    if (row_lock(lane, &tx, until_us, &err) == OK && row != NULL && row_seen(row, &tx) != NULL &&
        row_lock(row, &tx, until_us, &err) == OK && row_seen(row, &tx) != NULL) {
        row_change(row)[column_of(accounts, "status", 6)] = cell_text(status);
        sim_tell("the ledger's account of %s is %s", client_user(0), status);
    }
    if (tx.is_open)
        transaction_end(&tx, true);
}

/* By hand: BEGIN; SELECT ... FOR UPDATE; and then a while of nothing. */
static void keep_account_locked(void)
{
    struct transaction tx = {.is_open = true};
    const struct uuid id = account_id_of(TENANT, text_of(client_user(0)));
    const struct cell key[] = {cell_i16(lane_of(&id)), cell_uuid(&id)};
    struct row *row = row_find(table_of(S_AUTHORIZATION, T_ACCOUNT), key);
    struct error err;
    if (row == NULL || row_seen(row, &tx) == NULL ||
        row_lock(row, &tx, sim.now_us + 250 * 1000, &err) != OK || !tx.is_open)
        return;
    sim_tell("the account of %s is locked by hand", client_user(0));
    sim_rest(50 * 1000 + sim_below(600 * 1000));
    transaction_end(&tx, false);
}

static void run_operator(void *context)
{
    (void)context;
    for (int at = 0; at < 5; at++) {
        if (sim_below(5) == 0)
            keep_account_locked();
        sim_rest(sim_below(sim_below(2) == 0 ? 20 * 1000 : 300 * 1000));
        set_ledger_status(sim_below(2) == 0 ? "frozen" : "closed");
        sim_rest(sim_below(sim_below(2) == 0 ? 20 * 1000 : 300 * 1000));
        set_ledger_status("open");
    }
}

void clients_begin(void)
{
    request_count = 0;
    try_count = 0;
    user_count = 1 + (int)sim_below(USERS_MAX);
    client_count = clients_left = 1 + (int)sim_below(CLIENTS_MAX);
    for (int at = 0; at < client_count; at++)
        task_start("client", run_client, (void *)(intptr_t)(1 + sim_below(3)));
    if (sim_below(3) == 0)
        task_start("operator", run_operator, NULL);
}

bool clients_are_done(void)
{
    return clients_left == 0;
}
