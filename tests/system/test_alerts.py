"""Every alert that is shipped fires on its trouble, in a real Prometheus that scrapes five running
services, and clears when the trouble has gone."""
import contextlib
import json
import time
import uuid

import psycopg
import pytest

from system.common import ROOT
from system.dead_letters import redrive, refused
from system.harness import wait_until
from system.prometheus import Prometheus
from system.traffic import Traffic

HASTY = {
    "TALLYSTICK_DECISION_TIMEOUT_MS": 2000,
    "TALLYSTICK_SAGA_REPEAT_MS": 1000, "TALLYSTICK_SAGA_STUCK_MS": 2000,
    "TALLYSTICK_SAGA_SWEEP_MS": 50,
    "TALLYSTICK_LEDGER_SELF_CHECK_MS": 5, "TALLYSTICK_AUTHORIZATION_SELF_CHECK_MS": 5,
    "TALLYSTICK_PARK_WAIT_MS": 1000, "TALLYSTICK_PARK_ATTEMPTS_MAX": 3,
}
CLEARS_S = 40
# A booking that is on its way when a trouble comes may have to wait for an answer, too.
MAY_FOLLOW = {"TallystickSagaStuck"}


@pytest.fixture(scope="module")
def keys(cluster):
    proxy = cluster.parts.proxy(cluster.parts.get("dynamodb").address)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def watched(keys, open_system):
    """A system with a little traffic."""
    system = open_system(HASTY | {"AWS_ENDPOINT_URL_DYNAMODB": f"http://{keys.listen}"},
                         bus="postgres", keystore="dynamodb")
    with Traffic(system, clients=2, insists=False, rest_s=0.1).flowing():
        yield system
    system.settle()
    system.verify()


@pytest.fixture(scope="module")
def prometheus(watched):
    it = Prometheus(watched, watched.dir / "monitoring")
    yield it
    it.close()


# ---- what is shown ------------------------------------------------------------------------------

def queries():
    for path in sorted((ROOT / "deploy/grafana/dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", panel["description"], target["expr"]


def test_every_panel_has_something_to_show(prometheus):
    """Or says until when it has not."""
    for name, about, expression in queries():
        expression = expression.replace("$__rate_interval", "8s")
        found = prometheus.query(expression)
        if not about.startswith("Empty until"):
            found or wait_until(lambda: prometheus.query(expression), what=f"{name}: {expression}")


# ---- troubles -----------------------------------------------------------------------------------
# Each is made, leaves on `stack` how it is mended, and returns the alerts that it raises.

def bus_takes_nothing(stack, system):
    stack.callback(system.sql, "GRANT INSERT ON bus.bus_message TO tallystick_outbox")
    system.sql("REVOKE INSERT ON bus.bus_message FROM tallystick_outbox")
    return {"TallystickOutboxOld", "TallystickDegraded"}


def accounts_held_by_somebody(stack, system):
    """All of them. Who asks for one waits in vain, and so does the sweeper."""
    assert system.authorize("traffic-0", "0.01", expires_in=1).status_code == 201
    db = stack.enter_context(psycopg.connect(system.owner_url()))
    db.execute('LOCK TABLE "authorization".account IN EXCLUSIVE MODE')
    stack.enter_context(Traffic(system, clients=4, insists=False, users=1).flowing())
    stack.callback(db.rollback)
    return {"TallystickExpiryLag", "TallystickErrorRate", "TallystickSlow"}


def key_store_away(stack, keys):
    stack.callback(keys.mend)
    keys.cut()
    return {"TallystickKeyStoreFallback", "TallystickDegraded"}


def books_out_of_sight(stack, system):
    """The ledger's self-check alone reads entries while it books."""
    stack.callback(system.sql, "GRANT SELECT ON ledger.entry TO tallystick_ledger")
    system.sql("REVOKE SELECT ON ledger.entry FROM tallystick_ledger")
    return {"TallystickBooksUnchecked"}


def books_corrupted(stack, system):
    """A cent too much in the ledger and another on an account, by hand."""
    made = system.authorize("user-corrupted").json()
    system.wait_saga(made)
    for query in ("""UPDATE ledger.balance SET debit_minor = debit_minor + %s
                      WHERE ledger_account_id = %s AND layer = 'pending'""",
                  """UPDATE "authorization".account SET held_minor = held_minor + %s
                      WHERE id = %s"""):
        stack.callback(system.sql, query, -1, made["account_id"])
        system.sql(query, 1, made["account_id"])
    return {"TallystickInvariantViolated"}


def command_cannot_be_saved(stack, system):
    """It is parked first, then a dead letter, and its saga has no answer."""
    user = f"user-{uuid.uuid4()}"
    account = system.put(f"/v1/accounts/{user}", {"credit_limit": "100.00"}).json()["id"]
    stack.callback(redrive, system, "--all")
    stack.enter_context(refused(system, "ledger.ledger_account", f"NEW.id = '{account}'"))
    assert system.authorize(user).status_code == 201
    return {"TallystickParkedKeys", "TallystickDeadLetters", "TallystickSagaStuck"}


def client_that_loops(_, system):
    key, transaction = str(uuid.uuid4()), str(uuid.uuid4())
    for _ in range(40):
        system.authorize("user-loop", transaction_id=transaction, key=key)
    return {"TallystickReplays"}


def ledger_stopped(stack, system):
    system.stop("ledger")
    stack.callback(system.start, "ledger")
    system.authorize("user-waits")
    return {"TallystickServiceDown", "TallystickSagaStuck"}


# ---- and what Prometheus makes of them -----------------------------------------------------------

def quiet(prometheus):
    wait_until(lambda: not prometheus.alerts(), CLEARS_S, every=0.2,
               what="no alert fires any more")


def check(prometheus, *troubles):
    """They raise just their alerts, all at once, and leave none behind."""
    quiet(prometheus)
    seen = {}
    with contextlib.ExitStack() as stack:
        expected = set().union(*(trouble(stack, where) for trouble, where in troubles))
        for name in sorted(expected):
            wait_until(lambda: seen.update(prometheus.alerts()) or name in seen, CLEARS_S,
                       every=0.2, what=f"{name} fires")
        assert seen.keys() - MAY_FOLLOW == expected - MAY_FOLLOW
    quiet(prometheus)
    for alert in seen.values():
        assert not any("{{" in text or "<" in text for text in alert["annotations"].values())
    return seen


@pytest.fixture(scope="module")
def fired():
    return {}


def test_the_bus_the_accounts_and_the_key_store(prometheus, watched, keys, fired):
    fired |= check(prometheus, (bus_takes_nothing, watched), (accounts_held_by_somebody, watched),
                   (key_store_away, keys), (books_out_of_sight, watched))


def test_slow_requests_have_traces(prometheus, watched):
    """Those that have just waited for locked accounts."""
    now = time.time()
    found = prometheus.ask("query_exemplars", start=now - 600, end=now,
                           query='http_server_request_duration_seconds_bucket{service="gateway"}')
    traces = {one["labels"]["trace_id"] for series in found for one in series["exemplars"]}
    assert any(watched.logs("gateway", trace_id=trace, event="request.answered")
               for trace in traces)


def test_books_a_command_and_a_client(prometheus, watched, fired):
    fired |= check(prometheus, (books_corrupted, watched), (command_cannot_be_saved, watched),
                   (client_that_loops, watched))


def test_a_service_is_down(prometheus, watched, fired):
    fired |= check(prometheus, (ledger_stopped, watched))


def test_no_alert_was_left_out(prometheus, fired):
    assert {rule["name"] for rule in prometheus.rules()} == fired.keys()
