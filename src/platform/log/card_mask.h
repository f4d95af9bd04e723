/* platform/log/card_mask.h - no card number reaches a log, whoever wrote it there.
 *
 * Purpose:   finds runs of 13 to 19 digits whose last is the check digit of the rest (ISO/IEC
 *            7812, Luhn), in one piece or in groups as on a card (4111 1111 1111 1111), and hides
 *            all but their last four digits. One number in ten of that length is no card's and is
 *            hidden all the same.
 * Units:     sizes in bytes.
 * Ownership: the caller's buffer.
 * Errors:    none.
 * Threads:   any. */
#ifndef PLATFORM_LOG_CARD_MASK_H
#define PLATFORM_LOG_CARD_MASK_H

#include "base/text.h"

/* True: `out`, of t.size bytes, has the text with its card numbers masked. False: there is none in
 * it, and nothing was written. */
bool card_mask(struct text t, char *out);

#endif
