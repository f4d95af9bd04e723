#include "gateway/deliver.h"

#include "gateway/batch.h"
#include "gateway/booking.h"

void deliver_item(struct hop_item *item)
{
    struct visit *visit = item->visit;
    if (visit->is_batch)
        batch_item_answered(item);
    else if (visit->wait_s > 0 && item->op == HOP_AUTHORIZE && item->answer.status < 400)
        booking_wait(visit, &item->answer);
    else
        visit_answer(visit, &item->answer);
}
