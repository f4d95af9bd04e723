#include "operator/admin_ports.h"

const char *const ADMIN_SERVICES[ADMIN_SERVICE_COUNT] = {"gateway", "authorization", "ledger",
                                                         "outbox", "saga"};
