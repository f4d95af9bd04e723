/* Credentials that the machine gives: the container's endpoint and the instance's metadata. */
#include "platform/aws/aws_credentials.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "platform/aws/aws_profile.h"
#include "platform/clock.h"
#include "platform/http/http_client.h"

#include <stdlib.h>

enum {
    TRY_MS = 1000, /* where nobody is, nobody answers: a machine that is none of Amazon's */
    REPLY_SIZE_MAX = 64 * 1024,
};

#define RELATIVE_HOST "http://169.254.170.2"
#define INSTANCE_HOST "http://169.254.169.254"

/* An empty variable is none. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* One call within what is left of the deadline. */
static enum status ask(const struct aws_fetch *fetch, struct http_call *call,
                       struct http_reply *reply_out, struct error *err)
{
    const int64_t left_ms = (fetch->deadline_us - clock_monotonic_us()) / 1000;
    if (left_ms <= 0)
        return error_set(err, ERR_TIMEOUT, "no time is left to ask for AWS credentials");
    call->timeout_ms = left_ms < TRY_MS ? (int)left_ms : TRY_MS;
    call->reply_size_max = REPLY_SIZE_MAX;
    struct http_client *client = http_client_new(NULL);
    const enum status asked = http_client_call(client, call, fetch->arena, reply_out, err);
    http_client_free(client);
    return asked;
}

/* {"AccessKeyId": .., "SecretAccessKey": .., "Token": .., "Expiration": ..} */
static enum status read_credentials(const struct aws_fetch *fetch, struct text body,
                                    struct aws_credentials *out, struct error *err)
{
    struct json_value whole;
    struct error why;
    if (json_parse(fetch->arena, body, &whole, &why) != OK)
        return error_set(err, ERR_BROKEN, "AWS credentials cannot be read: %s", why.message);
    struct aws_credentials got = {
        .access_key_id = json_get_text(&whole, "AccessKeyId"),
        .secret_access_key = json_get_text(&whole, "SecretAccessKey"),
        .session_token = json_get_text(&whole, "Token"),
    };
    const struct text expires = json_get_text(&whole, "Expiration");
    if (got.access_key_id.size == 0 || got.secret_access_key.size == 0)
        return error_set(err, ERR_BROKEN, "AWS credentials came without a key");
    if (!text_is_none(expires) && !timestamp_parse(expires, &got.expires_us))
        return error_set(err, ERR_BROKEN, "AWS credentials expire at '%.*s', which is no time",
                         TEXT_ARGS(expires));
    *out = got;
    return OK;
}

/* ---- the container ------------------------------------------------------------------------- */

/* The token leaves the machine only by https. */
static bool is_allowed(struct text url)
{
    static const char *const HOSTS[] = {"127.0.0.1",     "localhost",      "[::1]",
                                        "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    if (text_starts_with(url, "https://"))
        return true;
    if (!text_starts_with(url, "http://"))
        return false;
    url = text_skip(url, strlen("http://"));
    for (size_t at = 0; at < COUNT(HOSTS); at++) {
        const size_t size = strlen(HOSTS[at]);
        if (text_starts_with(url, HOSTS[at]) &&
            (url.size == size || url.data[size] == ':' || url.data[size] == '/'))
            return true;
    }
    return false;
}

static enum status container_url(const struct aws_fetch *fetch, const char **url_out,
                                 struct error *err)
{
    const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (relative == NULL && full == NULL)
        return error_set(err, ERR_NOT_FOUND, "there is no container endpoint");
    if (relative != NULL)
        full = text_to_c(fetch->arena, text_format(fetch->arena, "%s%s", RELATIVE_HOST, relative));
    if (!is_allowed(text_of(full)))
        return error_set(err, ERR_INVALID,
                         "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http on this "
                         "machine, not '%s'",
                         full);
    *url_out = full;
    return OK;
}

static enum status container_token(const struct aws_fetch *fetch, struct text *token_out,
                                   struct error *err)
{
    const char *path = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    struct text token = text_of(variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    if (path != NULL && aws_file_read(fetch->arena, path, &token, err) != OK)
        return ERR_INVALID;
    while (token.size > 0 && strchr("\r\n", token.data[token.size - 1]) != NULL)
        token.size--;
    if (token.size > 0 && (memchr(token.data, '\n', token.size) != NULL ||
                           memchr(token.data, '\r', token.size) != NULL))
        return error_set(err, ERR_INVALID, "the container's authorization token has two lines");
    *token_out = token;
    return OK;
}

enum status aws_fetch_container(const struct aws_fetch *fetch, struct aws_credentials *out,
                                struct error *err)
{
    struct http_call call = {.method = "GET"};
    struct http_reply reply;
    struct text token;
    TRY(container_url(fetch, &call.url, err));
    TRY(container_token(fetch, &token, err));
    if (token.size > 0)
        call.headers[0] = (struct http_header){"Authorization", token};
    TRY(ask(fetch, &call, &reply, err));
    if (reply.status != 200)
        return error_set(err, ERR_DOWN, "the container's credentials endpoint answered %d",
                         reply.status);
    return read_credentials(fetch, reply.body, out, err);
}

/* ---- the instance -------------------------------------------------------------------------- */

static const char *instance_url(const struct aws_fetch *fetch, const char *path)
{
    const char *host = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    struct text base = text_of(host == NULL ? INSTANCE_HOST : host);
    if (base.size > 0 && base.data[base.size - 1] == '/')
        base.size--;
    return text_to_c(fetch->arena,
                     text_format(fetch->arena, "%.*s/latest/%s", TEXT_ARGS(base), path));
}

/* Where nobody answers there is no metadata service, as on any machine outside of Amazon's. */
static enum status instance_token(const struct aws_fetch *fetch, struct text *token_out,
                                  struct error *err)
{
    struct http_call call = {
        .method = "PUT",
        .url = instance_url(fetch, "api/token"),
        .headers = {{"X-aws-ec2-metadata-token-ttl-seconds", TEXT("300")}},
    };
    struct http_reply reply;
    const enum status asked = ask(fetch, &call, &reply, err);
    if (asked == ERR_DOWN || asked == ERR_TIMEOUT)
        return ERR_NOT_FOUND;
    TRY(asked);
    if (reply.status != 200)
        return error_set(err, ERR_DOWN, "the instance metadata service (IMDSv2) answered %d",
                         reply.status);
    *token_out = reply.body;
    return OK;
}

static enum status instance_get(const struct aws_fetch *fetch, struct text token, const char *path,
                                struct text *body_out, struct error *err)
{
    struct http_call call = {
        .method = "GET",
        .url = instance_url(fetch, path),
        .headers = {{"X-aws-ec2-metadata-token", token}},
    };
    struct http_reply reply;
    TRY(ask(fetch, &call, &reply, err));
    if (reply.status == 404)
        return error_set(err, ERR_NOT_FOUND, "the instance has no role");
    if (reply.status != 200)
        return error_set(err, ERR_DOWN, "the instance metadata service (IMDSv2) answered %d",
                         reply.status);
    *body_out = reply.body;
    return OK;
}

enum status aws_fetch_instance(const struct aws_fetch *fetch, struct aws_credentials *out,
                               struct error *err)
{
    static const char PATH[] = "meta-data/iam/security-credentials/";
    const char *disabled = variable("AWS_EC2_METADATA_DISABLED");
    struct text token = TEXT_NONE;
    struct text roles = TEXT_NONE;
    struct text body = TEXT_NONE;
    if (disabled != NULL && strcasecmp(disabled, "true") == 0)
        return error_set(err, ERR_NOT_FOUND, "instance metadata is disabled");
    TRY(instance_token(fetch, &token, err));
    TRY(instance_get(fetch, token, PATH, &roles, err));
    const struct text role = text_trim(text_cut(&roles, '\n'));
    const struct text path = text_format(fetch->arena, "%s%.*s", PATH, TEXT_ARGS(role));
    TRY(instance_get(fetch, token, text_to_c(fetch->arena, path), &body, err));
    return read_credentials(fetch, body, out, err);
}
