/* tests/simulation/services.h - the real services, as processes of the simulation.
 *
 * Purpose:   each file services_*.c starts a service's threads as its service.c does, without its
 *            HTTP doors. The authorization service's door is a letter box: a client's request is
 *            a letter, taken by the worker of its lane, answered into the ask it came from.
 * Units:     amounts in minor units, times in microseconds of the schedule.
 * Ownership: asks belong to clients and outlive every process.
 * Errors:    none.
 * Threads:   one. */
#ifndef SIMULATION_SERVICES_H
#define SIMULATION_SERVICES_H

#include "base/sha256.h"
#include "base/uuid.h"
#include "platform/service/service.h"
#include "sim.h"

enum { LETTERS_MAX = 256, BODY_MAX = 4096, AUTHORIZATIONS_MAX = 2 };

enum ask_op { ASK_AUTHORIZE, ASK_VOID, ASK_PUT_ACCOUNT };

/* What a gateway has put together, and the answer. The ids are made before the first try. */
struct ask {
    enum ask_op op;
    char user[32];
    char key[32];
    char transaction_id[32];
    int64_t amount_minor;
    int64_t expires_in_s;
    struct uuid authorization_id;
    struct sha256 fingerprint;
    int limit_status; /* of a put: enum account_status, -1: only the limit */
    /* the answer */
    bool is_answered;
    int http_status;
    bool is_approved;
    struct uuid decided_id;
    size_t body_size;
    char body[BODY_MAX];
};

/* To one of the authorization services; may be lost, may come twice. */
void letter_send(struct ask *ask);
void letters_begin(void);
bool letters_are_underway(void);

void services_begin(void); /* as many of each as the seed says */
struct service_config services_config(void);

struct process *authorization_process(int index);
struct process *ledger_process(void);
struct process *saga_process(void);
struct process *outbox_process(void);

#endif
