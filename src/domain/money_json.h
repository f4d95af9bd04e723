/* domain/money_json.h - an amount as every body and event shows it.
 *
 * Purpose:   {"amount":"99.99","amount_minor":9999,"currency":"USD","exponent":2}: as text for
 *            people, as an integer for programs.
 * Units:     `_minor`: minor units.
 * Ownership: none.
 * Errors:    none.
 * Threads:   values. */
#ifndef DOMAIN_MONEY_JSON_H
#define DOMAIN_MONEY_JSON_H

#include "base/json.h"
#include "domain/money.h"

/* An integer that a reader of doubles could not hold exactly (beyond 2^53 - 1) is a string. */
void json_write_minor(struct json_writer *w, const char *name, int64_t minor);
void json_write_money(struct json_writer *w, const char *name, int64_t minor,
                      const struct currency *currency);

#endif
