/* What ends a hold, within a loaded batch: the client's void, the saga's command, its time. */
#include "authorization/decide.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/messaging/consumer.h"

struct ending {
    enum authorization_status to;
    const char *by; /* api, expiry, saga */
    struct text reason;
};

/* Releases, notes the change and the account as to be saved, and says so by event. False: it holds
 * nothing that could be released. */
static bool release(struct batch *b, struct batch_authorization *found, const struct ending *ending,
                    const struct event_cause *cause)
{
    struct authorization *a = &found->authorization;
    struct authorization_change change;
    const char *from = authorization_status_name(a->status);
    if (a->status != AUTHORIZATION_APPROVED)
        return false; /* before the account is asked for: a decline may have none */
    ASSERT(found->account != NULL && found->account->exists);
    ASSERT(authorization_release(a, &found->account->account, ending->to, &change));
    change.changed_by = text_of(ending->by);
    change.reason = ending->reason;
    change.changed_at_us = b->now_us;

    struct authorization_change *changes =
        ARENA_NEW_ARRAY(b->arena, struct authorization_change, found->change_count + 1);
    if (found->change_count > 0)
        memcpy(changes, found->changes, found->change_count * sizeof *changes);
    changes[found->change_count++] = change;
    found->changes = changes;
    found->changes_new++;
    found->trace = cause->trace;
    found->account->dirty = true;
    event_authorization(&b->outbox, a, from, ending->by, cause);
    return true;
}

static struct event_cause cause_of(const struct item *item)
{
    return (struct event_cause){.event_id = item->event_id,
                                .trace = item->trace,
                                .traceparent = item->traceparent,
                                .saga_id = item->saga_id,
                                .command_id = item->command_id};
}

/* ---- void ------------------------------------------------------------------------------------ */

static void refuse_void(struct item *item, enum authorization_status status)
{
    enum problem_code code = PROBLEM_INVALID_STATE;
    if (status == AUTHORIZATION_VOIDED)
        code = PROBLEM_ALREADY_VOIDED;
    else if (status == AUTHORIZATION_EXPIRED)
        code = PROBLEM_AUTHORIZATION_EXPIRED;
    item_refuse(item, code, "only an approved authorization can be voided");
    item->answer.problem.state = text_of(authorization_status_name(status));
}

void decide_void(struct batch *b, struct item *item)
{
    if (decide_repeat(b, item))
        return;
    struct batch_authorization *found =
        uuid_map_find(b->authorizations_by_id, &item->authorization_id);
    if (found == NULL) {
        item_refuse(item, PROBLEM_NOT_FOUND, "there is no authorization with this id");
        return;
    }
    const struct event_cause cause = cause_of(item);
    const struct ending ending = {AUTHORIZATION_VOIDED, "api", TEXT("")};
    if (!release(b, found, &ending, &cause)) {
        refuse_void(item, found->authorization.status);
        return;
    }
    item_answer(item, found, found->authorization.version, 200);
    decide_note_key(b, item, found, found->authorization.version);
    item->has_ended = true;
}

/* ---- the saga's command ---------------------------------------------------------------------- */

/* The room that sent the command reads our answer from the bus. Its repeat, and an authorization
 * that has ended otherwise, are answered with the state as it is. */
void decide_release(struct batch *b, struct item *item)
{
    struct batch_authorization *found =
        uuid_map_find(b->authorizations_by_id, &item->authorization_id);
    if (found == NULL) {
        item_refuse(item, PROBLEM_NOT_FOUND, "there is no authorization with this id");
        return;
    }
    const struct event_cause cause = cause_of(item);
    const struct ending ending = {AUTHORIZATION_REVERSED, "saga", item->reason};
    if (!release(b, found, &ending, &cause))
        event_already_released(&b->outbox, &found->authorization, &cause);
}

/* ---- time ------------------------------------------------------------------------------------ */

void decide_expiry(struct batch *b, struct batch_authorization *due)
{
    const struct authorization *a = &due->authorization;
    ASSERT(a->expires_at_us <= b->now_us);
    /* Nobody asked for it, so its trace is the authorization's own, continued. */
    const struct trace_context trace = tracing_resume(a->trace_id);
    char *traceparent = arena_alloc(b->arena, TRACEPARENT_SIZE + 1);
    trace_context_format(&trace, traceparent);
    const struct event_cause cause = {
        .event_id = uuid_make_v7(), .trace = trace, .traceparent = text_of(traceparent)};
    const struct ending ending = {AUTHORIZATION_EXPIRED, "expiry", TEXT("")};
    due->is_expired = release(b, due, &ending, &cause);
}
