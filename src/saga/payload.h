/* saga/payload.h - what the orchestrator says on the bus, as JSON (contracts/events/saga.*.json).
 *
 * Purpose:   the bodies of its events and commands.
 * Units:     amounts as decimal text and minor units; times RFC 3339.
 * Ownership: texts live in the arena of the turn.
 * Errors:    none.
 * Threads:   values. */
#ifndef SAGA_PAYLOAD_H
#define SAGA_PAYLOAD_H

#include "base/text.h"

struct saga;
struct saga_command_form;
struct turn;

struct text payload_of_command(const struct turn *turn, const struct saga *saga,
                               const struct saga_command_form *form);
/* `from`: NULL where the saga is new. `by`: what was heard. */
struct text payload_of_change(const struct turn *turn, const struct saga *saga, const char *from,
                              const char *by);

#endif
