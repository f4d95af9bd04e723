"""The log of services that run: how much they say, and what they never say."""
import json
import re

import pytest
import requests

from system.harness import SERVICES, wait_until

CARDS = ("4111111111111111", "5555 5555 5555 4444", "3782-822463-10005")


def level(system, service, method="GET", body=None, headers=None):
    url = f"http://127.0.0.1:{system.ports[f'{service}_admin']}/log-level"
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body)
    return requests.request(method, url, data=data, headers=headers, timeout=5)


def put(system, service, name, **options):
    return level(system, service, "PUT", {"level": name}, **options)


def lines_of(system, trace_id, service):
    return [line["event"] for line in system.logs(service, trace_id=trace_id)]


# ---- how much -----------------------------------------------------------------------------------

@pytest.mark.parametrize("service", SERVICES)
def test_the_level_is_told_and_changed(system, service):
    assert level(system, service).json() == {"level": "info"}
    for name in ("debug", "warning", "error", "info"):
        answer = put(system, service, name)
        assert (answer.status_code, answer.json()) == (200, {"level": name})
        assert level(system, service).json() == {"level": name}
    changes = wait_until(lambda: len(found := system.logs(service, event="log.level_changed")) == 4
                         and found)
    assert [(line["from"], line["to"]) for line in changes] == [
        ("info", "debug"), ("debug", "warning"), ("warning", "error"), ("error", "info")]


def test_less_is_logged_and_then_more(system):
    put(system, "gateway", "error")
    quiet = system.authorize("user-log").headers["traceparent"].split("-")[1]
    put(system, "gateway", "info")
    loud = system.authorize("user-log").headers["traceparent"].split("-")[1]
    wait_until(lambda: "request.answered" in lines_of(system, loud, "gateway"))
    assert lines_of(system, quiet, "gateway") == []
    wait_until(lambda: "authorization.approved" in lines_of(system, quiet, "authorization"))


@pytest.mark.parametrize("method, body, status, code", [
    ("PUT", {"level": "loud"}, 422, "validation_failed"),
    ("PUT", {"level": 1}, 422, "validation_failed"),
    ("PUT", {}, 422, "validation_failed"),
    ("PUT", b"debug", 400, "malformed_json"),
    ("PUT", None, 400, "malformed_json"),
    ("DELETE", None, 405, "method_not_allowed"),
])
def test_what_is_no_level_changes_nothing(system, method, body, status, code):
    answer = level(system, "ledger", method, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if status == 405:
        assert answer.headers["Allow"] == "GET, PUT"
    if status == 422:
        assert answer.json()["errors"][0]["pointer"] == "/level"
    assert level(system, "ledger").json() == {"level": "info"}


def test_in_production_a_change_needs_the_secret(make_system):
    system = make_system(profile="prod", start=False).start("ledger")
    bearer = {"Authorization": f"Bearer {system.secret}"}
    assert level(system, "ledger").json() == {"level": "info"}
    assert put(system, "ledger", "error").status_code == 401
    assert put(system, "ledger", "error", headers={"Authorization": "Bearer x"}).status_code == 401
    assert level(system, "ledger").json() == {"level": "info"}
    assert put(system, "ledger", "error", headers=bearer).json() == {"level": "error"}


# ---- what never ---------------------------------------------------------------------------------

@pytest.mark.parametrize("card", CARDS)
def test_no_card_number_reaches_a_log(system, card):
    """Whoever uses one as an id will find it masked in every service."""
    made = system.authorize("user-cards", transaction_id=card)
    trace_id = made.headers["traceparent"].split("-")[1]
    assert made.json()["transaction_id"] == card
    system.wait_saga(made.json())
    received = wait_until(lambda: system.logs("gateway", event="request.received",
                                              trace_id=trace_id))
    assert received[0]["transaction_id"] == re.sub(r"\d(?=(?:\D*\d){4})", "*", card)
    for service in SERVICES:
        assert card.encode() not in system.services[service].log_bytes()
