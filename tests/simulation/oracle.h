/* tests/simulation/oracle.h - what is always true, asked after every commit and at the end.
 *
 * Purpose:   the promises of ARCHITECTURE.md, "What is always true", over the simulation's tables.
 * Units:     minor units.
 * Ownership: nothing.
 * Errors:    none: a broken promise ends the schedule by sim_fail.
 * Threads:   one. */
#ifndef SIMULATION_ORACLE_H
#define SIMULATION_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

void oracle_begin(void);
/* After each commit: money is right at every moment, not only in the end. */
void oracle_check_commit(void);
/* Nothing waits any more: clients, letters, outboxes, cursors, parked keys, sagas, locks. */
bool oracle_is_quiet(void);
/* When the next hold expires that does so soon, on the schedule's clock; 0: none does. */
int64_t oracle_next_due_us(void);
/* Everything at the end: decisions, books, sagas, events. */
void oracle_check_all(void);
void oracle_check_books(void);
void oracle_check_events(void);

#endif
