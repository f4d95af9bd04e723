#include "gateway/intake.h"

#include "base/arena.h"
#include "domain/idempotency.h"
#include "gateway/gateway.h"
#include "gateway/head.h"
#include "gateway/hop.h"
#include "gateway/metrics.h"
#include "platform/clock.h"

bool intake_has_room(struct visit *visit)
{
    if (!hop_sheds(visit->gateway->hop))
        return true;
    visit_refuse(visit, PROBLEM_BACKPRESSURE, NULL);
    return false;
}

bool intake_key(struct visit *visit, const char *route, struct sha256 *lookup_out)
{
    const struct http_request *request = visit->request;
    const struct text header = http_request_header(request, "Idempotency-Key");
    struct text key;
    enum problem_code why = idempotency_key_parse(request->arena, header, &key);
    if (http_request_header_count(request, "Idempotency-Key") > 1)
        why = PROBLEM_IDEMPOTENCY_KEY_INVALID;
    if (why != PROBLEM_NONE) {
        if (why == PROBLEM_IDEMPOTENCY_KEY_MISSING)
            metric_count(&METRIC_IDEMPOTENCY_REQUESTS, IDEMPOTENCY_MISSING);
        visit_refuse(visit, why, NULL);
        return false;
    }
    *lookup_out = idempotency_lookup(&(struct idempotency_use){
        .tenant = TENANT,
        .principal = text_of(visit->principal.name),
        .method = request->method,
        .route = text_of(route),
        .key = key,
    });
    return true;
}

bool intake_body(struct visit *visit, struct json_value *body_out)
{
    const struct http_request *request = visit->request;
    struct error err;
    if (!head_accepts_json(http_request_header(request, "Content-Type"), request->body) ||
        !text_is_none(http_request_header(request, "Content-Encoding"))) {
        visit_refuse(visit, PROBLEM_MEDIA_TYPE_UNSUPPORTED, NULL);
        return false;
    }
    if (json_parse(request->arena, request->body, body_out, &err) == OK)
        return true;
    visit_refuse(visit, PROBLEM_MALFORMED_JSON, err.message);
    return false;
}

bool intake_optional_body(struct visit *visit, struct json_value *body_out)
{
    if (visit->request->body.size > 0)
        return intake_body(visit, body_out);
    *body_out = (struct json_value){.type = JSON_OBJECT, .source = TEXT("{}")};
    return true;
}

struct sha256 intake_fingerprint(struct visit *visit, const char *route,
                                 const struct json_value *body)
{
    return idempotency_fingerprint(visit->request->method, text_of(route),
                                   json_canonical(visit->request->arena, body));
}

int64_t intake_deadline_us(const struct visit *visit)
{
    return clock_monotonic_us() + visit->gateway->config->decision_timeout_ms * 1000;
}
