#include "ledger/read.h"

#include "base/json.h"
#include "domain/money_json.h"
#include "platform/http/http_server.h"

#include <inttypes.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 500 };

static bool parse_limit(struct text given, int *out)
{
    int64_t limit = LIMIT_DEFAULT;
    if (!text_is_none(given) && !text_to_i64(given, &limit))
        return false;
    if (limit < 1 || limit > LIMIT_MAX)
        return false;
    *out = (int)limit;
    return true;
}

/* "42.1": the journal's place in its chain and the entry's line. None begins at the newest. */
static bool parse_cursor(struct text given, struct entry_cursor *out)
{
    *out = (struct entry_cursor){INT64_MAX, INT16_MAX};
    if (text_is_none(given))
        return true;
    int64_t line = 0;
    if (!text_to_i64(text_cut(&given, '.'), &out->chain_seq) || !text_to_i64(given, &line))
        return false;
    out->line = (int)line;
    return line <= INT16_MAX;
}

bool ledger_question_read_page(const struct http_request *request, struct ledger_question *question,
                               const char **why_out)
{
    if (!parse_limit(http_request_query(request, "limit"), &question->limit)) {
        *why_out = "limit is a number from 1 to 500";
        return false;
    }
    if (!parse_cursor(http_request_query(request, "cursor"), &question->before)) {
        *why_out = "cursor is none that a page gave as its next_cursor";
        return false;
    }
    return true;
}

/* ---- entries ----------------------------------------------------------------------------------
 */

static void write_entry(struct json_writer *w, const struct entry_view *entry)
{
    json_begin_object(w, NULL);
    json_write_uuid(w, "journal_id", &entry->journal_id);
    json_write_i64(w, "entry", entry->place.line);
    json_write_uuid(w, "authorization_id", &entry->authorization_id);
    json_write_text(w, "type", entry->type);
    json_write_text(w, "layer", entry->layer);
    json_write_text(w, "side", entry->side);
    json_write_money(w, "amount", entry->amount_minor, entry->currency);
    json_write_text(w, "counterpart", entry->counterpart);
    json_write_time(w, "created_at", entry->created_at_us);
    json_end_object(w);
}

static void write_next_cursor(struct json_writer *w, struct arena *arena,
                              const struct entry_list *list)
{
    if (!list->has_more) {
        json_write_null(w, "next_cursor");
        return;
    }
    const struct entry_cursor last = list->entries[list->count - 1].place;
    json_write_text(w, "next_cursor",
                    text_format(arena, "%" PRId64 ".%d", last.chain_seq, last.line));
}

static enum status answer_entries(struct db *db, struct arena *arena,
                                  const struct ledger_question *question, struct json_writer *w,
                                  struct error *err)
{
    const struct entry_page page = {question->account_id, question->before, question->limit};
    struct entry_list list;
    TRY(ledger_store_list_entries(db, arena, &page, &list, err));
    json_begin_object(w, NULL);
    json_begin_array(w, "items");
    for (size_t at = 0; at < list.count; at++)
        write_entry(w, &list.entries[at]);
    json_end_array(w);
    write_next_cursor(w, arena, &list);
    json_end_object(w);
    return OK;
}

/* ---- balance ----------------------------------------------------------------------------------
 */

static void write_layer(struct json_writer *w, const char *name, const struct layer_view *layer,
                        const struct currency *currency)
{
    json_begin_object(w, name);
    json_write_money(w, "debit", layer->debit_minor, currency);
    json_write_money(w, "credit", layer->credit_minor, currency);
    json_write_money(w, "net", layer->debit_minor - layer->credit_minor, currency);
    json_end_object(w);
}

static enum status answer_balance(struct db *db, struct arena *arena,
                                  const struct ledger_question *question, struct json_writer *w,
                                  struct error *err)
{
    struct balance_view balance;
    TRY(ledger_store_find_balance(db, arena, &question->account_id, &balance, err));
    json_begin_object(w, NULL);
    json_write_uuid(w, "account_id", &question->account_id);
    json_write_text(w, "code", balance.code);
    json_write_text(w, "status", balance.status);
    json_write_text(w, "currency", text_of(balance.currency->code));
    write_layer(w, "pending", &balance.pending, balance.currency);
    write_layer(w, "posted", &balance.posted, balance.currency);
    json_end_object(w);
    return OK;
}

enum status ledger_question_answer(struct db *db, struct arena *arena,
                                   const struct ledger_question *question, struct text *body_out,
                                   struct error *err)
{
    struct text_builder b;
    struct json_writer w;
    text_builder_init(&b, arena, 4096);
    json_writer_init(&w, &b);
    if (question->asks_entries)
        TRY(answer_entries(db, arena, question, &w, err));
    else
        TRY(answer_balance(db, arena, question, &w, err));
    *body_out = text_builder_text(&b);
    return OK;
}
