/* domain/money.h - amounts and currencies, without a rounding anywhere.
 *
 * Purpose:   an amount arrives as text and is kept as digits and scale until its currency is
 *            known; from then on it is an integer of minor units (cents), and sums are checked.
 * Units:     `_minor`: minor units, 10 to the power of the currency's exponent for one major unit.
 * Ownership: values; currencies are constants of the program.
 * Errors:    refusals are named values; an overflow says false.
 * Threads:   values. */
#ifndef DOMAIN_MONEY_H
#define DOMAIN_MONEY_H

#include "base/error.h"
#include "base/text.h"

/* An active code of ISO 4217. Codes without minor units (metals, funds, tests) are none of ours. */
struct currency {
    char code[4];
    int exponent;
};

/* By its code in capitals; NULL where the table has none such. */
const struct currency *currency_find(struct text code);

/* All of them in a row, by code: for tables that have a place for each. */
enum { CURRENCY_COUNT = 165 };
const struct currency *currency_at(size_t index);
size_t currency_index(const struct currency *currency);

/* digits / 10^scale, without trailing zeros in the fraction: 99.990 is {9999, 2}. */
struct decimal {
    int64_t digits;
    int scale;
};

/* Up to 12 digits of minor units: the n12 of ISO 8583's field 4. */
static const int64_t AMOUNT_MINOR_MAX = 999999999999;
/* No configuration raises the limit above this; far from where sums of many could overflow. */
static const int64_t AMOUNT_MINOR_CAP = 1000000000000000;

enum decimal_result {
    DECIMAL_OK,
    DECIMAL_MALFORMED,   /* anything but digits[.digits]: sign, exponent, blank, leading zero */
    DECIMAL_TOO_LARGE,   /* out of range in any currency: above AMOUNT_MINOR_MAX major units */
    DECIMAL_TOO_PRECISE, /* more decimals than any currency has      */
};

MUST_CHECK enum decimal_result decimal_parse(struct text t, struct decimal *out);

enum money_result {
    MONEY_OK,
    MONEY_PRECISION,    /* minor units cannot hold it exactly */
    MONEY_OUT_OF_RANGE, /* above AMOUNT_MINOR_MAX */
};

/* Zeros beyond the exponent are allowed: 1.000 JPY is 1. */
MUST_CHECK enum money_result decimal_to_minor(struct decimal decimal, int exponent, int64_t *out);

/* What minor units can hold of it: for limits that are configured in one currency and compared in
 * others, where the smaller amount is the safe one. At most AMOUNT_MINOR_MAX. */
int64_t decimal_to_minor_down(struct decimal decimal, int exponent);

/* False, and *out as it was, where the result does not fit. */
MUST_CHECK bool money_add(int64_t a_minor, int64_t b_minor, int64_t *out);
MUST_CHECK bool money_subtract(int64_t a_minor, int64_t b_minor, int64_t *out);

enum { MONEY_TEXT_SIZE = 22 };

/* 9999 with exponent 2: 99.99. Writes into `out`, NUL behind it, and returns a text of it. */
struct text money_format(int64_t minor, int exponent, char out[static MONEY_TEXT_SIZE + 1]);

#endif
