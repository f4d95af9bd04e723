/* The hop, both ends. The first byte says what the rest is: 'a' what authorization answers, 'i'
 * what it is asked, 'r' a client's body of POST /authorize, 'p' of PUT /v1/accounts, 'k' an
 * Idempotency-Key. What the door takes, the authorization service must understand as the same. */
#include "domain/authorize_request.h"
#include "domain/idempotency.h"
#include "gateway/account_request.h"
#include "gateway/head.h"
#include "gateway/hop_message.h"
#include "hop_received.h"
#include "oracle.h"

enum { ITEMS = 2, DEADLINE_US = 5000000, WAIT_S_MAX = 30 };

static const char TRACE_ID[] = "0af7651916cd43dd8448eb211c80319c";
static const char SPAN_ID[] = "b7ad6b7169203331";

/* An item as the door would send it, with nothing of its own yet. */
static struct hop_item *new_item(struct arena *arena, enum hop_op op)
{
    struct hop_item *item = ARENA_NEW(arena, struct hop_item);
    item->visit = ARENA_NEW(arena, struct visit);
    item->visit->request_id = uuid_make_v7();
    item->op = op;
    item->has_key = op != HOP_PUT_ACCOUNT;
    item->key_hash = sha256_of(TEXT("key"));
    item->fingerprint = sha256_of(TEXT("body"));
    item->deadline_us = DEADLINE_US;
    memcpy(item->trace.trace_id, TRACE_ID, sizeof TRACE_ID);
    memcpy(item->trace.span_id, SPAN_ID, sizeof SPAN_ID);
    return item;
}

static struct received *send_over(struct arena *arena, struct hop_item *item)
{
    struct received *received = NULL;
    size_t count = 0;
    struct error err;
    const struct text body = hop_message_write(arena, &item, 1, 0);
    HOLDS(hop_receive(arena, body, &received, &count, &err) == OK);
    HOLDS(count == 1);
    HOLDS(strcmp(received->op, hop_op_name(item->op)) == 0);
    HOLDS(received->has_key == item->has_key);
    HOLDS(uuid_equals(&received->request_id, &item->visit->request_id));
    HOLDS(strcmp(received->trace.trace_id, TRACE_ID) == 0);
    return received;
}

/* digits / 10^scale, whatever the scale. */
static bool same_amount(struct decimal a, struct decimal b)
{
    while (a.scale < b.scale)
        a = (struct decimal){a.digits * 10, a.scale + 1};
    while (b.scale < a.scale)
        b = (struct decimal){b.digits * 10, b.scale + 1};
    return a.digits == b.digits;
}

/* ---- what a client sends --------------------------------------------------------------------- */

/* A refusal is JSON, and each of its pointers leads to a member of the root. */
static void check_problem(struct arena *arena, const struct problem *problem)
{
    struct json_value body;
    HOLDS(json_parse(arena, problem_write(arena, problem), &body, NULL) == OK);
    HOLDS(problem->error_count > 0 && problem->error_count <= PROBLEM_ERRORS_MAX);
    for (size_t at = 0; at < problem->error_count; at++) {
        const struct text pointer = problem->errors[at].pointer;
        HOLDS(pointer.size == 0 || pointer.data[0] == '/');
        HOLDS(pointer.size == 0 || memchr(pointer.data + 1, '/', pointer.size - 1) == NULL);
    }
}

static void check_authorize(struct arena *arena, const struct json_value *body)
{
    struct problem problem = {.code = PROBLEM_NONE};
    struct authorize_request request;
    if (authorize_request_read(arena, body, &request, &problem) != PROBLEM_NONE) {
        check_problem(arena, &problem);
        return;
    }
    struct hop_item *sent = new_item(arena, HOP_AUTHORIZE);
    sent->authorize = &request;
    const struct received *item = send_over(arena, sent);
    HOLDS(text_equals(item->user_id, request.user_id));
    HOLDS(text_equals(item->transaction_id, request.transaction_id));
    HOLDS(item->currency == request.currency);
    HOLDS(item->expires_in_s == request.expires_in_s);
    HOLDS(item->amount.given && item->amount.is_minor == request.amount_is_minor);
    HOLDS(same_amount(item->amount.decimal, request.amount));
}

static void check_account(struct arena *arena, const struct json_value *body)
{
    struct field_errors fields = {.arena = arena};
    struct account_request request;
    if (!account_request_read(body, &request, &fields)) {
        const struct problem problem = fields_problem(&fields);
        check_problem(arena, &problem);
        return;
    }
    request.user_id = TEXT("user-1");
    struct hop_item *sent = new_item(arena, HOP_PUT_ACCOUNT);
    sent->account = &request;
    const struct received *item = send_over(arena, sent);
    HOLDS(item->currency == request.currency);
    HOLDS(item->has_status == !text_is_none(request.status));
    HOLDS(item->limit.given == request.has_limit);
    if (request.has_limit)
        HOLDS(item->limit.is_minor == request.limit_is_minor &&
              same_amount(item->limit.decimal, request.limit));
}

static void check_key(struct arena *arena, struct text header)
{
    struct text key = TEXT_NONE;
    const int wait_s = head_wait_s(header, WAIT_S_MAX);
    HOLDS(wait_s >= 0 && wait_s <= WAIT_S_MAX);
    (void)head_accepts_json(header, TEXT("{}"));
    if (idempotency_key_parse(arena, header, &key) != PROBLEM_NONE)
        return;
    HOLDS(key.size > 0 && key.size <= IDEMPOTENCY_KEY_SIZE_MAX);
    for (size_t at = 0; at < key.size; at++)
        HOLDS(key.data[at] >= 0x21 && key.data[at] <= 0x7e);
}

/* ---- what services send ---------------------------------------------------------------------- */

static void check_answer(struct arena *arena, struct text body)
{
    struct hop_item *items[ITEMS] = {new_item(arena, HOP_VOID), new_item(arena, HOP_VOID)};
    struct error err = {.message = ""};
    struct json_value value;
    const bool is_read = hop_message_read(arena, body, items, ITEMS, &err) == OK;
    HOLDS(is_read == (err.message[0] == '\0'));
    for (size_t at = 0; at < ITEMS; at++) {
        const struct answer *answer = &items[at]->answer;
        HOLDS(is_read == (answer->status != 0));
        HOLDS(!is_read || (answer->status >= 200 && answer->status <= 599));
        HOLDS(!is_read || json_parse(arena, answer->body, &value, NULL) == OK);
    }
}

static void check_items(struct arena *arena, struct text body)
{
    struct received *received = NULL;
    size_t count = 0;
    struct error err;
    if (hop_receive(arena, body, &received, &count, &err) != OK)
        return;
    HOLDS(count > 0);
    for (const struct received *item = received; item < received + count; item++) {
        const bool is_authorize = strcmp(item->op, "authorize") == 0;
        HOLDS(item->trace.trace_id[0] != '\0');
        HOLDS(!is_authorize || (item->amount.decimal.digits > 0 && item->transaction_id.size > 0));
        HOLDS(strcmp(item->op, "void") == 0 || item->user_id.size > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = fuzz_arena();
    struct text input = fuzz_text(data, size);
    struct json_value body;
    const char kind = fuzz_take_byte(&input);
    if (kind == 'a')
        check_answer(arena, input);
    else if (kind == 'i')
        check_items(arena, input);
    else if (kind == 'k')
        check_key(arena, input);
    else if (json_parse(arena, input, &body, NULL) != OK)
        return 0;
    else if (kind == 'r')
        check_authorize(arena, &body);
    else if (kind == 'p')
        check_account(arena, &body);
    return 0;
}
