/* What the doors of services share: who may come in, and as whom a service goes to its database. */
#include "platform/service.h"

#include "base/arena.h"
#include "base/assert.h"

#include <openssl/crypto.h>

enum { NAMES_SIZE_MAX = 64 * 1024 };

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
    static struct arena *names; /* as long as the program: a db keeps their addresses */
    if (names == NULL)
        names = arena_new(NAMES_SIZE_MAX);
    const bool has_no_schema =
        strcmp(service_name, "outbox") == 0; /* the bus's tables are its own */
    const struct text user = text_format(names, "tallystick_%s", service_name);
    return (struct db_config){
        .url = config->database_url,
        .user = user.data,
        .schema = has_no_schema ? "bus" : text_to_c(names, text_of(service_name)),
        .application_name = user.data,
    };
}
