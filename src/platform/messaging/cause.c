#include "platform/messaging/cause.h"

#include "base/assert.h"

static const struct {
    const char *code;
    const char *class;
} TABLE[] = {[CAUSE_NONE] = {NULL, NULL},
#define CAUSE_AS_ROW(name, code, class) [CAUSE_##name] = {code, class},
             CAUSES(CAUSE_AS_ROW)
#undef CAUSE_AS_ROW
};

const char *cause_code(enum cause cause)
{
    return TABLE[cause].code;
}

const char *cause_class(enum cause cause)
{
    return TABLE[cause].class;
}

enum cause cause_of_code(struct text code)
{
    for (size_t at = CAUSE_NONE + 1; at < COUNT(TABLE); at++)
        if (text_equals_c(code, TABLE[at].code))
            return (enum cause)at;
    return CAUSE_NONE;
}
