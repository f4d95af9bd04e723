"""Amounts are text or minor units, never rounded, and refused where they are not exact."""
import json
import uuid

import pytest

ACCOUNTS = {"money-usd": "USD", "money-jpy": "JPY", "money-kwd": "KWD"}


@pytest.fixture(scope="module")
def accounts(system):
    for user_id, currency in ACCOUNTS.items():
        limit = {"credit_limit_minor": 999_999_999_999, "currency": currency}
        assert system.put(f"/v1/accounts/{user_id}", limit).status_code in (200, 201)
    return system


def ask(system, user_id, amount, currency=None, name="amount"):
    """POST /authorize with the amount as it is written here, and a fresh transaction id."""
    fields = {"transaction_id": str(uuid.uuid4()), "user_id": user_id}
    fields |= {"currency": currency} if currency else {}
    body = json.dumps(fields)[:-1] + f', "{name}": {amount}}}'
    return system.post("/authorize", body.encode())


@pytest.mark.parametrize("user_id, written, amount, minor", [
    ("money-usd", "99.99", "99.99", 9999),
    ("money-usd", '"99.99"', "99.99", 9999),
    ("money-usd", "99.990", "99.99", 9999),
    ("money-usd", "0.01", "0.01", 1),
    ("money-usd", "5", "5.00", 500),
    ("money-usd", "1.10", "1.10", 110),
    ("money-usd", "4503599627.37", "4503599627.37", 450359962737),
    ("money-jpy", "100", "100", 100),
    ("money-jpy", "100.000", "100", 100),
    ("money-kwd", "1.234", "1.234", 1234),
    ("money-kwd", "0.1", "0.100", 100),
])
def test_exact_amounts(accounts, user_id, written, amount, minor):
    answer = ask(accounts, user_id, written)
    assert answer.status_code == 201, answer.text
    currency = ACCOUNTS[user_id]
    exponent = {"USD": 2, "JPY": 0, "KWD": 3}[currency]
    assert answer.json()["requested"] == {
        "amount": amount, "amount_minor": minor, "currency": currency, "exponent": exponent}


def test_minor_units(accounts):
    answer = ask(accounts, "money-kwd", "1234", name="amount_minor")
    assert answer.json()["requested"]["amount"] == "1.234"


@pytest.mark.parametrize("user_id, written, code", [
    ("money-usd", "99.991", "amount_precision"),
    ("money-jpy", "100.5", "amount_precision"),
    ("money-kwd", "1.2345", "amount_precision"),
    ("money-usd", "0.000000000000000000001", "amount_precision"),
    ("money-usd", "1e2", "validation_failed"),
    ("money-usd", "1E+2", "validation_failed"),
    ("money-usd", "1e999999999999999999999", "validation_failed"),
    ("money-usd", "-1", "validation_failed"),
    ("money-usd", '"-1"', "validation_failed"),
    ("money-usd", '"+1"', "validation_failed"),
    ("money-usd", "0", "validation_failed"),
    ("money-usd", "0.00", "validation_failed"),
    ("money-usd", '""', "validation_failed"),
    ("money-usd", '" 1"', "validation_failed"),
    ("money-usd", '"1,5"', "validation_failed"),
    ("money-usd", '"0x10"', "validation_failed"),
    ("money-usd", '"1."', "validation_failed"),
    ("money-usd", '".5"', "validation_failed"),
    ("money-usd", '"NaN"', "validation_failed"),
    ("money-usd", "null", "validation_failed"),
    ("money-usd", "true", "validation_failed"),
    ("money-usd", "[1]", "validation_failed"),
    ("money-usd", "12345678901234567890", "amount_out_of_range"),
    ("money-usd", "10000000000.00", "amount_out_of_range"),
    ("money-jpy", "1000000000000", "amount_out_of_range"),
])
def test_refused_amounts(accounts, user_id, written, code):
    answer = ask(accounts, user_id, written)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == "/amount"


@pytest.mark.parametrize("written", ["1.5", "-1", "0", '"1"', "1e2", "1000000000000", "null"])
def test_refused_minor_units(accounts, written):
    answer = ask(accounts, "money-usd", written, name="amount_minor")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/amount_minor"


def test_largest_amount(accounts):
    answer = ask(accounts, "money-jpy", "999999999999")
    assert answer.json()["requested"]["amount_minor"] == 999_999_999_999


def test_both_amounts(accounts):
    body = {"transaction_id": "t", "user_id": "u", "amount": 1, "amount_minor": 100}
    answer = accounts.post("/authorize", body)
    assert answer.json()["errors"][0]["code"] == "field_conflict"


def test_currency_of_another_account(accounts):
    answer = ask(accounts, "money-usd", "1", "EUR")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["decision_code"]) == ("declined", "currency_mismatch")
    assert body["iso8583_response"] == "12"


@pytest.mark.parametrize("currency", ["XYZ", "XAU", "usd"])
def test_currency_that_is_none(accounts, currency):
    answer = ask(accounts, "money-usd", "1", currency)
    assert (answer.status_code, answer.json()["code"]) == (422, "currency_unsupported")


@pytest.mark.parametrize("body", [
    pytest.param(b'{"amount": NaN}', id="NaN"),
    pytest.param(b'{"amount": Infinity}', id="Infinity"),
    pytest.param(b'{"amount": +1}', id="a plus"),
    pytest.param(b'{"amount": 01}', id="a leading zero"),
    pytest.param(b'{"amount": 1, "amount": 1}', id="a member twice"),
    pytest.param(b'{"amount": 1, "\\u0061mount": 1}', id="a member twice, once escaped"),
    pytest.param(b'{"user_id": "\xff"}', id="invalid UTF-8"),
    pytest.param(b'{"user_id": "\xc0\x80"}', id="overlong UTF-8"),
    pytest.param(b'{"user_id": "a\x00b"}', id="NUL"),
    pytest.param(b'{"user_id": "a\\u0000b"}', id="escaped NUL"),
    pytest.param(b'{"user_id": "\\ud800"}', id="lone surrogate"),
    pytest.param(b'{"user_id": "\xed\xa0\x80"}', id="lone surrogate in UTF-8"),
    pytest.param(b'{"a":' * 40 + b"1" + b"}" * 40, id="deep nesting"),
    pytest.param(b"[" * 60_000, id="very deep nesting"),
    pytest.param(b'{"amount": 1} x', id="trailing garbage"),
    pytest.param(b'{"amount": 1}{"amount": 1}', id="two texts"),
    pytest.param(b'{"amount": 1,}', id="a trailing comma"),
    pytest.param(b'{"amount": 1', id="cut off"),
    pytest.param(b"", id="nothing"),
    pytest.param(b'\xef\xbb\xbf{"amount": 1}', id="a byte order mark"),
])
def test_text_that_is_no_json(system, body):
    answer = system.post("/authorize", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


def test_unknown_fields_are_refused_by_name(system):
    body = {"transaction_id": "t", "user_id": "u", "amount": 1, "amuont": 2, "a/b~c": 3}
    answer = system.post("/authorize", body)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/amuont", "/a~1b~0c"}
