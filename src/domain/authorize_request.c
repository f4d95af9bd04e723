#include "domain/authorize_request.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/utf8.h"
#include "domain/identifier.h"

/* What an answer repeats of a client's field names. */
enum { NAME_SIZE_MAX = 64 };

struct reading {
    struct arena *arena;
    struct authorize_request request;
    bool has_amount;
    bool has_amount_minor;
    enum problem_code problem; /* the gravest so far */
    struct problem_error *errors;
    size_t error_count;
};

/* One line on one field, under its problem. */
static void refuse(struct reading *r, enum problem_code problem, struct problem_error error)
{
    /* A field that is not valid outweighs one that is valid and not supported; else the first. */
    if (r->problem == PROBLEM_NONE || problem == PROBLEM_VALIDATION_FAILED)
        r->problem = problem;
    if (r->errors == NULL)
        r->errors = ARENA_NEW_ARRAY(r->arena, struct problem_error, PROBLEM_ERRORS_MAX);
    if (r->error_count < PROBLEM_ERRORS_MAX)
        r->errors[r->error_count++] = error;
}

static void refuse_field(struct reading *r, const char *pointer, const char *code,
                         const char *detail)
{
    refuse(r, PROBLEM_VALIDATION_FAILED,
           (struct problem_error){text_of(pointer), code, text_of(detail)});
}

/* As a JSON pointer (RFC 6901): ~ and / of the name are escaped. */
static struct text pointer_to(struct arena *arena, struct text name)
{
    struct text_builder pointer;
    text_builder_init(&pointer, arena, name.size + 8);
    text_builder_add(&pointer, "/", 1);
    for (size_t at = 0; at < name.size; at++) {
        if (name.data[at] == '~')
            text_builder_add(&pointer, "~0", 2);
        else if (name.data[at] == '/')
            text_builder_add(&pointer, "~1", 2);
        else
            text_builder_add(&pointer, name.data + at, 1);
    }
    return text_builder_text(&pointer);
}

static void refuse_unknown(struct reading *r, struct text whole_name)
{
    const struct text name = utf8_clip(whole_name, NAME_SIZE_MAX);
    const struct text detail =
        text_format(r->arena, "the field '%.*s' is unknown", TEXT_ARGS(name));
    refuse(r, PROBLEM_VALIDATION_FAILED,
           (struct problem_error){pointer_to(r->arena, name), "field_unknown", detail});
}

static struct text read_identifier(struct reading *r, const char *pointer,
                                   const struct json_value *value)
{
    if (value->type != JSON_STRING) {
        refuse_field(r, pointer, "type_wrong", "it must be a string");
        return TEXT_NONE;
    }
    switch (identifier_check(value->text)) {
    case IDENTIFIER_OK:
        return value->text;
    case IDENTIFIER_EMPTY:
        refuse_field(r, pointer, "value_invalid", "it must not be empty");
        return TEXT_NONE;
    case IDENTIFIER_TOO_LONG:
        refuse_field(r, pointer, "value_invalid", "it must have at most 128 characters");
        return TEXT_NONE;
    case IDENTIFIER_UNPRINTABLE:
        refuse_field(r, pointer, "value_invalid", "it must not have control characters");
        return TEXT_NONE;
    }
    UNREACHABLE();
}

static void read_transaction_id(struct reading *r, const struct json_value *value)
{
    r->request.transaction_id = read_identifier(r, "/transaction_id", value);
}

static void read_user_id(struct reading *r, const struct json_value *value)
{
    r->request.user_id = read_identifier(r, "/user_id", value);
}

static void refuse_zero(struct reading *r, const char *pointer)
{
    refuse_field(r, pointer, "amount_not_positive", "it must be more than zero");
}

static void refuse_too_large(struct reading *r, const char *pointer)
{
    refuse(r, PROBLEM_AMOUNT_OUT_OF_RANGE,
           (struct problem_error){text_of(pointer), "amount_out_of_range",
                                  TEXT("it must have at most 12 digits in minor units")});
}

/* Refuses what no currency could make good; the rest waits for the account's currency. */
static void read_amount(struct reading *r, const struct json_value *value)
{
    r->has_amount = true;
    if (value->type != JSON_NUMBER && value->type != JSON_STRING) {
        refuse_field(r, "/amount", "type_wrong", "it must be a number or a string");
        return;
    }
    switch (decimal_parse(value->text, &r->request.amount)) {
    case DECIMAL_OK:
        break;
    case DECIMAL_MALFORMED:
        refuse_field(r, "/amount", "amount_malformed",
                     "it must be digits with an optional fraction, such as 99.99, without sign, "
                     "exponent, blanks or leading zeros");
        return;
    case DECIMAL_TOO_LARGE:
        refuse_too_large(r, "/amount");
        return;
    case DECIMAL_TOO_PRECISE:
        refuse(r, PROBLEM_AMOUNT_PRECISION,
               (struct problem_error){TEXT("/amount"), "amount_precision",
                                      TEXT("it has more decimals than any currency")});
        return;
    }
    if (r->request.amount.digits == 0)
        refuse_zero(r, "/amount");
}

static void read_amount_minor(struct reading *r, const struct json_value *value)
{
    r->has_amount_minor = true;
    r->request.amount_is_minor = true;
    if (value->type != JSON_NUMBER) {
        refuse_field(r, "/amount_minor", "type_wrong", "it must be an integer");
        return;
    }
    const enum decimal_result result = decimal_parse(value->text, &r->request.amount);
    const bool is_integer = memchr(value->text.data, '.', value->text.size) == NULL;
    if (result == DECIMAL_MALFORMED || !is_integer)
        refuse_field(r, "/amount_minor", "amount_malformed",
                     "it must be an integer in digits, without sign or exponent");
    else if (result == DECIMAL_TOO_LARGE)
        refuse_too_large(r, "/amount_minor");
    else if (r->request.amount.digits == 0)
        refuse_zero(r, "/amount_minor");
}

static bool is_three_letters(struct text t)
{
    for (size_t at = 0; at < t.size; at++) {
        const char c = t.data[at];
        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z'))
            return false;
    }
    return t.size == 3;
}

static void read_currency(struct reading *r, const struct json_value *value)
{
    if (value->type != JSON_STRING) {
        refuse_field(r, "/currency", "type_wrong", "it must be a string");
        return;
    }
    if (!is_three_letters(value->text)) {
        refuse_field(r, "/currency", "value_invalid", "it must have three letters");
        return;
    }
    r->request.currency = currency_find(value->text);
    if (r->request.currency != NULL)
        return;
    const struct text detail =
        text_format(r->arena, "'%.*s' is no active currency of ISO 4217", TEXT_ARGS(value->text));
    refuse(r, PROBLEM_CURRENCY_UNSUPPORTED,
           (struct problem_error){TEXT("/currency"), "currency_unsupported", detail});
}

static void read_expires_in(struct reading *r, const struct json_value *value)
{
    int64_t seconds = 0;
    if (value->type != JSON_NUMBER)
        refuse_field(r, "/expires_in", "type_wrong", "it must be an integer");
    else if (!text_to_i64(value->text, &seconds) || seconds < 1 || seconds > EXPIRES_IN_S_MAX)
        refuse_field(r, "/expires_in", "value_invalid",
                     "it must be an integer of seconds, from 1 to 366 days");
    r->request.expires_in_s = seconds;
}

static const struct field {
    const char *name;
    void (*read)(struct reading *r, const struct json_value *value);
} FIELDS[] = {
    {"transaction_id", read_transaction_id},
    {"user_id", read_user_id},
    {"amount", read_amount},
    {"amount_minor", read_amount_minor},
    {"currency", read_currency},
    {"expires_in", read_expires_in},
};

static void read_member(struct reading *r, const struct json_member *member)
{
    for (size_t at = 0; at < COUNT(FIELDS); at++) {
        if (text_equals_c(member->name, FIELDS[at].name)) {
            FIELDS[at].read(r, &member->value);
            return;
        }
    }
    refuse_unknown(r, member->name);
}

static void check_presence(struct reading *r, const struct json_value *body)
{
    if (json_get(body, "transaction_id") == NULL)
        refuse_field(r, "/transaction_id", "field_missing", "it is missing");
    if (json_get(body, "user_id") == NULL)
        refuse_field(r, "/user_id", "field_missing", "it is missing");
    if (!r->has_amount && !r->has_amount_minor)
        refuse_field(r, "/amount", "field_missing", "it is missing, and so is amount_minor");
    if (r->has_amount && r->has_amount_minor)
        refuse_field(r, "/amount_minor", "field_conflict", "it cannot stand beside amount");
}

/* The first error in one line, and how many more there are. */
static struct text summarize(const struct reading *r)
{
    const struct problem_error *const first = &r->errors[0];
    const char *const colon = first->pointer.size == 0 ? "" : ": ";
    const struct text line = text_format(r->arena, "%.*s%s%.*s", TEXT_ARGS(first->pointer), colon,
                                         TEXT_ARGS(first->detail));
    if (r->error_count == 1)
        return line;
    return text_format(r->arena, "%.*s (and %zu more)", TEXT_ARGS(line), r->error_count - 1);
}

enum problem_code authorize_request_read(struct arena *arena, const struct json_value *body,
                                         struct authorize_request *request_out,
                                         struct problem *problem_out)
{
    struct reading r = {.arena = arena, .problem = PROBLEM_NONE};
    if (body->type == JSON_OBJECT) {
        for (size_t at = 0; at < body->count; at++)
            read_member(&r, &body->members[at]);
        check_presence(&r, body);
    } else {
        refuse_field(&r, "", "type_wrong", "the body must be an object");
    }
    if (r.problem == PROBLEM_NONE) {
        *request_out = r.request;
        return PROBLEM_NONE;
    }
    problem_out->code = r.problem;
    problem_out->detail = summarize(&r);
    problem_out->errors = r.errors;
    problem_out->error_count = r.error_count;
    return r.problem;
}

enum money_result authorize_request_minor(const struct authorize_request *request,
                                          const struct currency *currency, int64_t *minor_out)
{
    ASSERT(request->amount.digits > 0);
    if (!request->amount_is_minor)
        return decimal_to_minor(request->amount, currency->exponent, minor_out);
    return decimal_to_minor(request->amount, 0, minor_out);
}
