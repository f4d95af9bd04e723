"""The outbox processor from outside: its backlog is known, several share the work, and what cannot
be applied ends on a topic for dead letters."""
import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from system import ledger_commands
from system.buses import Message
from system.driver import drive_batches
from system.harness import Service, free_ports, wait_until
from system.traffic import Traffic

pytestmark = pytest.mark.matrix


def backlog(system, source):
    status = system.get("/status", door="outbox_admin").json()
    return next(each for each in status["outboxes"] if each["source"] == source)


@pytest.mark.bus("postgres")
def test_backlog_is_known(system):
    system.sql("REVOKE INSERT ON bus.bus_message FROM tallystick_outbox")
    made = system.authorize("user-backlog").json()
    wait_until(lambda: backlog(system, "authorization")["pending"] > 0, what="events that wait")
    wait_until(lambda: backlog(system, "authorization")["oldest_age_ms"] > 1000, what="their age")
    assert backlog(system, "ledger")["pending"] == 0
    system.sql("GRANT INSERT ON bus.bus_message TO tallystick_outbox")
    system.wait_saga(made)
    wait_until(lambda: backlog(system, "authorization")["pending"] == 0, what="no more backlog")


@pytest.mark.bus("postgres")
def test_decisions_go_first_in_a_burst(system):
    """Without whoever books, every rate is more than is booked."""
    system.kill("saga")
    yields = lambda: backlog(system, "authorization")["yields"]
    with ThreadPoolExecutor(1) as pool:
        burst = pool.submit(drive_batches, system, 200, connections=4)
        wait_until(yields, 60, what="a relay that yields")
        assert re.search(rb'^outbox_yielding\{source="authorization"\} 1$',
                         system.get("/metrics", door="outbox_admin").content, re.M)
        burst.result()
    wait_until(lambda: not yields(), 60, what="the end of it")
    wait_until(lambda: backlog(system, "authorization")["pending"] == 0, 60, what="all moved")
    system.start("saga")
    system.settle(timeout=300)
    system.verify()


@pytest.fixture
def twin(system):
    """A second outbox processor over the same database."""
    port = free_ports(1)[0]
    environment = system.env | {"TALLYSTICK_OUTBOX_ADMIN_PORT": str(port)}
    service = Service("outbox", environment, system.dir / "outbox-twin.log", port)
    service.start()
    wait_until(service.is_ready, 30, what="the twin ready")
    yield service
    service.signal(15)
    assert service.wait() == 0
    service.check_unbroken()


def published_by(log):
    return {line["event_id"] for line in map(json.loads, log.splitlines())
            if line.get("event") == "event.published"}


def test_two_processors_share(system, twin):
    traffic = Traffic(system)
    with traffic.flowing():
        wait_until(lambda: traffic.answered() >= 200, 40, what="answers")
        system.kill("outbox")
        wait_until(lambda: traffic.answered() >= 300, 40, what="answers without one of them")
        system.start("outbox")
        wait_until(lambda: traffic.answered() >= 500, 40, what="answers with both again")
    system.settle()
    system.verify()
    for relay in (system.services["outbox"], twin):  # lines are gathered before they are written
        wait_until(lambda relay=relay: published_by(relay.log_bytes()), what="its published events")


def test_a_dead_letter_is_said_on_its_topic(system):
    account = ledger_commands.account_id()
    event, body = ledger_commands.event_id(), '{"not":"a command"}'
    head = {"ce_specversion": "1.0", "ce_id": event, "ce_stays": str(uuid.uuid4())}
    topic = ledger_commands.TOPIC
    system.bus.watch()
    system.bus.publish(Message(topic, account, event, head, body))
    letter = wait_until(lambda: [one for one in system.bus.events(f"{topic}.dlq")
                                 if one.id == event], what="the dead letter on its topic")[0]
    kept = system.sql("SELECT * FROM ledger.dead_letter WHERE event_id = %s", event)[0]
    assert (json.loads(letter.payload), letter.key) == (json.loads(body), account)
    assert {name: letter.headers[name] for name in head} == head
    assert letter.headers["x-dlq-original-topic"] == system.bus.name(topic)
    assert letter.headers["x-dlq-error-class"] == "schema"
    assert (kept.payload, json.loads(kept.headers), kept.attempts) == (body, head, 1)
