#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

static void (*say_last_words)(void);

void assert_set_last_words(void (*last_words)(void))
{
    say_last_words = last_words;
}

_Noreturn void assert_failed(const char *condition, const char *file, int line)
{
    void (*const last_words)(void) = say_last_words;
    say_last_words = NULL; /* they may fail too */
    if (last_words != NULL)
        last_words();
    fprintf(stderr, "assertion failed: %s at %s:%d; this is a bug, please report it\n", condition,
            file, line);
    abort();
}
