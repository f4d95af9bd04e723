/* ledger/answer.h - what the ledger says about a command: its event.
 *
 * Purpose:   renders what came of a step as ledger.hold_recorded, hold_released or refused. It is
 *            made from the step's row alone, so a repeated command is answered the same.
 * Units:     amounts in minor units.
 * Ownership: the event's texts live in the outbox's arena.
 * Errors:    none.
 * Threads:   as the outbox. */
#ifndef LEDGER_ANSWER_H
#define LEDGER_ANSWER_H

#include "ledger/batch.h"

struct outbox;

void ledger_answer_add(struct outbox *outbox, const struct batch_item *item);

/* ledger.hold_recorded, ledger.hold_released, ledger.refused */
const char *ledger_answer_type(enum ledger_outcome outcome);

#endif
