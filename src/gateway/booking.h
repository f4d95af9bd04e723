/* gateway/booking.h - those who want the booking, not just the decision (Prefer: wait=N).
 *
 * Purpose:   keeps decided answers back until the saga that books them has ended or the client's
 *            time is over; one long poll asks the saga service for all of them together.
 * Units:     seconds in the header, microseconds of the monotonic clock here.
 * Ownership: a waiting visit is the booking's until it answers it.
 * Errors:    none: a saga service that is down makes the booking `pending`.
 * Threads:   booking_wait from any thread. */
#ifndef GATEWAY_BOOKING_H
#define GATEWAY_BOOKING_H

#include "gateway/visit.h"

struct booking;

struct booking *booking_start(struct gateway *gateway);
/* Who still waits gets his answer as it stands. Accepts NULL. */
void booking_stop(struct booking *booking);

/* Answers the visit now where there is nothing to wait for (a decline), later otherwise. */
void booking_wait(struct visit *visit, const struct answer *answer);

#endif
