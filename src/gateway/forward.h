/* gateway/forward.h - what only reads: asked of the service that knows, answered as it came.
 *
 * Purpose:   a small pool of callers for GETs. Another service's refusals are not passed on but
 *            said again by the door's own writer, under the client's request id.
 * Units:     none.
 * Ownership: a question lives in its visit's arena and is the pool's from forward_ask on.
 * Errors:    none to the caller: the visit is answered in any case; 503 backpressure where the
 *            queue is full, 503 dependency_down, 504 deadline_exceeded.
 * Threads:   forward_ask from any thread. */
#ifndef GATEWAY_FORWARD_H
#define GATEWAY_FORWARD_H

#include "gateway/visit.h"

struct forward;

struct question {
    struct visit *visit;
    const char *url;
    /* Where `url` finds nothing (404, or exactly the body `nothing`): is there anything here? Then
     * the answer is `nothing`, otherwise 404. */
    const char *exists_url; /* NULL: not asked */
    struct text nothing;
};

struct forward *forward_start(struct gateway *gateway);
void forward_stop(struct forward *forward); /* accepts NULL */

void forward_ask(struct visit *visit, const struct question *question);

#endif
