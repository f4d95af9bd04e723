#include "ledger/batch.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/messaging/consumer.h"

#include <stdlib.h>

typedef int compare_rows(const void *, const void *);

static int compare_account(const void *one, const void *other)
{
    const struct account_row *a = one, *b = other;
    return a->lane != b->lane ? a->lane - b->lane : uuid_compare(&a->account.id, &b->account.id);
}

static int compare_hold(const void *one, const void *other)
{
    const struct hold_row *a = one, *b = other;
    return a->lane != b->lane ? a->lane - b->lane
                              : uuid_compare(&a->authorization_id, &b->authorization_id);
}

static int compare_step(const void *one, const void *other)
{
    const struct step_row *a = one, *b = other;
    if (a->lane != b->lane)
        return a->lane - b->lane;
    const int by_saga = uuid_compare(&a->saga_id, &b->saga_id);
    if (by_saga != 0)
        return by_saga;
    return a->step != b->step ? (int)a->step - (int)b->step : (int)a->op - (int)b->op;
}

/* Sorts and keeps the first of equal keys; returns how many are left. */
static size_t sort_rows(void *rows, size_t count, size_t size, compare_rows *compare)
{
    char *base = rows;
    size_t kept = 0;
    if (count == 0)
        return 0;
    qsort(rows, count, size, compare);
    for (size_t at = 1; at < count; at++) {
        if (compare(base + kept * size, base + at * size) == 0)
            continue;
        kept++;
        memmove(base + kept * size, base + at * size, size);
    }
    return kept + 1;
}

struct account_row *ledger_batch_find_account(const struct ledger_batch *batch, int lane,
                                              const struct uuid *id)
{
    const struct account_row key = {.lane = lane, .account.id = *id};
    return bsearch(&key, batch->accounts, batch->account_count, sizeof key, compare_account);
}

struct hold_row *ledger_batch_find_hold(const struct ledger_batch *batch, int lane,
                                        const struct uuid *authorization_id)
{
    const struct hold_row key = {.lane = lane, .authorization_id = *authorization_id};
    return bsearch(&key, batch->holds, batch->hold_count, sizeof key, compare_hold);
}

struct step_row *ledger_batch_find_step(const struct ledger_batch *batch,
                                        const struct step_row *key)
{
    return bsearch(key, batch->steps, batch->step_count, sizeof *key, compare_step);
}

/* ---- taking ---------------------------------------------------------------------------------- */

static void take_delivery(struct ledger_batch *batch, struct delivery *delivery)
{
    struct error why;
    struct batch_item *item = &batch->items[batch->count];
    if (ledger_command_parse(batch->arena, delivery, &item->command, &why) != OK) {
        const enum cause cause =
            why.status == ERR_NOT_FOUND ? CAUSE_COMMAND_UNKNOWN : CAUSE_PAYLOAD_INVALID;
        delivery_refuse(delivery, DELIVERY_DEAD, cause, "%s", why.message);
        return;
    }
    item->delivery = delivery;
    batch->deliveries[batch->count++] = delivery;
}

static struct step_row step_of(const struct ledger_command *command, enum ledger_op op)
{
    return (struct step_row){
        .lane = command->lane, .saga_id = command->saga_id, .step = command->step, .op = op};
}

static void want_accounts(struct ledger_batch *batch, const struct ledger_command *command)
{
    const struct ledger_account cardholder = {
        .id = command->account_id, .kind = LEDGER_CARDHOLDER, .currency = command->currency};
    const struct ledger_account settlement = {.id = ledger_settlement_id(command->currency),
                                              .kind = LEDGER_SETTLEMENT,
                                              .currency = command->currency};
    batch->accounts[batch->account_count++] =
        (struct account_row){command->lane, cardholder, false};
    batch->accounts[batch->account_count++] =
        (struct account_row){command->lane, settlement, false};
}

/* Names the rows that the batch works on. Only a hold to be recorded opens accounts. */
static void want_rows(struct ledger_batch *batch)
{
    for (size_t at = 0; at < batch->count; at++) {
        const struct ledger_command *command = &batch->items[at].command;
        batch->chains[command->lane].is_wanted = true;
        batch->holds[batch->hold_count++] =
            (struct hold_row){.lane = command->lane,
                              .authorization_id = command->authorization_id,
                              .account_id = command->account_id,
                              .hold.currency = command->currency};
        batch->steps[batch->step_count++] = step_of(command, command->op);
        if (command->op == LEDGER_UNDO)
            batch->steps[batch->step_count++] = step_of(command, LEDGER_DO);
        if (command->action == LEDGER_RECORD_HOLD)
            want_accounts(batch, command);
    }
    batch->account_count = sort_rows(batch->accounts, batch->account_count,
                                     sizeof batch->accounts[0], compare_account);
    batch->hold_count =
        sort_rows(batch->holds, batch->hold_count, sizeof batch->holds[0], compare_hold);
    batch->step_count =
        sort_rows(batch->steps, batch->step_count, sizeof batch->steps[0], compare_step);
}

static void point_to_rows(struct ledger_batch *batch, struct batch_item *item)
{
    const struct ledger_command *command = &item->command;
    const struct step_row step = step_of(command, command->op);
    const struct step_row undone = step_of(command, LEDGER_DO);
    item->step = ledger_batch_find_step(batch, &step);
    if (command->op == LEDGER_UNDO)
        item->undone = ledger_batch_find_step(batch, &undone);
    if (command->action == LEDGER_RECORD_HOLD)
        item->account = ledger_batch_find_account(batch, command->lane, &command->account_id);
    item->hold = ledger_batch_find_hold(batch, command->lane, &command->authorization_id);
    ASSERT(item->step != NULL);
    ASSERT(item->hold != NULL);
}

void ledger_batch_init(struct ledger_batch *batch, struct arena *arena,
                       struct delivery *const *deliveries, size_t count)
{
    *batch = (struct ledger_batch){.arena = arena};
    batch->items = ARENA_NEW_ARRAY(arena, struct batch_item, count);
    batch->deliveries = ARENA_NEW_ARRAY(arena, struct delivery *, count);
    for (size_t at = 0; at < count; at++)
        take_delivery(batch, deliveries[at]);
    batch->accounts = ARENA_NEW_ARRAY(arena, struct account_row, 2 * batch->count);
    batch->holds = ARENA_NEW_ARRAY(arena, struct hold_row, batch->count);
    batch->steps = ARENA_NEW_ARRAY(arena, struct step_row, 2 * batch->count);
    batch->journals = ARENA_NEW_ARRAY(arena, struct journal, batch->count);
    want_rows(batch);
    for (size_t at = 0; at < batch->count; at++)
        point_to_rows(batch, &batch->items[at]);
}
