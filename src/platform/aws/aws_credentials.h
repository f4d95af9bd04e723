/* platform/aws/aws_credentials.h - who we are to AWS.
 *
 * Purpose:   the chain that AWS's own tools walk: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
 *            (AWS_SESSION_TOKEN); the profile's files; the container's endpoint
 *            (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, _FULL_URI); the instance's metadata (IMDSv2).
 *            The first that is set up gives them, or fails. They are kept, and fetched anew
 *            before they run out.
 * Units:     deadlines in microseconds of the monotonic clock.
 * Ownership: the texts given out live in the caller's arena.
 * Errors:    ERR_INVALID: none are set up; the text says what to set. ERR_DOWN, ERR_TIMEOUT:
 *            whoever gives them does not answer (a failure is kept for some seconds, too).
 * Threads:   any: one fetches, those whose credentials still hold go on, the others wait. */
#ifndef PLATFORM_AWS_AWS_CREDENTIALS_H
#define PLATFORM_AWS_AWS_CREDENTIALS_H

#include "base/error.h"
#include "base/text.h"

#include <stdint.h>

struct arena;
struct aws_provider;

struct aws_credentials {
    struct text access_key_id;
    struct text secret_access_key;
    struct text session_token; /* TEXT_NONE: none */
    int64_t expires_us;        /* real time; 0: they do not run out */
};

struct aws_provider *aws_provider_new(void);
void aws_provider_free(struct aws_provider *provider); /* accepts NULL */
/* The one of the whole process; never freed. */
struct aws_provider *aws_provider_shared(void);

MUST_CHECK enum status aws_provider_get(struct aws_provider *provider, struct arena *arena,
                                        int64_t deadline_us, struct aws_credentials *out,
                                        struct error *err);
/* What was given out is not taken any more: the next one who asks gets fresh ones, unless these
 * came just now. */
void aws_provider_forget(struct aws_provider *provider, const struct aws_credentials *stale);

/* ---- the chain; each says ERR_NOT_FOUND where it is not set up --------------------------------
 */

/* What a fetch may use. */
struct aws_fetch {
    struct arena *arena;
    int64_t deadline_us;
};

MUST_CHECK enum status aws_fetch_environment(const struct aws_fetch *fetch,
                                             struct aws_credentials *out, struct error *err);
MUST_CHECK enum status aws_fetch_profile(const struct aws_fetch *fetch, struct aws_credentials *out,
                                         struct error *err);
/* In aws_metadata.c: */
MUST_CHECK enum status aws_fetch_container(const struct aws_fetch *fetch,
                                           struct aws_credentials *out, struct error *err);
MUST_CHECK enum status aws_fetch_instance(const struct aws_fetch *fetch,
                                          struct aws_credentials *out, struct error *err);

#endif
