#include "gateway/deliver.h"

#include "gateway/batch.h"
#include "gateway/booking.h"
#include "gateway/spans.h"

/* What its key said in the end: the answer knows of repeats, whoever found them. */
static enum idempotency_outcome outcome_of(const struct hop_item *item)
{
    if (item->answer.is_replayed)
        return IDEMPOTENCY_REPLAY;
    if (item->answer.problem == PROBLEM_IDEMPOTENCY_IN_FLIGHT)
        return IDEMPOTENCY_IN_FLIGHT;
    if (item->answer.problem == PROBLEM_IDEMPOTENCY_KEY_REUSED)
        return IDEMPOTENCY_MISMATCH;
    return item->claimed_as;
}

void deliver_item(struct hop_item *item)
{
    struct visit *visit = item->visit;
    if (item->has_key)
        metric_count(&METRIC_IDEMPOTENCY_REQUESTS, outcome_of(item));
    if (item->answer.problem == PROBLEM_BACKPRESSURE)
        metric_count(&METRIC_GATEWAY_SHED, SHED_DOWNSTREAM);
    spans_record_item(item);
    if (visit->is_batch)
        batch_item_answered(item);
    else if (visit->wait_s > 0 && item->op == HOP_AUTHORIZE && item->answer.status < 400)
        booking_wait(visit, &item->answer);
    else
        visit_answer(visit, &item->answer);
}
