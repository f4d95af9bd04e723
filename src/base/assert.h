/* base/assert.h - assertions that stay on in production.
 *
 * Purpose:   ASSERT states what the code before it has already guaranteed. A false one is a bug:
 *            the process prints where and stops, the supervisor starts it again. Input from
 *            outside is never asserted; it is refused with a message.
 * Units:     none.
 * Ownership: none.
 * Errors:    never returns when the condition is false.
 * Threads:   any. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

_Noreturn void assert_failed(const char *condition, const char *file, int line);

/* Called once before the process stops: the log writes what it still holds. */
void assert_set_last_words(void (*last_words)(void));

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            assert_failed(#condition, __FILE__, __LINE__);                                         \
    } while (0)

#define UNREACHABLE() assert_failed("unreachable", __FILE__, __LINE__)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
