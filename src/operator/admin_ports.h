/* operator/admin_ports.h - where the five services answer whoever runs them.
 *
 * Purpose:   the tools that ask services share their names and the options with their admin ports.
 * Units:     ports.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   constants. */
#ifndef OPERATOR_ADMIN_PORTS_H
#define OPERATOR_ADMIN_PORTS_H

#include "platform/service/config.h"

#include <stddef.h>

enum { ADMIN_SERVICE_COUNT = 5 };

extern const char *const ADMIN_SERVICES[ADMIN_SERVICE_COUNT];

/* Rows of an option table; `ports` is int64_t[ADMIN_SERVICE_COUNT], in the order of the names. */
/* clang-format off */
#define ADMIN_PORT_OPTIONS(config, ports)                                                          \
    {"gateway-admin-port", OPT_PORT, "9080", offsetof(config, ports[0]),                           \
     "Admin port of the gateway."},                                                                \
    {"authorization-admin-port", OPT_PORT, "9081", offsetof(config, ports[1]),                     \
     "Admin port of the authorization service."},                                                  \
    {"ledger-admin-port", OPT_PORT, "9082", offsetof(config, ports[2]),                            \
     "Admin port of the ledger."},                                                                 \
    {"outbox-admin-port", OPT_PORT, "9083", offsetof(config, ports[3]),                            \
     "Admin port of the outbox."},                                                                 \
    {"saga-admin-port", OPT_PORT, "9084", offsetof(config, ports[4]),                              \
     "Admin port of the saga orchestrator."}
/* clang-format on */

#endif
