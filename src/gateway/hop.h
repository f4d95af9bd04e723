/* gateway/hop.h - the way from the door to the authorization service.
 *
 * Purpose:   what changes something is an item. A worker takes whatever is queued for its lanes,
 *            writes one request, splits the answer. Nothing waits for a batch to fill. Every item
 *            may be asked twice without harm, so an answer that got lost is asked for again under
 *            the same keys until the deadline.
 * Units:     deadlines in microseconds of the monotonic clock.
 * Ownership: an item lives in its visit's arena and is the hop's from hop_submit until
 *            deliver_item.
 * Errors:    none to the caller: each item ends with an answer, a refusal at worst.
 *            503 backpressure: not sent; 503 dependency_down: the connection was refused;
 *            504 deadline_exceeded: sent, and the outcome is unknown.
 * Threads:   hop_submit from any thread. */
#ifndef GATEWAY_HOP_H
#define GATEWAY_HOP_H

#include "gateway/metrics.h"
#include "gateway/visit.h"

struct account_request;
struct authorize_request;
struct hop;

enum hop_op { HOP_AUTHORIZE, HOP_VOID, HOP_PUT_ACCOUNT };

struct hop_item {
    struct visit *visit;
    enum hop_op op;
    struct trace_context trace; /* its own span, below the visit's; set by hop_submit */
    int64_t submitted_us;
    int lane;
    bool has_key; /* key_hash and fingerprint are set: it is repeatable by its key */
    struct sha256 key_hash;
    struct sha256 fingerprint;
    enum idempotency_outcome claimed_as; /* by the key store: new, takeover, or fallback */
    int64_t deadline_us;
    const struct authorize_request *authorize; /* HOP_AUTHORIZE */
    struct uuid authorization_id;              /* HOP_VOID      */
    const struct account_request *account;     /* HOP_PUT_ACCOUNT */
    struct answer answer;                      /* status 0: none yet */
};

const char *hop_op_name(enum hop_op op); /* authorize, void, put_account */

MUST_CHECK enum status hop_start(struct gateway *gateway, struct hop **hop_out, struct error *err);
/* Answers what is queued first. Accepts NULL. */
void hop_stop(struct hop *hop);

/* False: the queue is full, or it would have to wait for too long; it has not been taken. */
MUST_CHECK bool hop_submit(struct hop *hop, struct hop_item *item);
/* True: no worker would take a single item, so it need not even be read; it is counted as shed. */
MUST_CHECK bool hop_sheds(struct hop *hop);

#endif
