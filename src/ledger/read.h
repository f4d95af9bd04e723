/* ledger/read.h - the questions that the ledger answers: entries of an account, its balance.
 *
 * Purpose:   reads a question's parameters and renders its answer.
 * Units:     amounts in minor units.
 * Ownership: answers live in the arena given.
 * Errors:    those of store.h; ERR_NOT_FOUND: the ledger has no such account.
 * Threads:   as the db. */
#ifndef LEDGER_READ_H
#define LEDGER_READ_H

#include "ledger/store.h"

struct http_request;

struct ledger_question {
    struct uuid account_id;
    bool asks_entries; /* else its balance */
    struct entry_cursor before;
    int limit;
};

/* ?cursor=&limit= of a question for entries; false, and why, where one is not valid. */
bool ledger_question_read_page(const struct http_request *request, struct ledger_question *question,
                               const char **why_out);

MUST_CHECK enum status ledger_question_answer(struct db *db, struct arena *arena,
                                              const struct ledger_question *question,
                                              struct text *body_out, struct error *err);

#endif
