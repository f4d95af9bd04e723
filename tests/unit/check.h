/* check.h - what every unit test includes: cmocka, and checks that print the case they are in.
 *
 * A table test passes its `given` phrase first; a failing run prints it beside both values. */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/text.h"

#define CHECK(given, condition)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("given %s: %s does not hold", (given), #condition);                           \
    } while (0)

#define CHECK_EQ(given, got, want)                                                                 \
    do {                                                                                           \
        const long long got_ = (long long)(got), want_ = (long long)(want);                        \
        if (got_ != want_)                                                                         \
            fail_msg("given %s: %s is %lld, want %lld", (given), #got, got_, want_);               \
    } while (0)

#define CHECK_TEXT(given, got, want)                                                               \
    do {                                                                                           \
        const struct text got_ = (got);                                                            \
        const char *const want_ = (want);                                                          \
        if (!text_equals_c(got_, want_))                                                           \
            fail_msg("given %s: %s is '%.*s', want '%s'", (given), #got, TEXT_ARGS(got_), want_);  \
    } while (0)

#endif
