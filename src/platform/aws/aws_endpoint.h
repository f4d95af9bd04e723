/* platform/aws/aws_endpoint.h - where a service of AWS is called, and in which region.
 *
 * Purpose:   region: AWS_REGION, AWS_DEFAULT_REGION, or the profile's. Endpoint:
 *            AWS_ENDPOINT_URL_DYNAMODB (_SNS, _SQS), AWS_ENDPOINT_URL, or the service's own host.
 * Units:     none.
 * Ownership: texts live in the arena given.
 * Errors:    ERR_INVALID: no region is set, or the endpoint is no URL of http or https.
 * Threads:   any; reads the environment and files. */
#ifndef PLATFORM_AWS_AWS_ENDPOINT_H
#define PLATFORM_AWS_AWS_ENDPOINT_H

#include "platform/aws/aws_client.h"

struct aws_endpoint {
    const char *region; /* eu-central-1 */
    const char *url;    /* https://dynamodb.eu-central-1.amazonaws.com/ */
};

MUST_CHECK enum status aws_endpoint_find(struct arena *arena, enum aws_service service,
                                         struct aws_endpoint *endpoint_out, struct error *err);

/* dynamodb, sns, sqs */
const char *aws_service_name(enum aws_service service);

#endif
