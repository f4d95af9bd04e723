#include "base/sha256.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hex.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

/* Looking the algorithm up costs more than hashing a short text: done once. */
static EVP_MD *algorithm;

static void fetch_algorithm(void)
{
    algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    ASSERT(algorithm != NULL);
}

static EVP_MD_CTX *begin(void)
{
    static pthread_once_t fetched = PTHREAD_ONCE_INIT;
    pthread_once(&fetched, fetch_algorithm);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    ASSERT(hash != NULL);
    ASSERT(EVP_DigestInit_ex2(hash, algorithm, NULL) == 1);
    return hash;
}

static void add(EVP_MD_CTX *hash, const void *data, size_t size)
{
    ASSERT(EVP_DigestUpdate(hash, data, size) == 1);
}

static struct sha256 end(EVP_MD_CTX *hash)
{
    struct sha256 digest;
    ASSERT(EVP_DigestFinal_ex(hash, digest.bytes, NULL) == 1);
    EVP_MD_CTX_free(hash);
    return digest;
}

struct sha256 sha256_of(struct text whole)
{
    EVP_MD_CTX *hash = begin();
    add(hash, whole.data, whole.size);
    return end(hash);
}

struct sha256 sha256_of_parts(const struct text *parts, size_t count)
{
    EVP_MD_CTX *hash = begin();
    for (size_t at = 0; at < count; at++) {
        uint8_t size[8];
        for (size_t byte = 0; byte < sizeof size; byte++)
            size[byte] = (uint8_t)((uint64_t)parts[at].size >> (56 - 8 * byte));
        add(hash, size, sizeof size);
        add(hash, parts[at].data, parts[at].size);
    }
    return end(hash);
}

bool sha256_equals(const struct sha256 *a, const struct sha256 *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

struct text sha256_to_hex(struct arena *arena, const struct sha256 *digest)
{
    char *data = arena_alloc(arena, SHA256_HEX_SIZE + 1);
    *hex_write(data, digest->bytes, sizeof digest->bytes) = '\0';
    return (struct text){data, SHA256_HEX_SIZE};
}

bool sha256_parse_hex(struct text hex, struct sha256 *out)
{
    struct sha256 digest;
    if (!hex_parse(hex, digest.bytes, sizeof digest.bytes))
        return false;
    *out = digest;
    return true;
}
