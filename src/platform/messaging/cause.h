/* platform/messaging/cause.h - why a message could not be applied, as codes that never change.
 *
 * Purpose:   every cause there is, each with its class, which says what to do: schema (mend the
 *            sender), business (mend the data), transient_exhausted (redrive when it is over), bug
 *            (mend the program). Operators filter by both; docs/runbooks/dead-letters.md tells what
 *            to do about each.
 * Units:     none.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   values. */
#ifndef PLATFORM_MESSAGING_CAUSE_H
#define PLATFORM_MESSAGING_CAUSE_H

#include "base/text.h"

/* clang-format off */
#define CAUSES(X)                                                                                  \
    /* code                   class                                                             */ \
    X(HEADERS_INVALID,        "headers_invalid",        "schema")   /* no CloudEvents 1.0       */ \
    X(COMMAND_UNKNOWN,        "command_unknown",        "schema")   /* nobody can do this       */ \
    X(PAYLOAD_INVALID,        "payload_invalid",        "schema")   /* a member lacks, is wrong */ \
    X(AUTHORIZATION_UNKNOWN,  "authorization_unknown",  "business") /* it is not there          */ \
    X(ACCOUNT_MISMATCH,       "account_mismatch",       "business") /* the hold is another's    */ \
    X(DATABASE_BUSY,          "database_busy",          "transient_exhausted") /* locks, time   */ \
    X(DATABASE_REFUSED,       "database_refused",       "bug")      /* it will not save this    */ \
    X(CONSUMER_CRASHED,       "consumer_crashed",       "bug")      /* time after time          */ \
    X(REHEARSED,              "rehearsed",              "bug")      /* as was asked for         */
/* clang-format on */

enum cause {
    CAUSE_NONE, /* of a message that waits behind another */
#define CAUSE_AS_ENUM(name, code, class) CAUSE_##name,
    CAUSES(CAUSE_AS_ENUM)
#undef CAUSE_AS_ENUM
};

const char *cause_code(enum cause cause);  /* NULL: CAUSE_NONE */
const char *cause_class(enum cause cause); /* NULL: CAUSE_NONE */
/* CAUSE_NONE: it is no code of ours. */
enum cause cause_of_code(struct text code);

#endif
