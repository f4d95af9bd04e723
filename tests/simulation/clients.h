/* tests/simulation/clients.h - clients that ask until they know, and an operator who freezes.
 *
 * Purpose:   random users and hot ones, repeats of requests under their keys (also while the first
 *            is under way), the same transaction under another key, another request under a used
 *            key, voids, limits that change, accounts frozen here and in the ledger. Every answer
 * is held against the first one of its key. Units:     as in services.h. Ownership: what was asked
 * and answered is kept until the next schedule. Errors:    none: a wrong answer ends the schedule.
 * Threads:   one. */
#ifndef SIMULATION_CLIENTS_H
#define SIMULATION_CLIENTS_H

#include "services.h"

enum { REQUESTS_MAX = 96 };

/* Something that is asked under one key, by whoever and however often. */
struct request {
    struct ask ask; /* as it is asked; the answer: the first good one */
    int same_as;    /* the request of the same transaction; -1: it is the first */
    bool is_settled;
    bool is_refused; /* 4xx */
};

void clients_begin(void);
bool clients_are_done(void);
size_t requests_count(void);
const struct request *request_at(size_t at);
const char *client_user(int number);
int client_users(void);

#endif
