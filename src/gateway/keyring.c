#include "gateway/keyring.h"

#include "base/arena.h"
#include "base/assert.h"
#include "gateway/gateway.h"
#include "gateway/gateway_sql.h"
#include "gateway/routes.h"
#include "gateway/store.h"
#include "gateway/visit.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/worker.h"

#include <pthread.h>

enum {
    READ_EVERY_MS = 1000,      /* a revoked key opens nothing after this */
    READ_FOR_UNKNOWN_MS = 100, /* guessed keys cost the database ten questions a second at most */
    WAITING_MAX = 256,
};

static const size_t KEYS_SIZE_MAX = 32 * 1024 * 1024;

struct keyring {
    struct db_config db_config;
    struct db *db;           /* the loop's */
    struct arena *arenas[2]; /* the keys in use are in one, the next are read into the other */
    int arena_in_use;
    bool is_down;        /* the last reading failed: said once */
    int64_t last_try_us; /* the loop's, monotonic clock */
    struct loop *loop;

    pthread_mutex_t lock; /* guards what follows */
    struct api_key_list list;
    struct visit_list waiting;
};

static int compare_hashes(const struct sha256 *left, const struct sha256 *right)
{
    return memcmp(left->bytes, right->bytes, sizeof left->bytes);
}

static struct keyring *new_keyring(struct gateway *gateway)
{
    struct keyring *keyring = ARENA_NEW(gateway->arena, struct keyring);
    keyring->db_config = service_db_config(&gateway->config->service, "gateway");
    keyring->db_config.statements[0] = gateway_statements;
    keyring->db = db_new(&keyring->db_config);
    keyring->arenas[0] = arena_new(KEYS_SIZE_MAX);
    keyring->arenas[1] = arena_new(KEYS_SIZE_MAX);
    pthread_mutex_init(&keyring->lock, NULL);
    return keyring;
}

/* A key that was read again is limited by what it has sent so far. Both lists are sorted. */
static void keep_levels(const struct api_key_list *before, struct api_key_list *list)
{
    size_t at = 0;
    for (size_t next = 0; next < list->count; next++) {
        struct api_key *key = &list->keys[next];
        while (at < before->count && compare_hashes(&before->keys[at].hash, &key->hash) < 0)
            at++;
        if (at < before->count && sha256_equals(&before->keys[at].hash, &key->hash))
            token_bucket_adopt(&key->bucket, &before->keys[at].bucket);
    }
}

static enum status read_keys(struct keyring *keyring, struct error *err)
{
    const int next = 1 - keyring->arena_in_use;
    struct api_key_list list;
    arena_reset(keyring->arenas[next]);
    TRY(store_read_api_keys(keyring->db, keyring->arenas[next], &list, err));
    pthread_mutex_lock(&keyring->lock);
    keep_levels(&keyring->list, &list);
    keyring->list = list;
    pthread_mutex_unlock(&keyring->lock);
    keyring->arena_in_use = next;
    return OK;
}

static void dispatch_waiting(struct visit *first, enum status outcome)
{
    for (struct visit *v = first, *next = NULL; v != NULL; v = next) {
        next = v->next;
        if (outcome == OK)
            routes_dispatch(v);
        else
            visit_refuse(v, PROBLEM_DEPENDENCY_DOWN, "the key cannot be looked up right now");
    }
}

static void log_outcome(struct keyring *keyring, enum status outcome, const struct error *err)
{
    const bool is_down = outcome != OK;
    if (is_down && !keyring->is_down)
        log_error(NULL, "keyring.stale", "API keys cannot be read, the known ones stay in use",
                  kv_str("detail", err->message));
    if (!is_down && keyring->is_down)
        log_info(NULL, "keyring.fresh", "API keys can be read again");
    keyring->is_down = is_down;
}

/* How long until the keys are to be read: sooner where somebody waits. */
static int rest_ms(struct keyring *keyring, int64_t last_try_us)
{
    pthread_mutex_lock(&keyring->lock);
    const int every_ms = keyring->waiting.count > 0 ? READ_FOR_UNKNOWN_MS : READ_EVERY_MS;
    pthread_mutex_unlock(&keyring->lock);
    const int64_t left_us = last_try_us + every_ms * 1000LL - clock_monotonic_us();
    return left_us > 0 ? (int)(left_us / 1000) + 1 : 0;
}

static int keyring_step(void *context)
{
    struct keyring *keyring = context;
    const int rest = rest_ms(keyring, keyring->last_try_us);
    if (rest > 0)
        return rest;
    /* Taken before the reading, so that the reading is younger than each of them. */
    pthread_mutex_lock(&keyring->lock);
    struct visit *waiting = visit_list_take(&keyring->waiting);
    pthread_mutex_unlock(&keyring->lock);
    struct error err;
    keyring->last_try_us = clock_monotonic_us();
    const enum status outcome = read_keys(keyring, &err);
    log_outcome(keyring, outcome, &err);
    dispatch_waiting(waiting, outcome);
    return rest_ms(keyring, keyring->last_try_us);
}

static enum status read_first(struct keyring *keyring, bool is_open, struct error *err)
{
    keyring->last_try_us = clock_monotonic_us();
    TRY(read_keys(keyring, err));
    if (keyring->list.count == 0 && !is_open)
        return error_set(err, ERR_INVALID,
                         "there is no API key, so nobody could come in: make one by "
                         "'tallystick key create --name first --scopes admin', then start again");
    return OK;
}

enum status keyring_start(struct gateway *gateway, struct keyring **keyring_out, struct error *err)
{
    struct keyring *keyring = new_keyring(gateway);
    const enum status outcome = read_first(keyring, gateway->is_open, err);
    if (outcome != OK) {
        keyring_stop(keyring);
        return outcome;
    }
    keyring->loop = loop_start("keyring", keyring_step, keyring);
    *keyring_out = keyring;
    return OK;
}

void keyring_stop(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    loop_stop(keyring->loop);
    dispatch_waiting(visit_list_take(&keyring->waiting), ERR_DOWN);
    db_free(keyring->db);
    arena_free(keyring->arenas[0]);
    arena_free(keyring->arenas[1]);
}

static struct api_key *find(const struct api_key_list *list, const struct sha256 *hash)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_hashes(&list->keys[middle].hash, hash);
        if (order == 0)
            return &list->keys[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool keyring_find(struct keyring *keyring, const struct sha256 *hash, struct principal *out)
{
    pthread_mutex_lock(&keyring->lock);
    const struct api_key *found = find(&keyring->list, hash);
    if (found != NULL)
        *out = found->principal;
    pthread_mutex_unlock(&keyring->lock);
    return found != NULL;
}

int64_t keyring_admit(struct keyring *keyring, const struct principal *principal)
{
    int64_t wait_us = 0;
    pthread_mutex_lock(&keyring->lock);
    struct api_key *found = find(&keyring->list, &principal->key_hash);
    if (found != NULL)
        wait_us = token_bucket_take(&found->bucket, clock_monotonic_us());
    pthread_mutex_unlock(&keyring->lock);
    return wait_us;
}

void keyring_charge(struct keyring *keyring, const struct principal *principal, int64_t requests)
{
    pthread_mutex_lock(&keyring->lock);
    struct api_key *found = find(&keyring->list, &principal->key_hash);
    if (found != NULL)
        token_bucket_charge(&found->bucket, requests);
    pthread_mutex_unlock(&keyring->lock);
}

bool keyring_wait(struct keyring *keyring, struct visit *visit)
{
    pthread_mutex_lock(&keyring->lock);
    const bool has_room = keyring->waiting.count < WAITING_MAX;
    if (has_room)
        visit_list_add(&keyring->waiting, visit);
    pthread_mutex_unlock(&keyring->lock);
    if (has_room)
        loop_wake(keyring->loop);
    return has_room;
}
