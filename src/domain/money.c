#include "domain/money.h"

#include "base/assert.h"

#include <stdlib.h>

enum { EXPONENT_MAX = 4 };

/* Sorted by code, for the search. */
/* clang-format off */
static const struct currency CURRENCIES[] = {
    {"AED", 2}, {"AFN", 2}, {"ALL", 2}, {"AMD", 2}, {"AOA", 2}, {"ARS", 2}, {"AUD", 2}, {"AWG", 2},
    {"AZN", 2}, {"BAM", 2}, {"BBD", 2}, {"BDT", 2}, {"BGN", 2}, {"BHD", 3}, {"BIF", 0}, {"BMD", 2},
    {"BND", 2}, {"BOB", 2}, {"BOV", 2}, {"BRL", 2}, {"BSD", 2}, {"BTN", 2}, {"BWP", 2}, {"BYN", 2},
    {"BZD", 2}, {"CAD", 2}, {"CDF", 2}, {"CHE", 2}, {"CHF", 2}, {"CHW", 2}, {"CLF", 4}, {"CLP", 0},
    {"CNY", 2}, {"COP", 2}, {"COU", 2}, {"CRC", 2}, {"CUP", 2}, {"CVE", 2}, {"CZK", 2}, {"DJF", 0},
    {"DKK", 2}, {"DOP", 2}, {"DZD", 2}, {"EGP", 2}, {"ERN", 2}, {"ETB", 2}, {"EUR", 2}, {"FJD", 2},
    {"FKP", 2}, {"GBP", 2}, {"GEL", 2}, {"GHS", 2}, {"GIP", 2}, {"GMD", 2}, {"GNF", 0}, {"GTQ", 2},
    {"GYD", 2}, {"HKD", 2}, {"HNL", 2}, {"HTG", 2}, {"HUF", 2}, {"IDR", 2}, {"ILS", 2}, {"INR", 2},
    {"IQD", 3}, {"IRR", 2}, {"ISK", 0}, {"JMD", 2}, {"JOD", 3}, {"JPY", 0}, {"KES", 2}, {"KGS", 2},
    {"KHR", 2}, {"KMF", 0}, {"KPW", 2}, {"KRW", 0}, {"KWD", 3}, {"KYD", 2}, {"KZT", 2}, {"LAK", 2},
    {"LBP", 2}, {"LKR", 2}, {"LRD", 2}, {"LSL", 2}, {"LYD", 3}, {"MAD", 2}, {"MDL", 2}, {"MGA", 2},
    {"MKD", 2}, {"MMK", 2}, {"MNT", 2}, {"MOP", 2}, {"MRU", 2}, {"MUR", 2}, {"MVR", 2}, {"MWK", 2},
    {"MXN", 2}, {"MXV", 2}, {"MYR", 2}, {"MZN", 2}, {"NAD", 2}, {"NGN", 2}, {"NIO", 2}, {"NOK", 2},
    {"NPR", 2}, {"NZD", 2}, {"OMR", 3}, {"PAB", 2}, {"PEN", 2}, {"PGK", 2}, {"PHP", 2}, {"PKR", 2},
    {"PLN", 2}, {"PYG", 0}, {"QAR", 2}, {"RON", 2}, {"RSD", 2}, {"RUB", 2}, {"RWF", 0}, {"SAR", 2},
    {"SBD", 2}, {"SCR", 2}, {"SDG", 2}, {"SEK", 2}, {"SGD", 2}, {"SHP", 2}, {"SLE", 2}, {"SOS", 2},
    {"SRD", 2}, {"SSP", 2}, {"STN", 2}, {"SVC", 2}, {"SYP", 2}, {"SZL", 2}, {"THB", 2}, {"TJS", 2},
    {"TMT", 2}, {"TND", 3}, {"TOP", 2}, {"TRY", 2}, {"TTD", 2}, {"TWD", 2}, {"TZS", 2}, {"UAH", 2},
    {"UGX", 0}, {"USD", 2}, {"USN", 2}, {"UYI", 0}, {"UYU", 2}, {"UYW", 4}, {"UZS", 2}, {"VED", 2},
    {"VES", 2}, {"VND", 0}, {"VUV", 0}, {"WST", 2}, {"XAF", 0}, {"XCD", 2}, {"XCG", 2}, {"XOF", 0},
    {"XPF", 0}, {"YER", 2}, {"ZAR", 2}, {"ZMW", 2}, {"ZWG", 2},
};
/* clang-format on */
_Static_assert(COUNT(CURRENCIES) == CURRENCY_COUNT, "CURRENCY_COUNT counts them");

static int compare_code(const void *key, const void *row)
{
    const struct text *const code = key;
    const struct currency *const currency = row;
    return text_compare(*code, text_of(currency->code));
}

const struct currency *currency_find(struct text code)
{
    return bsearch(&code, CURRENCIES, COUNT(CURRENCIES), sizeof CURRENCIES[0], compare_code);
}

const struct currency *currency_at(size_t index)
{
    ASSERT(index < COUNT(CURRENCIES));
    return &CURRENCIES[index];
}

size_t currency_index(const struct currency *currency)
{
    ASSERT(currency >= CURRENCIES && currency < CURRENCIES + COUNT(CURRENCIES));
    return (size_t)(currency - CURRENCIES);
}

static bool is_digits(struct text t)
{
    if (t.size == 0)
        return false;
    for (size_t at = 0; at < t.size; at++) {
        if (t.data[at] < '0' || t.data[at] > '9')
            return false;
    }
    return true;
}

/* As in JSON: a zero leads only where it stands alone. */
static bool is_whole(struct text t)
{
    return is_digits(t) && (t.size == 1 || t.data[0] != '0');
}

static struct text without_trailing_zeros(struct text digits)
{
    while (digits.size > 0 && digits.data[digits.size - 1] == '0')
        digits.size--;
    return digits;
}

/* False where *value would overflow. */
static bool append_digits(struct text digits, int64_t *value)
{
    for (size_t at = 0; at < digits.size; at++) {
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, digits.data[at] - '0', value))
            return false;
    }
    return true;
}

enum decimal_result decimal_parse(struct text t, struct decimal *out)
{
    struct text fraction = t;
    const struct text whole = text_cut(&fraction, '.');
    const bool has_point = whole.size < t.size;
    if (!is_whole(whole))
        return DECIMAL_MALFORMED;
    if (has_point && !is_digits(fraction))
        return DECIMAL_MALFORMED;
    if (has_point)
        fraction = without_trailing_zeros(fraction);

    int64_t digits = 0;
    if (!append_digits(whole, &digits) || digits > AMOUNT_MINOR_MAX)
        return DECIMAL_TOO_LARGE;
    if (fraction.size > EXPONENT_MAX || !append_digits(fraction, &digits))
        return DECIMAL_TOO_PRECISE;
    *out = (struct decimal){.digits = digits, .scale = (int)fraction.size};
    return DECIMAL_OK;
}

enum money_result decimal_to_minor(struct decimal decimal, int exponent, int64_t *out)
{
    ASSERT(decimal.digits >= 0);
    ASSERT(decimal.scale >= 0);
    ASSERT(exponent >= 0);
    ASSERT(exponent <= EXPONENT_MAX);
    int64_t minor = decimal.digits;
    for (int scale = decimal.scale; scale > exponent; scale--) {
        if (minor % 10 != 0)
            return MONEY_PRECISION;
        minor /= 10;
    }
    for (int scale = decimal.scale; scale < exponent; scale++) {
        if (__builtin_mul_overflow(minor, 10, &minor))
            return MONEY_OUT_OF_RANGE;
    }
    if (minor > AMOUNT_MINOR_MAX)
        return MONEY_OUT_OF_RANGE;
    *out = minor;
    return MONEY_OK;
}

int64_t decimal_to_minor_down(struct decimal decimal, int exponent)
{
    int64_t minor = 0;
    while (decimal.scale > exponent) {
        decimal.digits /= 10;
        decimal.scale--;
    }
    return decimal_to_minor(decimal, exponent, &minor) == MONEY_OK ? minor : AMOUNT_MINOR_MAX;
}

bool money_add(int64_t a_minor, int64_t b_minor, int64_t *out)
{
    int64_t sum = 0;
    if (__builtin_add_overflow(a_minor, b_minor, &sum))
        return false;
    *out = sum;
    return true;
}

bool money_subtract(int64_t a_minor, int64_t b_minor, int64_t *out)
{
    int64_t difference = 0;
    if (__builtin_sub_overflow(a_minor, b_minor, &difference))
        return false;
    *out = difference;
    return true;
}

struct text money_format(int64_t minor, int exponent, char out[static MONEY_TEXT_SIZE + 1])
{
    ASSERT(exponent >= 0);
    ASSERT(exponent <= EXPONENT_MAX);
    char *at = out + MONEY_TEXT_SIZE; /* written from its end */
    *at = '\0';
    uint64_t rest = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
    /* All digits, and at least one before the point. */
    for (int written = 0; rest > 0 || written <= exponent; written++) {
        if (written == exponent && written > 0)
            *--at = '.';
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (minor < 0)
        *--at = '-';
    const size_t size = (size_t)(out + MONEY_TEXT_SIZE - at);
    memmove(out, at, size + 1);
    return (struct text){out, size};
}
