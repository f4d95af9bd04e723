/* Readers: queries of one authorization, an account's list, an account. */
#include "authorization/routes.h"
#include "authorization/store.h"
#include "base/arena.h"
#include "base/assert.h"
#include "domain/authorization_json.h"
#include "domain/lane.h"
#include "platform/log/log.h"

enum { PAGE_SIZE = 50, PAGE_SIZE_MAX = 200 };

#define AUTHORIZATIONS "/internal/authorizations"
#define ACCOUNTS       "/internal/accounts/"

/* One query on its way. */
struct query {
    struct http_request *request;
    struct store_reader reader;
    struct text_builder body;
    struct json_writer writer;
};

bool door_reads(struct text path)
{
    return text_starts_with(path, AUTHORIZATIONS "/") || text_starts_with(path, ACCOUNTS) ||
           text_equals(path, TEXT(AUTHORIZATIONS));
}

void door_open_reader(struct worker *worker)
{
    const struct door *door = worker->shared;
    worker->context = db_new(door->db);
}

void door_close_reader(struct worker *worker)
{
    db_free(worker->context);
}

/* ---- answers ----------------------------------------------------------------------------------
 */

static void refuse(const struct query *q, enum problem_code code, const char *detail)
{
    const struct problem problem = {.code = code, .detail = text_of(detail)};
    respond_problem(q->request, &problem);
}

static void refuse_error(const struct query *q, const struct error *err)
{
    log_error(NULL, "query.failed", "a query failed", kv_text("path", q->request->path),
              kv_str("error", err->message));
    struct problem problem = {.code = PROBLEM_INTERNAL};
    if (err->status == ERR_DOWN || err->status == ERR_TIMEOUT || err->status == ERR_CONFLICT)
        problem = (struct problem){.code = PROBLEM_DEPENDENCY_DOWN, .retry_after_ms = 1000};
    respond_problem(q->request, &problem);
}

static void respond_body(struct query *q)
{
    respond_json(q->request, 200, text_builder_text(&q->body));
}

static bool is_trusted(const struct query *q)
{
    return text_equals(http_request_query(q->request, "trusted"), TEXT("1"));
}

/* ---- authorizations ---------------------------------------------------------------------------
 */

static void respond_view(struct query *q, struct authorization_view *view, bool found)
{
    if (!found) {
        refuse(q, PROBLEM_NOT_FOUND, "there is no such authorization");
        return;
    }
    view->shows_reasons = is_trusted(q);
    authorization_write(&q->writer, NULL, view);
    respond_body(q);
}

static enum status answer_authorization_by_id(struct query *q, struct text id_text,
                                              struct error *err)
{
    struct uuid id;
    bool found = false;
    struct authorization_view view;
    if (uuid_parse(id_text, &id))
        TRY(store_find_authorization(&q->reader, &id, &view, &found, err));
    respond_view(q, &view, found);
    return OK;
}

static enum status answer_by_transaction(struct query *q, struct text transaction_id,
                                         struct error *err)
{
    const struct text parts[] = {TENANT, transaction_id};
    const struct sha256 digest = sha256_of_parts(parts, COUNT(parts));
    struct uuid key;
    bool found = false;
    struct authorization_view view;
    memcpy(key.bytes, digest.bytes, sizeof key.bytes);
    TRY(store_find_transaction(&q->reader, &key, &view, &found, err));
    respond_view(q, &view, found);
    return OK;
}

/* The cursor is the last id of the page before. */
static bool read_page(const struct query *q, struct store_page *page)
{
    const struct text cursor = http_request_query(q->request, "cursor");
    const struct text limit_text = http_request_query(q->request, "limit");
    int64_t limit = PAGE_SIZE;
    memset(page->before_id.bytes, 0xff, sizeof page->before_id.bytes);
    if (!text_is_none(cursor) && !uuid_parse(cursor, &page->before_id))
        return false;
    if (!text_is_none(limit_text) &&
        (!text_to_i64(limit_text, &limit) || limit < 1 || limit > PAGE_SIZE_MAX))
        return false;
    page->limit = (size_t)limit;
    return true;
}

static void write_page(struct query *q, const struct store_page *page)
{
    struct json_writer *w = &q->writer;
    json_begin_object(w, NULL);
    json_begin_array(w, "items");
    for (size_t at = 0; at < page->count; at++) {
        page->views[at].shows_reasons = is_trusted(q);
        authorization_write(w, NULL, &page->views[at]);
    }
    json_end_array(w);
    if (page->count == page->limit)
        json_write_uuid(w, "next_cursor", &page->views[page->count - 1].authorization->id);
    else
        json_write_null(w, "next_cursor");
    json_end_object(w);
}

static enum status answer_list(struct query *q, struct text user_id, struct error *err)
{
    const struct uuid account_id = account_id_of(TENANT, user_id);
    struct store_page page;
    if (!read_page(q, &page)) {
        refuse(q, PROBLEM_PARAMETER_INVALID,
               "cursor is the next_cursor of the page before, limit is 1 to 200");
        return OK;
    }
    TRY(store_list_authorizations(&q->reader, &account_id, &page, err));
    write_page(q, &page);
    respond_body(q);
    return OK;
}

static enum status answer_search(struct query *q, struct error *err)
{
    const struct text transaction_id = http_request_query(q->request, "transaction_id");
    const struct text user_id = http_request_query(q->request, "user_id");
    if (transaction_id.size > 0 && text_is_none(user_id))
        return answer_by_transaction(q, transaction_id, err);
    if (user_id.size > 0 && text_is_none(transaction_id))
        return answer_list(q, user_id, err);
    refuse(q, PROBLEM_PARAMETER_INVALID, "ask by transaction_id or by user_id, by one of them");
    return OK;
}

/* ---- accounts ---------------------------------------------------------------------------------
 */

static enum status answer_account(struct query *q, struct text rest, struct error *err)
{
    const struct text user_id = http_percent_decode(q->reader.arena, text_cut(&rest, '/'));
    const bool wants_balance = text_equals(rest, TEXT("balance"));
    struct account account;
    bool found = false;
    if (user_id.size > 0 && (text_is_none(rest) || wants_balance)) {
        const struct uuid id = account_id_of(TENANT, user_id);
        TRY(store_find_account(&q->reader, &id, &account, &found, err));
    }
    if (!found) {
        refuse(q, PROBLEM_NOT_FOUND, "there is no account for this user id");
        return OK;
    }
    if (wants_balance)
        account_balance_write(&q->writer, &account);
    else
        account_write(&q->writer, NULL, &account);
    respond_body(q);
    return OK;
}

/* ---- dispatch ---------------------------------------------------------------------------------
 */

static enum status answer(struct query *q, struct error *err)
{
    const struct text path = q->request->path;
    if (text_equals(path, TEXT(AUTHORIZATIONS)))
        return answer_search(q, err);
    if (text_starts_with(path, ACCOUNTS))
        return answer_account(q, text_skip(path, strlen(ACCOUNTS)), err);
    return answer_authorization_by_id(q, text_skip(path, strlen(AUTHORIZATIONS "/")), err);
}

void door_run_reads(struct worker *worker, void **requests, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        struct query q = {.request = requests[at], .reader = {worker->context, worker->arena}};
        struct error err;
        text_builder_init(&q.body, worker->arena, 2048);
        json_writer_init(&q.writer, &q.body);
        struct span_group cause = {.count = 0};
        span_group_add(&cause, &q.request->trace);
        db_set_cause(q.reader.db, &cause);
        if (answer(&q, &err) != OK)
            refuse_error(&q, &err);
        db_set_cause(q.reader.db, NULL);
    }
}
