/* domain/identifier.h - names that clients give: transaction_id, user_id.
 *
 * Purpose:   one rule for all of them, in bodies and in paths: 1 to 128 characters of UTF-8, none
 *            of them a control character (C0, DEL, C1). Blanks and letters of any script are
 *            accepted and compared byte for byte; nothing is folded or normalized.
 * Units:     characters are code points.
 * Ownership: values.
 * Errors:    refusals are named values.
 * Threads:   values. */
#ifndef DOMAIN_IDENTIFIER_H
#define DOMAIN_IDENTIFIER_H

#include "base/text.h"

enum { IDENTIFIER_CHARACTERS_MAX = 128 };

enum identifier_result {
    IDENTIFIER_OK,
    IDENTIFIER_EMPTY,
    IDENTIFIER_TOO_LONG,
    IDENTIFIER_UNPRINTABLE, /* a control character, or no UTF-8 */
};

enum identifier_result identifier_check(struct text t);

#endif
