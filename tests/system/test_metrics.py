"""What Prometheus reads from each admin port equals what happened."""
import math
import re
import uuid

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from system.harness import SERVICES, wait_until

BOUNDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2]


def scrape(system, service):
    answer = requests.get(f"http://127.0.0.1:{system.ports[f'{service}_admin']}/metrics", timeout=5)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return list(text_string_to_metric_families(answer.text))


def samples(system, service):
    """Every sample as {(name, labels): value}."""
    return {(sample.name, frozenset(sample.labels.items())): sample.value
            for family in scrape(system, service) for sample in family.samples}


def value(system, service, name, **labels):
    """One sample; 0 where it has not appeared."""
    return samples(system, service).get((name, frozenset(labels.items())), 0)


class Change:
    """How much samples have grown since it was made."""

    def __init__(self, system, service):
        self.system, self.service = system, service
        self.before = samples(system, service)

    def of(self, name, **labels):
        key = (name, frozenset(labels.items()))
        return samples(self.system, self.service).get(key, 0) - self.before.get(key, 0)

    def becomes(self, expected, name, **labels):
        """Some counts come a moment after the answer."""
        wait_until(lambda: self.of(name, **labels) == expected, what=f"{name} {labels} {expected}")


# ---- the form -----------------------------------------------------------------------------------

@pytest.mark.parametrize("service", SERVICES)
def test_every_metric_is_well_formed(system, service):
    for family in scrape(system, service):
        assert family.documentation.endswith("."), family.name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", family.name)
        assert family.type in ("counter", "gauge", "histogram"), family.name
        assert "user" not in family.name and "account" not in family.name
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
    names = [family.name for family in scrape(system, service)]
    assert len(names) == len(set(names))


def test_histograms_are_cumulative(system):
    system.authorize("user-buckets")
    for service in SERVICES:
        for family in scrape(system, service):
            if family.type == "histogram":
                check_histogram(family)


def check_histogram(family):
    series = {}
    for sample in family.samples:
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        series.setdefault(frozenset(labels.items()), []).append(sample)
    for parts in series.values():
        buckets = [(float(part.labels["le"]), part.value) for part in parts
                   if part.name.endswith("_bucket")]
        assert [bound for bound, _ in buckets] == sorted({bound for bound, _ in buckets})
        assert set(BOUNDS) < {bound for bound, _ in buckets}
        counts = [count for _, count in buckets]
        assert counts == sorted(counts)
        assert buckets[-1][0] == math.inf
        total = [part.value for part in parts if part.name.endswith("_count")]
        assert total == counts[-1:]
        assert len([part for part in parts if part.name.endswith("_sum")]) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_the_reference_lists_what_is_there(system, service):
    reference = system.tallystick("metrics").stdout
    for family in scrape(system, service):
        name = family.name + ("_total" if family.type == "counter" else "")
        assert f"| `{name}` | {family.type} | {family.documentation} |" in reference


@pytest.mark.parametrize("service", SERVICES)
def test_the_database_is_asked(system, service):
    """At least by the probe behind /readyz."""
    change = Change(system, service)
    wait_until(lambda: change.of("db_client_operation_duration_seconds_count", status="ok") > 0,
               what="a round trip")


# ---- the gateway --------------------------------------------------------------------------------

def test_requests_by_route_and_status(system):
    change = Change(system, "gateway")
    made = system.authorize("user-routes").json()
    system.authorize("user-routes", key=None)
    system.get(f"/v1/authorizations/{made['id']}")
    system.get(f"/v1/authorizations/{uuid.uuid4()}")
    system.get("/nowhere")
    system.put("/authorize", {})
    name = "http_server_request_duration_seconds_count"
    for method, route, status in (("POST", "/authorize", 201), ("POST", "/authorize", 400),
                                  ("GET", "/v1/authorizations/{id}", 200),
                                  ("GET", "/v1/authorizations/{id}", 404),
                                  ("", "", 404), ("", "", 405)):
        change.becomes(1, name, http_request_method=method, http_route=route,
                       http_response_status_code=str(status))


def test_idempotency_requests(system):
    change = Change(system, "gateway")
    name = "idempotency_requests_total"
    for _ in range(3):
        system.authorize("user-keys", transaction_id="tx-keys", key="key-keys")
    system.authorize("user-keys", transaction_id="tx-other", key="key-keys")
    system.authorize("user-keys", key=None)
    body = {"items": [{"transaction_id": f"tx-keys-{at}", "user_id": "user-keys", "amount": "1.00"}
                      for at in range(5)]}
    for _ in range(2):
        assert system.post("/v1/authorizations/batch", body, key="key-batch").status_code == 200
    assert {outcome: change.of(name, outcome=outcome) for outcome in
            ("new", "replay", "in_flight", "mismatch", "missing", "takeover", "fallback")} == \
        {"new": 1 + 5, "replay": 2 + 5, "in_flight": 0, "mismatch": 1, "missing": 1, "takeover": 0,
         "fallback": 0}
