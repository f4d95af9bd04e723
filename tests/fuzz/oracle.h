/* oracle.h - what every fuzz target includes: checks that stop the run, and memory of one input.
 *
 * A target is a function of bytes. It must neither break a sanitizer nor an assertion of ours, and
 * what it says of its input must agree with what its oracle finds out in another way. */
#ifndef TESTS_FUZZ_ORACLE_H
#define TESTS_FUZZ_ORACLE_H

#include "base/arena.h"
#include "base/assert.h"
#include "base/text.h"

/* libFuzzer's: one input. A target defines it; 0: the input was of use. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Once, before the first input; where a target has to make something ready. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

_Noreturn void oracle_failed(const char *condition, const char *file, int line);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            oracle_failed(#condition, __FILE__, __LINE__);                                         \
    } while (0)

/* Memory for one input, empty again. */
struct arena *fuzz_arena(void);

/* The input, and the first byte of it taken away; 0 where there is none. */
struct text fuzz_text(const uint8_t *data, size_t size);
char fuzz_take_byte(struct text *input);

/* In the programs `broken_*` functions of ours are replaced by liars (folder broken/), one lie at a
 * time, to see that the oracle finds it. The number in FUZZ_LIE; 0: the truth. */
int fuzz_lie(void);

#endif
