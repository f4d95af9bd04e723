/* tests/simulation/connection.h - platform/postgres/postgres.h over the simulation's tables.
 *
 * Purpose:   the functions that speak to PostgreSQL are wrapped at the link (--wrap); everything
 *            above them is what the services run. Here a trip can lose its connection between any
 *            two statements, its process can be killed there, and a COMMIT can be done or not be
 *            done without its answer.
 * Units:     as in platform/postgres/postgres.h.
 * Ownership: a connection belongs to the process that made it; when that is killed the server
 *            notices, now or a little later.
 * Errors:    those of platform/postgres/postgres.h.
 * Threads:   one. */
#ifndef SIMULATION_CONNECTION_H
#define SIMULATION_CONNECTION_H

struct process;

void connections_begin(void);
/* The process is gone: what it had open is rolled back soon. */
void connections_killed(struct process *process);
/* Rolls back what killed processes have left; the world asks now and then. */
void connections_notice(void);
/* The server goes down, and every SQL transaction with it. */
void connections_restart_server(void);
/* An SQL transaction is open somewhere. */
bool connections_are_busy(void);

#endif
