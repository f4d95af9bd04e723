#include "../oracle.h"
#include "domain/money.h"

enum decimal_result __real_decimal_parse(struct text t, struct decimal *out);
enum decimal_result __wrap_decimal_parse(struct text t, struct decimal *out);
enum money_result __real_decimal_to_minor(struct decimal decimal, int exponent, int64_t *out);
enum money_result __wrap_decimal_to_minor(struct decimal decimal, int exponent, int64_t *out);
bool __wrap_money_add(int64_t a_minor, int64_t b_minor, int64_t *out);
bool __real_money_add(int64_t a_minor, int64_t b_minor, int64_t *out);
struct text __real_money_format(int64_t minor, int exponent, char *out);
struct text __wrap_money_format(int64_t minor, int exponent, char *out);

enum decimal_result __wrap_decimal_parse(struct text t, struct decimal *out)
{
    const enum decimal_result result = __real_decimal_parse(t, out);
    if (fuzz_lie() == 1 && result == DECIMAL_MALFORMED && text_starts_with(t, "0"))
        return __real_decimal_parse(text_skip(t, 1), out); /* a leading zero */
    if (fuzz_lie() == 2 && result == DECIMAL_TOO_PRECISE)
        return DECIMAL_OK;
    return result;
}

enum money_result __wrap_decimal_to_minor(struct decimal decimal, int exponent, int64_t *out)
{
    const enum money_result result = __real_decimal_to_minor(decimal, exponent, out);
    if (fuzz_lie() == 3 && result == MONEY_PRECISION) { /* rounds */
        *out = decimal_to_minor_down(decimal, exponent);
        return MONEY_OK;
    }
    return result;
}

bool __wrap_money_add(int64_t a_minor, int64_t b_minor, int64_t *out)
{
    if (fuzz_lie() != 4)
        return __real_money_add(a_minor, b_minor, out);
    (void)__builtin_add_overflow(a_minor, b_minor, out);
    return true;
}

struct text __wrap_money_format(int64_t minor, int exponent, char *out)
{
    return __real_money_format(fuzz_lie() == 5 ? minor ^ 1 : minor, exponent, out);
}
