#include "platform/aws/aws_endpoint.h"

#include "base/arena.h"
#include "platform/aws/aws_profile.h"

#include <stdlib.h>

static const struct {
    const char *name;
    const char *endpoint_variable;
} SERVICES[] = {
    [AWS_DYNAMODB] = {"dynamodb", "AWS_ENDPOINT_URL_DYNAMODB"},
    [AWS_SNS] = {"sns", "AWS_ENDPOINT_URL_SNS"},
    [AWS_SQS] = {"sqs", "AWS_ENDPOINT_URL_SQS"},
};

const char *aws_service_name(enum aws_service service)
{
    return SERVICES[service].name;
}

/* An empty variable is none. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static enum status find_region(struct arena *arena, const char **region_out, struct error *err)
{
    struct aws_profile profile;
    *region_out = variable("AWS_REGION");
    if (*region_out == NULL)
        *region_out = variable("AWS_DEFAULT_REGION");
    if (*region_out != NULL)
        return OK;
    const enum status read = aws_profile_read(arena, &profile, err);
    if (read == OK && !text_is_none(profile.region)) {
        *region_out = text_to_c(arena, profile.region);
        return OK;
    }
    if (read == ERR_INVALID)
        return read;
    return error_set(err, ERR_INVALID,
                     "no AWS region is set: set AWS_REGION (or AWS_DEFAULT_REGION, or region in "
                     "the profile of AWS_PROFILE)");
}

static const char *own_host_url(struct arena *arena, enum aws_service service, const char *region)
{
    const char *suffix = strncmp(region, "cn-", 3) == 0 ? ".cn" : "";
    return text_to_c(arena, text_format(arena, "https://%s.%s.amazonaws.com%s/",
                                        SERVICES[service].name, region, suffix));
}

static enum status check_url(const char *url, struct error *err)
{
    const struct text text = text_of(url);
    if (text_starts_with(text, "http://") || text_starts_with(text, "https://"))
        return OK;
    return error_set(err, ERR_INVALID,
                     "the AWS endpoint must begin with http:// or https://, not '%s'", url);
}

/* Calls go to the root, whether the variable ends in a slash or not. */
static const char *with_slash(struct arena *arena, const char *url)
{
    const size_t size = strlen(url);
    return size > 0 && url[size - 1] == '/' ? url
                                            : text_to_c(arena, text_format(arena, "%s/", url));
}

enum status aws_endpoint_find(struct arena *arena, enum aws_service service,
                              struct aws_endpoint *endpoint_out, struct error *err)
{
    struct aws_endpoint endpoint = {.url = variable(SERVICES[service].endpoint_variable)};
    TRY(find_region(arena, &endpoint.region, err));
    if (endpoint.url == NULL)
        endpoint.url = variable("AWS_ENDPOINT_URL");
    if (endpoint.url == NULL)
        endpoint.url = own_host_url(arena, service, endpoint.region);
    TRY(check_url(endpoint.url, err));
    endpoint.url = with_slash(arena, endpoint.url);
    *endpoint_out = endpoint;
    return OK;
}
