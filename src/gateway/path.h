/* gateway/path.h - paths of requests: templates, percent-encoding.
 *
 * Purpose:   compares a path with a template such as /v1/accounts/{user_id}/balance, and takes a
 *            text through percent-encoding both ways (RFC 3986).
 * Units:     none.
 * Ownership: results live in the arena, or borrow from the path.
 * Errors:    path_decode says false: a bad escape, NUL, or no UTF-8.
 * Threads:   values. */
#ifndef GATEWAY_PATH_H
#define GATEWAY_PATH_H

#include "base/error.h"
#include "base/text.h"

/* True when the path has the template's segments; *variable_out is then the segment that stands for
 * {...}, still encoded, or TEXT_NONE. A template has at most one variable. */
bool path_matches(const char *template, struct text path, struct text *variable_out);

MUST_CHECK bool path_decode(struct arena *arena, struct text encoded, struct text *out);
/* Every byte but the unreserved ones of RFC 3986 becomes %XX. */
struct text path_encode(struct arena *arena, struct text plain);
/* http://host:8081 or http://host:8081/ and /path as one. */
const char *url_join(struct arena *arena, const char *base, const char *path);

#endif
