#include "gateway/account_request.h"

#include "base/assert.h"

#include <string.h>

static void check_limit(enum decimal_result result, const char *pointer,
                        struct field_errors *fields)
{
    switch (result) {
    case DECIMAL_OK:
        break;
    case DECIMAL_MALFORMED:
        fields_refuse(fields, pointer, "amount_malformed",
                      "it must be digits with an optional fraction, without sign or exponent");
        break;
    case DECIMAL_TOO_LARGE:
        fields_refuse_as(fields, PROBLEM_AMOUNT_OUT_OF_RANGE, pointer,
                         "it must have at most 12 digits in minor units");
        break;
    case DECIMAL_TOO_PRECISE:
        fields_refuse_as(fields, PROBLEM_AMOUNT_PRECISION, pointer,
                         "it has more decimals than any currency");
        break;
    }
}

static void read_limit(struct account_request *request, const struct json_value *value,
                       struct field_errors *fields)
{
    if (request->has_limit) {
        fields_refuse(fields, "/credit_limit_minor", "field_conflict",
                      "it cannot stand beside credit_limit");
        return;
    }
    request->has_limit = true;
    if (value->type == JSON_NUMBER || value->type == JSON_STRING)
        check_limit(decimal_parse(value->text, &request->limit), "/credit_limit", fields);
    else
        fields_refuse(fields, "/credit_limit", "type_wrong", "it must be a number or a string");
}

static void read_limit_minor(struct account_request *request, const struct json_value *value,
                             struct field_errors *fields)
{
    const char *const pointer = "/credit_limit_minor";
    if (request->has_limit) {
        fields_refuse(fields, pointer, "field_conflict", "it cannot stand beside credit_limit");
        return;
    }
    request->has_limit = true;
    request->limit_is_minor = true;
    if (value->type != JSON_NUMBER) {
        fields_refuse(fields, pointer, "type_wrong", "it must be an integer");
        return;
    }
    if (memchr(value->text.data, '.', value->text.size) != NULL) {
        fields_refuse(fields, pointer, "amount_malformed", "it must be an integer");
        return;
    }
    const enum decimal_result result = decimal_parse(value->text, &request->limit);
    if (result == DECIMAL_OK && request->limit.digits > AMOUNT_MINOR_MAX)
        check_limit(DECIMAL_TOO_LARGE, pointer, fields);
    else
        check_limit(result, pointer, fields);
}

static void read_currency(struct account_request *request, const struct json_value *value,
                          struct field_errors *fields)
{
    if (value->type != JSON_STRING) {
        fields_refuse(fields, "/currency", "type_wrong", "it must be a string");
        return;
    }
    request->currency = currency_find(value->text);
    if (request->currency == NULL)
        fields_refuse_as(fields, PROBLEM_CURRENCY_UNSUPPORTED, "/currency",
                         "it is no active currency of ISO 4217");
}

static void read_status(struct account_request *request, const struct json_value *value,
                        struct field_errors *fields)
{
    static const char *const STATES[] = {"open", "frozen", "closed"};
    for (size_t at = 0; at < COUNT(STATES); at++)
        if (value->type == JSON_STRING && text_equals_c(value->text, STATES[at]))
            request->status = value->text;
    if (text_is_none(request->status))
        fields_refuse(fields, "/status", "value_invalid", "it must be open, frozen or closed");
}

static const struct field {
    const char *name;
    void (*read)(struct account_request *request, const struct json_value *value,
                 struct field_errors *fields);
} FIELDS[] = {
    {"credit_limit", read_limit},
    {"credit_limit_minor", read_limit_minor},
    {"currency", read_currency},
    {"status", read_status},
};

static void read_member(struct account_request *request, const struct json_member *member,
                        struct field_errors *fields)
{
    for (size_t at = 0; at < COUNT(FIELDS); at++) {
        if (text_equals_c(member->name, FIELDS[at].name)) {
            FIELDS[at].read(request, &member->value, fields);
            return;
        }
    }
    fields_refuse_unknown(fields, member->name);
}

bool account_request_read(const struct json_value *body, struct account_request *request_out,
                          struct field_errors *fields)
{
    struct account_request request = {.status = TEXT_NONE};
    if (body->type != JSON_OBJECT)
        fields_refuse(fields, "", "type_wrong", "the body must be an object");
    else if (body->count == 0)
        fields_refuse(fields, "", "field_missing", "it must have credit_limit, currency or status");
    else
        for (size_t at = 0; at < body->count; at++)
            read_member(&request, &body->members[at], fields);
    if (fields->count > 0)
        return false;
    *request_out = request;
    return true;
}
