/* ledger/command.h - what a saga asks of the ledger, as a value.
 *
 * Purpose:   reads a message of the command topic into a command, and refuses what is not one: a
 *            wrong type, a missing id, an amount of zero, a key that is not its account's.
 * Units:     amounts in minor units.
 * Ownership: texts borrow from the message.
 * Errors:    ERR_INVALID: it can never be applied; the message says why.
 * Threads:   values. */
#ifndef LEDGER_COMMAND_H
#define LEDGER_COMMAND_H

#include "base/trace_context.h"
#include "domain/posting.h"

struct arena;
struct delivery;

enum ledger_step { LEDGER_STEP_RECORD_HOLD, LEDGER_STEP_RELEASE_HOLD };
enum ledger_op { LEDGER_DO, LEDGER_UNDO };

struct ledger_command {
    struct uuid id;
    struct uuid saga_id;
    struct uuid authorization_id;
    struct uuid account_id;
    int lane;
    enum ledger_step step;
    enum ledger_op op;
    enum ledger_action action; /* undoing record_hold and doing release_hold both release */
    int64_t amount_minor;
    const struct currency *currency;
    struct text tenant;
    struct trace_context trace;  /* of its processing */
    struct trace_context origin; /* of the request that began it all */
};

MUST_CHECK enum status ledger_command_parse(struct arena *arena, const struct delivery *delivery,
                                            struct ledger_command *command_out, struct error *err);

const char *ledger_step_name(enum ledger_step step); /* record_hold, release_hold */
bool ledger_step_parse(struct text name, enum ledger_step *out);
const char *ledger_op_name(enum ledger_op op); /* do, undo */
bool ledger_op_parse(struct text name, enum ledger_op *out);

#endif
