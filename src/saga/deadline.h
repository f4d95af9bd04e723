/* saga/deadline.h - what happens when no answer comes.
 *
 * Purpose:   a sweep finds the sagas whose deadline has come and repeats their command, or calls
 *            them stuck. Deadlines are rows, so they survive a restart; several orchestrators may
 *            sweep, the second finds the deadline moved.
 * Units:     milliseconds between sweeps.
 * Ownership: the sweep owns its db and arena.
 * Errors:    logged; the next sweep tries again.
 * Threads:   one loop. */
#ifndef SAGA_DEADLINE_H
#define SAGA_DEADLINE_H

struct deadlines;
struct room;

struct deadlines *deadlines_new(const struct room *room);
void deadlines_free(struct deadlines *deadlines); /* accepts NULL */
/* A loop's step (platform/worker.h): one sweep; the context is the struct deadlines. */
int deadlines_sweep(void *context);

#endif
