#include "saga/span.h"

#include "platform/messaging/consumer.h"
#include "saga/turn.h"

/* Where a saga stood after a change: as many as fit a list of attributes. */
#define SAGA_ATTRIBUTES(line)                                                                      \
    SPAN_ATTRIBUTE_LIST(span_uuid(ATTRIBUTE_AUTHORIZATION_ID, &(line)->saga->authorization_id),    \
                        span_uuid(ATTRIBUTE_SAGA_ID, &(line)->saga->id),                           \
                        span_str(ATTRIBUTE_SAGA_TYPE, saga_type_name((line)->saga->type)),         \
                        span_str(ATTRIBUTE_SAGA_STATE, saga_state_name((line)->state)),            \
                        span_str(ATTRIBUTE_SAGA_STEP, saga_step_name((line)->step)),               \
                        span_i64(ATTRIBUTE_SAGA_TRIES, (line)->tries),                             \
                        span_text(ATTRIBUTE_SAGA_REASON, (line)->saga->reason))

static void record_own(const struct turn *turn, const struct turn_line *line)
{
    const struct turn_cause *cause = &line->cause;
    if (!tracing_wants(&cause->trace))
        return;
    struct span span = {
        .type = SPAN_SAGA,
        .context = cause->trace,
        .word = cause->word,
        .subject = text_of(saga_type_name(line->saga->type)),
        .begun_us = turn->begun_us,
        .error = line->state == SAGA_STUCK ? "no_answer" : NULL,
        .attributes = SAGA_ATTRIBUTES(line),
        .links = &cause->link,
        .link_count = cause->link.trace_id[0] == '\0' ? 0 : 1,
    };
    memcpy(span.parent_id, cause->below.span_id, sizeof span.parent_id);
    tracing_record(&span);
}

void saga_span_tell(const struct turn *turn, const struct turn_line *line)
{
    struct delivery *delivery = line->cause.delivery;
    if (delivery == NULL)
        record_own(turn, line);
    else if (delivery_is_traced(delivery))
        delivery_tell(delivery, turn->arena, SAGA_ATTRIBUTES(line));
}

void saga_span_tell_unheard(const struct turn *turn, const struct heard *heard)
{
    struct delivery *delivery = heard->delivery;
    delivery->is_ignored = true;
    if (delivery_is_traced(delivery))
        delivery_tell(
            delivery, turn->arena,
            SPAN_ATTRIBUTE_LIST(span_uuid(ATTRIBUTE_AUTHORIZATION_ID, &heard->authorization_id),
                                span_uuid(ATTRIBUTE_SAGA_ID, &heard->saga_id)));
}
