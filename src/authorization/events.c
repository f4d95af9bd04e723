/* What the authorization service tells the others: rows of its outbox. */
#include "authorization/decide.h"

#include "base/arena.h"
#include "domain/authorization_json.h"

static struct json_writer begin_payload(struct outbox *outbox, struct text_builder *b)
{
    struct json_writer w;
    text_builder_init(b, outbox->arena, 1024);
    json_writer_init(&w, b);
    return w;
}

static struct outbox_event event_of(const struct event_cause *cause)
{
    return (struct outbox_event){.id = cause->event_id,
                                 .tenant = TENANT,
                                 .saga_id = cause->saga_id,
                                 .command_id = cause->command_id,
                                 .trace = cause->trace,
                                 .origin_traceparent = cause->traceparent};
}

static const char *type_of(enum authorization_status status)
{
    static const char *const TYPES[] = {
        [AUTHORIZATION_APPROVED] = "authorization.approved",
        [AUTHORIZATION_DECLINED] = "authorization.declined",
        [AUTHORIZATION_VOIDED] = "authorization.voided",
        [AUTHORIZATION_EXPIRED] = "authorization.expired",
        [AUTHORIZATION_REVERSED] = "authorization.reversed",
    };
    return TYPES[status];
}

/* What an event says beside the authorization's new state. */
struct saying {
    const char *type;
    const char *from; /* NULL: it is new */
    const char *by;
};

static void add_authorization_event(struct outbox *outbox, const struct authorization *a,
                                    const struct saying *saying, const struct event_cause *cause)
{
    struct text_builder b;
    struct json_writer w = begin_payload(outbox, &b);
    authorization_event_write(&w, a, saying->from, text_of(saying->by));
    struct outbox_event event = event_of(cause);
    event.lane = a->lane;
    event.aggregate_type = "authorization";
    event.aggregate_id = a->id;
    event.key = a->account_id;
    event.type = saying->type;
    event.sequence = a->version;
    event.payload = text_builder_text(&b);
    outbox_add(outbox, &event);
}

void event_authorization(struct outbox *outbox, const struct authorization *a, const char *from,
                         const char *by, const struct event_cause *cause)
{
    const struct saying saying = {type_of(a->status), from, by};
    add_authorization_event(outbox, a, &saying, cause);
}

void event_already_released(struct outbox *outbox, const struct authorization *a,
                            const struct event_cause *cause)
{
    const struct saying saying = {"authorization.already_released",
                                  authorization_status_name(a->status), "saga"};
    add_authorization_event(outbox, a, &saying, cause);
}

void event_account(struct outbox *outbox, const struct account *account, const char *type,
                   const char *from, const struct event_cause *cause)
{
    struct text_builder b;
    struct json_writer w = begin_payload(outbox, &b);
    account_event_write(&w, account, from, "api");
    struct outbox_event event = event_of(cause);
    event.lane = account->lane;
    event.aggregate_type = "account";
    event.aggregate_id = account->id;
    event.key = account->id;
    event.type = type;
    event.sequence = account->version;
    event.payload = text_builder_text(&b);
    outbox_add(outbox, &event);
}
