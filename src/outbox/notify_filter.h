/* outbox/notify_filter.h - which events others are notified of.
 *
 * Purpose:   reads the option notify-types: names of events, separated by commas; one may end with
 *            `*`: authorization.*, ledger.refused.
 * Units:     none.
 * Ownership: patterns borrow from the option's text.
 * Errors:    ERR_INVALID names the item that is none, or that no event can ever fit.
 * Threads:   values. */
#ifndef OUTBOX_NOTIFY_FILTER_H
#define OUTBOX_NOTIFY_FILTER_H

#include "base/error.h"
#include "base/text.h"

enum { NOTIFY_PATTERNS_MAX = 32 };

struct notify_filter {
    struct text patterns[NOTIFY_PATTERNS_MAX];
    size_t count;
};

MUST_CHECK enum status notify_filter_parse(const char *types, struct notify_filter *filter_out,
                                           struct error *err);
/* `event`: authorization.approved */
bool notify_filter_matches(const struct notify_filter *filter, struct text event);

/* The aggregates that events are about, without commands; ends with NULL. */
extern const char *const NOTIFY_AGGREGATES[];
/* Some event of the aggregate may match. */
bool notify_filter_reads(const struct notify_filter *filter, const char *aggregate);

#endif
