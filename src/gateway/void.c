#include "gateway/void.h"

#include "base/arena.h"
#include "domain/lane.h"
#include "gateway/fields.h"
#include "gateway/gateway.h"
#include "gateway/hop.h"
#include "gateway/intake.h"
#include "gateway/routes.h"
#include "platform/log/log.h"

/* A void has nothing to say but its path. */
static bool check_body(struct visit *visit, const struct json_value *body)
{
    struct field_errors *fields = ARENA_NEW(visit->request->arena, struct field_errors);
    fields->arena = visit->request->arena;
    if (body->type != JSON_OBJECT)
        fields_refuse(fields, "", "type_wrong", "the body must be an object, or none");
    for (size_t at = 0; body->type == JSON_OBJECT && at < body->count; at++)
        fields_refuse_unknown(fields, body->members[at].name);
    if (fields->count > 0)
        visit_refuse_fields(visit, fields);
    return fields->count == 0;
}

void void_handle(struct visit *visit)
{
    struct arena *arena = visit->request->arena;
    struct hop_item *item = ARENA_NEW(arena, struct hop_item);
    struct json_value body;
    *item = (struct hop_item){.visit = visit, .op = HOP_VOID, .has_key = true};
    if (!intake_has_room(visit))
        return;
    if (!uuid_parse(visit->variable, &item->authorization_id)) {
        visit_refuse(visit, PROBLEM_NOT_FOUND, "an authorization's id is a UUID");
        return;
    }
    if (!intake_key(visit, visit->route->path, &item->key_hash) ||
        !intake_optional_body(visit, &body) || !check_body(visit, &body))
        return;
    /* The id is part of what is asked: one key for two authorizations is a key used twice. */
    const struct text id = uuid_to_text(arena, &item->authorization_id);
    const struct text route = text_format(arena, "/v1/authorizations/%.*s/void", TEXT_ARGS(id));
    item->fingerprint = intake_fingerprint(visit, route.data, &body);
    item->lane = lane_of(&item->authorization_id);
    item->deadline_us = intake_deadline_us(visit);
    log_info(&visit->trace, "request.received", "request received",
             kv_uuid("request_id", &visit->request_id),
             kv_uuid("authorization_id", &item->authorization_id));
    if (!hop_submit(visit->gateway->hop, item))
        visit_refuse(visit, PROBLEM_BACKPRESSURE, NULL);
}
