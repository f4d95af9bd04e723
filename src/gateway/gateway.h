/* gateway/gateway.h - what the parts of the public door share.
 *
 * Purpose:   the room's configuration and its long-lived parts, made once by service.c.
 * Units:     the option's name says it: -ms, -size.
 * Ownership: service.c makes and ends every part; all of it lives in `arena`.
 * Errors:    none.
 * Threads:   written before the first thread starts, then only read; each part says for itself
 *            who may call it. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "platform/keystore/keystore.h"
#include "platform/service/service.h"

struct arena;
struct booking;
struct forward;
struct hop;
struct keyring;

struct gateway_config {
    struct service_config service;
    int64_t port;
    int64_t admin_port;
    const char *authorization_url;
    const char *ledger_url;
    const char *saga_url;
    int64_t authorization_workers;
    int64_t forward_workers;
    int64_t queue_size;
    int64_t queue_wait_ms;
    int64_t connections_size;
    int64_t decision_timeout_ms;
    struct keystore_config keystore;
    const char *keystore_fallback; /* postgres | reject */
};

struct gateway {
    const struct gateway_config *config;
    struct arena *arena;     /* lives as long as the service                       */
    struct keyring *keyring; /* whose key is it                                    */
    struct hop *hop;         /* what changes something: batches to authorization   */
    struct forward *forward; /* what only reads                                    */
    struct booking *booking; /* who waits for the books                            */
    struct http_server *door;
    bool is_open; /* the dev profile: no key is needed */
};

/* There is one tenant until tenants come. */
#define TENANT TEXT("default")

/* The longest a client may wait for the booking (Prefer: wait=N). */
enum { BOOKING_WAIT_S_MAX = 30 };

#endif
