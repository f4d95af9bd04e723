/* gateway/head.h - what a request's head says about its body and its answer.
 *
 * Purpose:   the media type under which a body may be read as JSON, and how long the client wants
 *            to wait for the booking.
 * Units:     seconds.
 * Ownership: values.
 * Errors:    head_accepts_json says false (415); a preference that cannot be read is ignored, as
 *            RFC 7240 wants it.
 * Threads:   values. */
#ifndef GATEWAY_HEAD_H
#define GATEWAY_HEAD_H

#include "base/text.h"

/* JSON under its own type; under none, and under the one that curl -d sends, when it begins like an
 * object. */
bool head_accepts_json(struct text content_type, struct text body);

/* N of `wait=N` in a Prefer header, at most `max_s`; 0: there is none. */
int head_wait_s(struct text prefer, int max_s);

#endif
