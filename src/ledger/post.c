/* What is true of the barrier:
 *
 * 1. Each step of a saga is done at most once, and undone at most once: (lane, saga, step, op) is
 *    unique, and read under the lock of the lane's chain head.
 * 2. An undo that finds no `do` writes its row too, as refused: a `do` that comes later finds it.
 * 3. A command that was done before is answered again from its row, and changes nothing.
 * 4. A hold that was released is never recorded again, whichever saga asks. */
#include "ledger/post.h"

#include "base/arena.h"
#include "base/assert.h"
#include "ledger/answer.h"
#include "ledger/metrics.h"
#include "ledger/store.h"
#include "platform/log/log.h"
#include "platform/messaging/outbox.h"

/* The next journal of the lane's chain. */
static struct journal *write_journal(struct ledger_batch *batch, const struct batch_item *item,
                                     const struct ledger_decision *decision)
{
    const struct ledger_command *command = &item->command;
    struct chain *chain = &batch->chains[command->lane];
    struct journal *journal = &batch->journals[batch->journal_count++];
    *journal = (struct journal){
        .lane = command->lane,
        .chain_seq = chain->chain_seq + 1,
        .previous_hash = chain->hash,
        .id = uuid_make_v7(),
        .authorization_id = command->authorization_id,
        .saga_id = command->saga_id,
        .command_id = command->id,
        .created_at_us = batch->now_us,
    };
    /* A release is in the currency of its hold, whatever the command says. */
    journal->currency =
        decision->outcome == LEDGER_HOLD_RELEASED ? item->hold->hold.currency : command->currency;
    memcpy(journal->trace_id, command->origin.trace_id, sizeof journal->trace_id);
    posting_build(journal, command->action, &command->account_id, decision->amount_minor);
    journal_seal(batch->arena, journal);
    *chain = (struct chain){true, true, journal->chain_seq, journal->hash};
    return journal;
}

static void finish_step(struct step_row *step, const struct batch_item *item,
                        const struct ledger_decision *decision)
{
    ASSERT(!step->is_done);
    step->is_done = step->is_new = true;
    step->command_id = item->command.id;
    step->authorization_id = item->command.authorization_id;
    step->outcome = decision->outcome;
    step->reason = decision->reason;
    step->amount_minor = decision->amount_minor;
    step->currency =
        decision->outcome == LEDGER_REFUSED ? item->command.currency : item->hold->hold.currency;
    step->version = item->hold->hold.version;
}

/* The `do` never came and, should it come late, will find that it is too late. */
static void bar_undone_step(const struct batch_item *item)
{
    const struct ledger_decision too_late = {.outcome = LEDGER_REFUSED,
                                             .reason = LEDGER_REASON_ALREADY_RELEASED,
                                             .amount_minor = item->command.amount_minor};
    finish_step(item->undone, item, &too_late);
}

/* Nobody but a sender gone wrong asks for one account's hold under another's name. */
static bool is_of_another_account(const struct batch_item *item)
{
    if (uuid_equals(&item->hold->account_id, &item->command.account_id))
        return false;
    delivery_refuse(item->delivery, DELIVERY_DEAD, CAUSE_ACCOUNT_MISMATCH,
                    "the authorization's hold is another account's");
    return true;
}

static void decide(struct ledger_batch *batch, struct batch_item *item)
{
    const struct ledger_command *command = &item->command;
    struct ledger_hold *hold = &item->hold->hold;
    item->is_repeat = item->step->is_done;
    if (item->is_repeat)
        return;
    const struct ledger_account *account = item->account == NULL ? NULL : &item->account->account;
    const struct ledger_decision decision =
        ledger_decide(command->action, command->amount_minor, command->currency, account, hold);
    const struct journal *journal = decision.posts ? write_journal(batch, item, &decision) : NULL;
    if (decision.posts || decision.outcome == LEDGER_HOLD_RELEASED) {
        ledger_hold_apply(hold, &decision, journal);
        item->hold->is_changed = true;
    }
    finish_step(item->step, item, &decision);
    if (journal != NULL)
        item->step->journal_id = journal->id;
    else if (decision.outcome == LEDGER_HOLD_RECORDED)
        item->step->journal_id = hold->journal_id;
    if (item->undone != NULL && !item->undone->is_done)
        bar_undone_step(item);
}

static void tell(const struct batch_item *item)
{
    static const struct {
        const char *event;
        const char *message;
    } WORDS[] = {
        [LEDGER_HOLD_RECORDED] = {"ledger.hold_recorded", "hold recorded in the ledger"},
        [LEDGER_HOLD_RELEASED] = {"ledger.hold_released", "hold released in the ledger"},
        [LEDGER_REFUSED] = {"ledger.refused", "hold refused by the ledger"},
    };
    const struct ledger_command *command = &item->command;
    const struct step_row *step = item->step;
    const char *reason = ledger_reason_name(step->reason);
    const struct log_field why =
        reason == NULL ? (struct log_field){.kind = LOG_FIELD_END} : kv_str("reason", reason);
    log_info(
        &command->trace, WORDS[step->outcome].event,
        item->is_repeat ? "command repeated, answered as before" : WORDS[step->outcome].message,
        kv_uuid("auth_id", &command->authorization_id), kv_uuid("account_id", &command->account_id),
        kv_uuid("saga_id", &command->saga_id), kv_i64("amount_minor", step->amount_minor),
        kv_str("currency", step->currency->code), why);
}

static void tell_span(struct ledger_batch *batch, const struct batch_item *item)
{
    const struct ledger_command *command = &item->command;
    const struct step_row *step = item->step;
    const bool has_journal = !uuid_is_nil(&step->journal_id) && !item->is_repeat;
    const enum journal_type journal =
        command->action == LEDGER_RECORD_HOLD ? JOURNAL_RECORD_HOLD : JOURNAL_RELEASE_HOLD;
    if (!delivery_is_traced(item->delivery))
        return;
    delivery_tell(
        item->delivery, batch->arena,
        SPAN_ATTRIBUTE_LIST(
            span_uuid(ATTRIBUTE_AUTHORIZATION_ID, &command->authorization_id),
            span_uuid(ATTRIBUTE_SAGA_ID, &command->saga_id),
            span_str(ATTRIBUTE_SAGA_STEP, ledger_step_name(command->step)),
            span_str(ATTRIBUTE_LEDGER_OUTCOME, ledger_outcome_name(step->outcome)),
            span_str(ATTRIBUTE_LEDGER_REASON, ledger_reason_name(step->reason)),
            span_uuid(ATTRIBUTE_JOURNAL_ID, &step->journal_id),
            span_if(has_journal, span_str(ATTRIBUTE_JOURNAL_TYPE, journal_type_name(journal))),
            span_if(item->is_repeat, span_bool(ATTRIBUTE_REPLAYED, true))));
}

static bool is_to_apply(const struct batch_item *item)
{
    return item->delivery->outcome == DELIVERY_APPLIED;
}

enum status ledger_post(struct db *db, struct arena *arena, struct delivery *const *deliveries,
                        size_t count, struct error *err)
{
    struct ledger_batch batch;
    struct outbox answers;
    ledger_batch_init(&batch, arena, deliveries, count);
    if (batch.count == 0)
        return OK;
    outbox_init(&answers, arena, batch.count);

    TRY(ledger_store_load_batch(db, &batch, err));
    for (size_t at = 0; at < batch.count; at++) { /* each sees what the ones before it did */
        struct batch_item *item = &batch.items[at];
        if (!is_to_apply(item) || is_of_another_account(item))
            continue;
        decide(&batch, item);
        ledger_answer_add(&answers, item);
    }
    TRY(delivery_leave_out(batch.deliveries, batch.count, db, err));
    TRY(ledger_store_save_batch(db, &batch, &answers, err));

    for (size_t at = 0; at < batch.journal_count; at++)
        metric_count(&METRIC_LEDGER_JOURNALS, batch.journals[at].type);
    for (size_t at = 0; at < batch.count; at++)
        if (is_to_apply(&batch.items[at])) {
            tell(&batch.items[at]);
            tell_span(&batch, &batch.items[at]);
        }
    return OK;
}
