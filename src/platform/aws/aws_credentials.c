#include "platform/aws/aws_credentials.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/aws/aws_profile.h"
#include "platform/clock.h"
#include "platform/log/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    ARENA_SIZE_MAX = 16 * 1024 * 1024,
    FETCH_MS = 3000,    /* whoever asks first may wait so long, if it has so much time */
    REST_MS = 5000,     /* between two failing fetches */
    REFRESH_S = 5 * 60, /* so long before they run out, fresh ones are asked for ... */
    LAST_USE_S = 30,    /* ... and so long before, they are not used any more */
};

static const int64_t S_US = 1000000;

struct aws_provider {
    pthread_mutex_t lock;
    pthread_cond_t fetched; /* a fetch has ended, well or not */
    bool is_fetching;
    struct arena *kept; /* holds `current` */
    struct aws_credentials current;
    bool has_current;
    struct error failure; /* of the last fetch */
    int64_t rest_until_us;
};

/* ---- the first two of the chain ------------------------------------------------------------ */

enum status aws_fetch_environment(const struct aws_fetch *fetch, struct aws_credentials *out,
                                  struct error *err)
{
    const struct text id = text_of(getenv("AWS_ACCESS_KEY_ID"));
    const struct text secret = text_of(getenv("AWS_SECRET_ACCESS_KEY"));
    const struct text token = text_of(getenv("AWS_SESSION_TOKEN"));
    (void)fetch;
    if (id.size == 0 && secret.size == 0)
        return error_set(err, ERR_NOT_FOUND, "the environment has no AWS credentials");
    if (id.size == 0 || secret.size == 0)
        return error_set(err, ERR_INVALID, "%s is set, but %s is not",
                         id.size == 0 ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                         id.size == 0 ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
    *out = (struct aws_credentials){
        .access_key_id = id,
        .secret_access_key = secret,
        .session_token = token.size == 0 ? TEXT_NONE : token,
    };
    return OK;
}

enum status aws_fetch_profile(const struct aws_fetch *fetch, struct aws_credentials *out,
                              struct error *err)
{
    struct aws_profile profile;
    const char *wanted = getenv("AWS_PROFILE");
    const enum status read = aws_profile_read(fetch->arena, &profile, err);
    if (read == ERR_NOT_FOUND && wanted != NULL && wanted[0] != '\0')
        return ERR_INVALID; /* it was asked for by name */
    TRY(read);
    if (text_is_none(profile.access_key_id) && !text_is_none(profile.unsupported))
        return error_set(err, ERR_INVALID,
                         "profile '%.*s' gets its credentials by %.*s, which is not supported: "
                         "give it keys, or let the environment or the machine give them",
                         TEXT_ARGS(profile.name), TEXT_ARGS(profile.unsupported));
    if (text_is_none(profile.access_key_id))
        return error_set(err, ERR_NOT_FOUND, "profile '%.*s' has no aws_access_key_id",
                         TEXT_ARGS(profile.name));
    if (text_is_none(profile.secret_access_key))
        return error_set(err, ERR_INVALID, "profile '%.*s' has no aws_secret_access_key",
                         TEXT_ARGS(profile.name));
    *out = (struct aws_credentials){
        .access_key_id = profile.access_key_id,
        .secret_access_key = profile.secret_access_key,
        .session_token = profile.session_token,
    };
    return OK;
}

/* ---- a fetch ------------------------------------------------------------------------------- */

static enum status walk_chain(const struct aws_fetch *fetch, struct aws_credentials *out,
                              struct error *err)
{
    static enum status (*const CHAIN[])(const struct aws_fetch *, struct aws_credentials *,
                                        struct error *) = {
        aws_fetch_environment,
        aws_fetch_profile,
        aws_fetch_container,
        aws_fetch_instance,
    };
    for (size_t at = 0; at < COUNT(CHAIN); at++) {
        const enum status fetched = CHAIN[at](fetch, out, err);
        if (fetched != ERR_NOT_FOUND)
            return fetched;
    }
    return error_set(err, ERR_INVALID,
                     "there are no AWS credentials: set AWS_ACCESS_KEY_ID and "
                     "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE with ~/.aws/credentials, or run where "
                     "a container or an instance role gives them");
}

static struct aws_credentials copy(struct arena *arena, const struct aws_credentials *from)
{
    struct aws_credentials made = *from;
    made.access_key_id = text_copy(arena, from->access_key_id);
    made.secret_access_key = text_copy(arena, from->secret_access_key);
    if (!text_is_none(from->session_token))
        made.session_token = text_copy(arena, from->session_token);
    return made;
}

static bool holds_for(const struct aws_credentials *credentials, int64_t seconds)
{
    return credentials->expires_us == 0 ||
           credentials->expires_us - clock_realtime_us() > seconds * S_US;
}

static enum status fetch_usable(const struct aws_fetch *fetch, struct aws_credentials *out,
                                struct error *err)
{
    TRY(walk_chain(fetch, out, err));
    if (!holds_for(out, LAST_USE_S))
        return error_set(err, ERR_DOWN,
                         "the AWS credentials that came have run out; is the "
                         "clock of this machine right?");
    return OK;
}

/* Without the lock; the caller has set is_fetching. */
static void fetch_anew(struct aws_provider *provider, int64_t deadline_us)
{
    const int64_t now_us = clock_monotonic_us();
    const int64_t latest_us = now_us + FETCH_MS * 1000;
    const struct aws_fetch fetch = {
        .arena = arena_new(ARENA_SIZE_MAX),
        .deadline_us = deadline_us < latest_us ? deadline_us : latest_us,
    };
    struct aws_credentials fresh = {0};
    struct error why;
    const enum status fetched = fetch_usable(&fetch, &fresh, &why);
    pthread_mutex_lock(&provider->lock);
    if (fetched == OK) {
        arena_reset(provider->kept);
        provider->current = copy(provider->kept, &fresh);
        provider->has_current = true;
    } else {
        provider->failure = why;
        provider->failure.status = fetched; /* a step of the chain may know better */
    }
    provider->rest_until_us = now_us + REST_MS * 1000;
    provider->is_fetching = false;
    pthread_cond_broadcast(&provider->fetched);
    pthread_mutex_unlock(&provider->lock);
    arena_free(fetch.arena);
    if (fetched != OK)
        log_warning(NULL, "aws.credentials_failed", "AWS credentials could not be fetched",
                    kv_str("detail", why.message));
}

/* ---- giving out ---------------------------------------------------------------------------- */

/* What to do, under the lock. */
enum move { GIVE, FETCH, WAIT, FAIL };

static enum move choose(const struct aws_provider *provider, int64_t now_us)
{
    const bool is_resting = now_us < provider->rest_until_us;
    if (provider->has_current && holds_for(&provider->current, REFRESH_S))
        return GIVE;
    if (provider->has_current && holds_for(&provider->current, LAST_USE_S))
        return provider->is_fetching || is_resting ? GIVE : FETCH;
    if (provider->is_fetching)
        return WAIT;
    return is_resting ? FAIL : FETCH;
}

/* False: the deadline has passed. */
static bool wait_for_other(struct aws_provider *provider, int64_t deadline_us)
{
    const struct timespec until = {.tv_sec = deadline_us / S_US,
                                   .tv_nsec = deadline_us % S_US * 1000};
    return pthread_cond_clockwait(&provider->fetched, &provider->lock, CLOCK_MONOTONIC, &until) ==
           0;
}

enum status aws_provider_get(struct aws_provider *provider, struct arena *arena,
                             int64_t deadline_us, struct aws_credentials *out, struct error *err)
{
    enum status outcome = ERR_TIMEOUT;
    pthread_mutex_lock(&provider->lock);
    for (bool is_ended = false; !is_ended;) {
        switch (choose(provider, clock_monotonic_us())) {
        case GIVE:
            *out = copy(arena, &provider->current);
            outcome = OK;
            is_ended = true;
            break;
        case FETCH:
            provider->is_fetching = true;
            pthread_mutex_unlock(&provider->lock);
            fetch_anew(provider, deadline_us);
            pthread_mutex_lock(&provider->lock);
            break;
        case WAIT:
            is_ended = !wait_for_other(provider, deadline_us);
            if (is_ended)
                outcome = error_set(err, ERR_TIMEOUT, "AWS credentials did not come in time");
            break;
        case FAIL:
            outcome = error_set(err, provider->failure.status, "%s", provider->failure.message);
            is_ended = true;
            break;
        }
    }
    pthread_mutex_unlock(&provider->lock);
    return outcome;
}

void aws_provider_forget(struct aws_provider *provider, const struct aws_credentials *stale)
{
    pthread_mutex_lock(&provider->lock);
    const bool is_fresh = clock_monotonic_us() < provider->rest_until_us;
    if (provider->has_current && !is_fresh &&
        text_equals(provider->current.access_key_id, stale->access_key_id) &&
        text_equals(provider->current.session_token, stale->session_token))
        provider->has_current = false;
    pthread_mutex_unlock(&provider->lock);
}

/* ---- start and end ------------------------------------------------------------------------- */

struct aws_provider *aws_provider_new(void)
{
    struct aws_provider *provider = calloc(1, sizeof *provider);
    ASSERT(provider != NULL);
    provider->kept = arena_new(ARENA_SIZE_MAX);
    ASSERT(pthread_mutex_init(&provider->lock, NULL) == 0);
    ASSERT(pthread_cond_init(&provider->fetched, NULL) == 0);
    return provider;
}

void aws_provider_free(struct aws_provider *provider)
{
    if (provider == NULL)
        return;
    pthread_cond_destroy(&provider->fetched);
    pthread_mutex_destroy(&provider->lock);
    arena_free(provider->kept);
    free(provider);
}

static struct aws_provider *shared;

static void make_shared(void)
{
    shared = aws_provider_new();
}

struct aws_provider *aws_provider_shared(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_shared);
    return shared;
}
