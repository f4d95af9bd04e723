/* Amounts: the text is read by another hand, and every currency's exponent tried. */
#include "domain/money.h"
#include "oracle.h"

#include <stdio.h>

enum { EXPONENT_MAX = 4, SUM_SIZE = 2 * sizeof(int64_t) };

__extension__ typedef __int128 wide;

/* digits[.digits] without a leading zero, as a small machine. */
static bool is_amount(struct text t)
{
    enum { START, ZERO, WHOLE, POINT, FRACTION } state = START;
    for (size_t at = 0; at < t.size; at++) {
        const char c = t.data[at];
        if (c == '.' && (state == ZERO || state == WHOLE))
            state = POINT;
        else if (c < '0' || c > '9' || state == ZERO)
            return false;
        else if (state == START)
            state = c == '0' ? ZERO : WHOLE;
        else if (state == POINT)
            state = FRACTION;
    }
    return state == ZERO || state == WHOLE || state == FRACTION;
}

/* The value of `count` digits, those that are missing taken as zeros; at most one above what any
 * amount may be. */
static wide value_of(struct text digits, size_t count)
{
    const wide much = (wide)AMOUNT_MINOR_CAP * 10000;
    wide value = 0;
    for (size_t at = 0; at < count; at++) {
        value = value * 10 + (at < digits.size ? digits.data[at] - '0' : 0);
        if (value > much)
            value = much;
    }
    return value;
}

static bool has_digits_beyond(struct text fraction, size_t count)
{
    for (size_t at = count; at < fraction.size; at++)
        if (fraction.data[at] != '0')
            return true;
    return false;
}

/* In the minor units of one exponent: what decimal_to_minor must say. */
static void check_minor(struct decimal decimal, struct text whole, struct text fraction,
                        int exponent)
{
    const size_t places = (size_t)exponent;
    wide scale = 1;
    for (int at = 0; at < exponent; at++)
        scale *= 10;
    const wide exact = value_of(whole, whole.size) * scale + value_of(fraction, places);
    const bool is_exact = !has_digits_beyond(fraction, places);
    int64_t minor = -1;
    const enum money_result result = decimal_to_minor(decimal, exponent, &minor);
    HOLDS((result == MONEY_PRECISION) == !is_exact);
    HOLDS((result == MONEY_OUT_OF_RANGE) == (is_exact && exact > AMOUNT_MINOR_MAX));
    HOLDS(result != MONEY_OK || minor == exact);
    const int64_t down = decimal_to_minor_down(decimal, exponent);
    HOLDS(down == (exact > AMOUNT_MINOR_MAX ? AMOUNT_MINOR_MAX : exact));
}

static void check_amount(struct text t)
{
    struct text fraction = t;
    const struct text whole = text_cut(&fraction, '.');
    struct decimal decimal = {-1, -1};
    const enum decimal_result result = decimal_parse(t, &decimal);
    HOLDS((result != DECIMAL_MALFORMED) == is_amount(t));
    if (result == DECIMAL_MALFORMED)
        return;
    const bool is_large = value_of(whole, whole.size) > AMOUNT_MINOR_MAX;
    HOLDS((result == DECIMAL_TOO_LARGE) == is_large);
    HOLDS((result == DECIMAL_TOO_PRECISE) ==
          (!is_large && has_digits_beyond(fraction, EXPONENT_MAX)));
    if (result != DECIMAL_OK)
        return;
    for (int exponent = 0; exponent <= EXPONENT_MAX; exponent++)
        check_minor(decimal, whole, fraction, exponent);
}

/* What is written is read again as what it was. */
static void check_written(int64_t minor, int exponent)
{
    char out[MONEY_TEXT_SIZE + 1];
    struct decimal decimal;
    int64_t again = -1;
    const struct text written = money_format(minor, exponent, out);
    HOLDS(out[written.size] == '\0');
    if (minor < 0 || minor > AMOUNT_MINOR_MAX)
        return;
    HOLDS(decimal_parse(written, &decimal) == DECIMAL_OK);
    HOLDS(decimal_to_minor(decimal, exponent, &again) == MONEY_OK && again == minor);
}

static void check_sums(int64_t a, int64_t b)
{
    int64_t sum = 0;
    const wide exact_sum = (wide)a + b;
    const wide exact_difference = (wide)a - b;
    const bool is_sum = money_add(a, b, &sum);
    HOLDS(is_sum == (exact_sum >= INT64_MIN && exact_sum <= INT64_MAX));
    HOLDS(!is_sum || sum == exact_sum);
    const bool is_difference = money_subtract(a, b, &sum);
    HOLDS(is_difference == (exact_difference >= INT64_MIN && exact_difference <= INT64_MAX));
    HOLDS(!is_difference || sum == exact_difference);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t pair[2];
    check_amount(fuzz_text(data, size));
    if (size < SUM_SIZE)
        return 0;
    memcpy(pair, data, SUM_SIZE);
    check_sums(pair[0], pair[1]);
    for (int exponent = 0; exponent <= EXPONENT_MAX; exponent++)
        check_written(pair[0], exponent);
    return 0;
}
