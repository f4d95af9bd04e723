"""What schemathesis is told besides openapi.yaml: why a request that fits it may be refused."""
import schemathesis

# What a schema cannot say of a value, or of two values together, or of what was there before.
REASONS = {
    "idempotency_key_reused",  # for another request
    "parameter_invalid",       # a cursor that no page gave, a parameter beside one that excludes it
    "currency_unsupported",    # three letters that are none
    "amount_precision",        # more decimals than the currency has
    "amount_out_of_range",
    "validation_failed",       # for one of ERRORS alone
}
ERRORS = {"amount_not_positive", "amount_out_of_range", "amount_precision", "currency_unsupported",
          "expires_in_too_long"}  # than the profile's own
# To JSON Schema 982.0 is an integer and 1e3 a number; here money and counts are digits alone.
ERRORS_OF_FLOATS = {"amount_malformed", "value_invalid"}

# An account is opened by its first PUT, which needs a limit; a later one need not have it.
ERRORS_OF_FIRST_PUT = {"missing"}


def may_be_first_put(case):
    body = case.body if isinstance(case.body, dict) else {}
    return case.method == "PUT" and not {"credit_limit", "credit_limit_minor"} & body.keys()


def has_float(value):
    if isinstance(value, (dict, list)):
        return any(map(has_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


@schemathesis.check
def is_refused_for_a_reason(ctx, response, case):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in (400, 422):
        return
    problem = response.json()
    errors = {error["code"] for error in problem.get("errors", [])}
    known = ERRORS | (ERRORS_OF_FLOATS if has_float(case.body) else set())
    known |= ERRORS_OF_FIRST_PUT if may_be_first_put(case) else set()
    assert problem["code"] in REASONS and errors <= known, \
        f"it fits the document and is refused: {problem['code']} {sorted(errors)}"
