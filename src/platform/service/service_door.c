/* What the doors of services share: who may come in, and as whom a service goes to its database. */
#include "platform/service/service.h"

#include "base/assert.h"

#include <openssl/crypto.h>

static bool is_secret(struct text given, const char *secret)
{
    return given.size == strlen(secret) && CRYPTO_memcmp(given.data, secret, given.size) == 0;
}

bool service_authenticate(const struct service_config *config, struct http_request *request)
{
    struct text given = http_request_header(request, "Authorization");
    if (http_request_header_count(request, "Authorization") == 1 &&
        text_starts_with(given, "Bearer ") &&
        is_secret(text_skip(given, strlen("Bearer ")), config->service_secret))
        return true;
    respond_problem(request, &(struct problem){
                                 .code = PROBLEM_UNAUTHENTICATED,
                                 .detail = TEXT("only services may call this, by their secret"),
                             });
    return false;
}

bool service_is_dev(const struct service_config *config)
{
    return strcmp(config->profile, "dev") == 0;
}

struct db_config service_db_config(const struct service_config *config, const char *service_name)
{
    static const struct {
        const char *service;
        const char *role;
        const char *schema;
    } ROLES[] = {
        {"gateway", "tallystick_gateway", "gateway"},
        {"authorization", "tallystick_authorization", "authorization"},
        {"ledger", "tallystick_ledger", "ledger"},
        {"outbox", "tallystick_outbox", "bus"}, /* the bus's tables are its own */
        {"saga", "tallystick_saga", "saga"},
    };
    for (size_t at = 0; at < COUNT(ROLES); at++)
        if (strcmp(service_name, ROLES[at].service) == 0)
            return (struct db_config){.url = config->database_url,
                                      .user = ROLES[at].role,
                                      .schema = ROLES[at].schema,
                                      .application_name = ROLES[at].role};
    UNREACHABLE();
}

struct bus_config service_bus_config(const struct service_config *config, const char *service_name)
{
    return (struct bus_config){
        .settings = config->bus,
        .topic_prefix = config->topic_prefix,
        .database_url = config->database_url,
        .user = service_db_config(config, service_name).user,
        .service = service_name,
    };
}
