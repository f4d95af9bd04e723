#include "domain/money_json.h"

static const int64_t EXACT_MAX = (INT64_C(1) << 53) - 1;

void json_write_minor(struct json_writer *w, const char *name, int64_t minor)
{
    char digits[MONEY_TEXT_SIZE + 1];
    if (minor >= -EXACT_MAX && minor <= EXACT_MAX)
        json_write_i64(w, name, minor);
    else
        json_write_text(w, name, money_format(minor, 0, digits));
}

void json_write_money(struct json_writer *w, const char *name, int64_t minor,
                      const struct currency *currency)
{
    char amount[MONEY_TEXT_SIZE + 1];
    json_begin_object(w, name);
    json_write_text(w, "amount", money_format(minor, currency->exponent, amount));
    json_write_minor(w, "amount_minor", minor);
    json_write_text(w, "currency", text_of(currency->code));
    json_write_i64(w, "exponent", currency->exponent);
    json_end_object(w);
}
