/* base/random.h - unpredictable bytes from the kernel, without a system call for each.
 *
 * Purpose:   ids and secrets. Each thread keeps a pool that getrandom fills in one go.
 * Units:     bytes.
 * Ownership: values.
 * Errors:    none; a kernel without randomness aborts.
 * Threads:   any; a forked child starts with an empty pool, so it repeats nothing. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

enum { RANDOM_SIZE_MAX = 256 };

/* `size` is at most RANDOM_SIZE_MAX. */
void random_bytes(void *out, size_t size);

#endif
