"""What Prometheus reads from each admin port equals what happened."""
import concurrent.futures
import math
import re
import subprocess
import uuid

import psycopg
import pytest
import requests
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from system import ledger_commands
from system.common import ROOT
from system.harness import OWNER, SERVICES, wait_until

BOUNDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2]


def exposition(system, service):
    answer = requests.get(f"http://127.0.0.1:{system.ports[f'{service}_admin']}/metrics", timeout=5)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


def scrape(system, service):
    return list(text_string_to_metric_families(exposition(system, service)))


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


@pytest.mark.parametrize("service", SERVICES)
def test_prometheus_finds_nothing_to_mend(system, service):
    """Its own linter: help texts, units, suffixes, histograms."""
    done = subprocess.run([ROOT / "tools/promtool", "check", "metrics"], capture_output=True,
                          text=True, timeout=300, input=exposition(system, service))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_openmetrics_for_whoever_asks(system, service):
    """The same series; its parser is strict."""
    url = f"http://127.0.0.1:{system.ports[f'{service}_admin']}/metrics"
    answer = requests.get(url, headers={"Accept": "application/openmetrics-text; version=1.0.0"},
                          timeout=5)
    assert answer.headers["Content-Type"] == \
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    open_names = {family.name for family in openmetrics.text_string_to_metric_families(answer.text)}
    assert open_names == {family.name for family in scrape(system, service)}


def test_a_slow_request_can_be_found(system):
    """By its trace id."""
    made = system.authorize("user-slow", "0.01").json()
    with psycopg.connect(system.owner_url()) as db:
        db.execute('SELECT FROM "authorization".account WHERE id = %s FOR UPDATE',
                   [made["account_id"]])
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = pool.submit(system.authorize, "user-slow", "0.01")
            wait_until(lambda: system.sql("""SELECT pid FROM pg_stat_activity
                                             WHERE datname = current_database()
                                               AND wait_event_type = 'Lock'
                                               AND now() - query_start > '60 ms'"""),
                       what="it waits for longer than what is not slow")
            db.rollback()
            trace_id = asked.result().headers["traceparent"].split("-")[1]
    wait_until(lambda: trace_id in exemplars(system, "gateway"), what="the slow request's trace id")


def exemplars(system, service):
    url = f"http://127.0.0.1:{system.ports[f'{service}_admin']}/metrics"
    text = requests.get(url, headers={"Accept": "application/openmetrics-text"}, timeout=5).text
    return {sample.exemplar.labels["trace_id"]
            for family in openmetrics.text_string_to_metric_families(text)
            for sample in family.samples if sample.exemplar}


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


def test_what_the_queues_have_no_place_for_is_shed(make_system):
    """The authorization service hangs; one request is with it, one waits, the rest is refused."""
    system = make_system(env={"TALLYSTICK_AUTHORIZATION_WORKERS": 1,
                              "TALLYSTICK_GATEWAY_QUEUE_SIZE": 1})
    system.pause("authorization")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(system.authorize, "user-shed") for _ in range(8)]
        wait_until(lambda: value(system, "gateway", "auth_shed_total", reason="queue_full") >= 1,
                   what="a full queue")
        system.resume("authorization")
        statuses = [request.result().status_code for request in asked]
    refused = statuses.count(503)
    assert refused >= 1 and statuses.count(201) == 8 - refused
    assert value(system, "gateway", "auth_shed_total", reason="queue_full") == refused


# ---- the authorization service ------------------------------------------------------------------

def test_decisions_by_code(system):
    change = Change(system, "authorization")
    name = "auth_decisions_total"
    system.put("/v1/accounts/user-codes", {"credit_limit": "50.00"})
    for number in range(3):
        assert system.authorize("user-codes", "20.00", transaction_id=f"tx-codes-{number}",
                                key=f"key-codes-{number}").status_code == 201
    system.authorize("user-codes", "20.00", transaction_id="tx-codes-0", key="key-codes-0")
    system.authorize("user-codes", "20.00", transaction_id="tx-codes-0", key="key-codes-new")
    assert change.of(name, decision="approved", code="approved") == 2
    assert change.of(name, decision="declined", code="credit_limit_exceeded") == 1
    assert change.of("auth_decision_duration_seconds_count") == 5  # repeats take their time, too
    assert 0 < change.of("auth_decision_duration_seconds_sum") < 60
    assert 1 <= change.of("auth_queue_wait_seconds_count") <= 6
    assert change.of("http_server_request_duration_seconds_count", http_request_method="POST",
                     http_route="/internal/authorizations", http_response_status_code="200") >= 1


def test_holds_that_expire(system):
    change = Change(system, "authorization")
    made = system.authorize("user-expires", expires_in=1).json()
    wait_until(lambda: system.get(f"/v1/authorizations/{made['id']}").json()["status"] == "expired",
               what="expired")
    change.becomes(1, "hold_expired_total")
    wait_until(lambda: value(system, "authorization", "hold_expiry_lag_seconds") == 0,
               what="nothing is overdue")


# ---- the way into the books ---------------------------------------------------------------------

@pytest.mark.bus("postgres")
def test_a_booking_and_its_release(system):
    changes = {service: Change(system, service) for service in SERVICES}
    made = system.authorize("user-books").json()
    system.wait_saga(made)
    system.post(f"/v1/authorizations/{made['id']}/void")
    system.settle()
    ledger, saga, outbox = changes["ledger"], changes["saga"], changes["outbox"]
    for kind in ("record_hold", "release_hold"):
        ledger.becomes(1, "ledger_journals_total", type=kind)
    for kind in ("authorize", "release"):
        saga.becomes(1, "saga_duration_seconds_count", saga=kind, state="completed")
    # Two commands; answered, they are four events, and each saga began with one.
    ledger.becomes(2, "messaging_client_consumed_messages_total")
    assert ledger.of("messaging_process_duration_seconds_count") == 2
    outbox.becomes(2, "messaging_client_sent_messages_total", source="ledger")
    sent = system.sql("SELECT count(*) FROM bus.bus_message")[0].count
    wait_until(lambda: sum(value(system, "outbox", "messaging_client_sent_messages_total",
                                 source=source) for source in ("authorization", "ledger", "saga"))
               == sent, what=f"{sent} messages sent")
    assert outbox.of("outbox_publish_duration_seconds_count", source="saga") >= 2
    for service in ("authorization", "ledger", "saga"):
        assert changes[service].of("inbox_duplicates_total") == 0


@pytest.mark.bus("postgres")
def test_the_backlog_of_an_outbox(make_system):
    """Nobody relays: what waits is counted by the outbox that comes back."""
    system = make_system(start=False).start("gateway", "authorization")
    for number in range(3):
        assert system.authorize(f"user-{number}").status_code == 201
    lock = "BEGIN; LOCK TABLE bus.bus_partition IN ACCESS EXCLUSIVE MODE"
    with psycopg.connect(system.cluster.url(system.database, OWNER)) as db:
        db.execute(lock)  # nothing can be published
        system.start("outbox")
        # Three decisions and the accounts that were opened with them.
        pending = system.sql('SELECT count(*) FROM "authorization".outbox')[0].count
        wait_until(lambda: value(system, "outbox", "outbox_pending", source="authorization")
                   == pending, what=f"{pending} events wait")
        assert 0 < value(system, "outbox", "outbox_oldest_age_seconds", source="authorization") < 60
        assert value(system, "outbox", "outbox_pending", source="ledger") == 0
    wait_until(lambda: value(system, "outbox", "outbox_pending", source="authorization") == 0,
               what="the outbox is empty")


@pytest.mark.bus("postgres")
def test_what_was_delivered_twice(make_system):
    """Progress that is lost, as by a crash between the effect and its confirmation."""
    system = make_system()
    system.wait_saga(system.authorize().json())
    system.settle()
    system.stop("ledger")
    moved = system.sql("""UPDATE bus.bus_cursor SET next_offset = next_offset - 1
                           WHERE consumer_group = 'ledger' AND next_offset > 0 RETURNING topic""")
    assert moved
    system.start("ledger")
    wait_until(lambda: value(system, "ledger", "inbox_duplicates_total") == len(moved),
               what="a duplicate")
    assert value(system, "ledger", "ledger_journals_total", type="record_hold") == 0
    system.settle()
    system.verify()


def test_dead_letters_and_parked_keys(make_system):
    system = make_system(start=False).start("ledger")
    broken = ledger_commands.Saga(ledger_commands.account_id()).do()
    broken["payload"].pop("amount")
    ledger_commands.publish(system, broken)
    wait_until(lambda: value(system, "ledger", "dlq_messages", **{"class": "schema"}) == 1,
               what="a dead letter")
    assert value(system, "ledger", "dlq_messages", **{"class": "bug"}) == 0
    assert 0 < value(system, "ledger", "dlq_oldest_age_seconds") < 60
    system.sql("""INSERT INTO ledger.parked_key (consumer_group, topic, key, reason, error_class,
                                                 next_try_at)
                  VALUES ('ledger', 'x', gen_random_uuid(), 'test', 'business', 'infinity')""")
    wait_until(lambda: value(system, "ledger", "parked_keys") == 1, what="a parked key")


def test_sagas_that_wait(make_system):
    """No ledger: the saga runs, then it is stuck; with the ledger it ends."""
    system = make_system(env={"TALLYSTICK_SAGA_REPEAT_MS": "1000", "TALLYSTICK_SAGA_STUCK_MS": 2000,
                              "TALLYSTICK_SAGA_SWEEP_MS": 50}, start=False)
    system.start("gateway", "authorization", "outbox", "saga")
    made = system.authorize().json()

    def sagas(state):
        return value(system, "saga", "saga_active", saga="authorize", state=state)
    wait_until(lambda: sagas("stuck") == 1 and value(system, "saga", "saga_stuck") == 1,
               what="a stuck saga")
    system.start("ledger")
    system.wait_saga(made)
    wait_until(lambda: sagas("stuck") == 0 and sagas("running") == 0 and
               value(system, "saga", "saga_stuck") == 0, what="no saga is open")
    assert value(system, "saga", "saga_duration_seconds_count", saga="authorize",
                 state="completed") == 1
