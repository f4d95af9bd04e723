"""One trace through all five services: what a collector is told about whole transactions, undone
ones, and such as died on their way and were redriven; over each bus. The collector reads by
OpenTelemetry's own definitions (system/otlp_sink.py), the bus by a client that is not ours."""
import secrets
import uuid

import pytest
from conftest import opened
from system.dead_letters import HASTY, refused
from system.harness import System, wait_until

WHOLE = pytest.mark.cells(("postgres", "none"), ("kafka", "dynamodb"))
pytestmark = [pytest.mark.matrix, pytest.mark.cells(("postgres", "none"))]

# Processes measure with one clock, and each knows its distance from the wall's to a millisecond.
CLOCK_NS = 2_000_000
SERVICES = {f"tallystick-{name}" for name in
            ("gateway", "authorization", "outbox", "saga", "ledger")}
STATE = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"

# Steps of a transaction, each below the one before it: service, kind, and what it is about.
DOOR = [("gateway", "server", "POST /authorize"), ("gateway", "client", "authorize"),
        ("authorization", "server", "authorize")]
BEGUN = [*DOOR, ("outbox", "producer", "authorization.approved"),
         ("saga", "consumer", "authorization.approved")]
COMMANDED = [*BEGUN, ("outbox", "producer", "ledger.record_hold"),
             ("ledger", "consumer", "ledger.record_hold")]
BOOKED = [*COMMANDED, ("outbox", "producer", "ledger.hold_recorded"),
          ("saga", "consumer", "ledger.hold_recorded")]
REFUSED = [*COMMANDED, ("outbox", "producer", "ledger.refused"),
           ("saga", "consumer", "ledger.refused")]
RELEASED = [*REFUSED, ("outbox", "producer", "authorization.release"),
            ("authorization", "consumer", "authorization.release")]
UNDONE = [*RELEASED, ("outbox", "producer", "authorization.reversed"),
          ("saga", "consumer", "authorization.reversed")]
BRANCHES = {
    "booked": [BOOKED, [*BEGUN, ("outbox", "producer", "saga.started")],
               [*BOOKED, ("outbox", "producer", "saga.completed")]],
    "undone": [UNDONE, [*REFUSED, ("outbox", "producer", "saga.compensating")],
               [*UNDONE, ("outbox", "producer", "saga.compensated")]],
}


@pytest.fixture(scope="module")
def stage(cell, cluster, collector):
    """Five services that tell the collector everything, and soon give up what they cannot apply."""
    bus, keystore = cell
    env = collector.environment() | HASTY
    with opened(System(cluster, bus=bus, keystore=keystore, env=env)) as system:
        system.bus.watch()
        yield system
        system.settle()
        system.verify()


class Asked:
    """A request as a client sends it who traces, too; and what became of it."""

    def __init__(self):
        self.trace_id, self.span_id = secrets.token_hex(16), secrets.token_hex(8)
        self.user = f"holder-{uuid.uuid4()}"

    def headers(self, sampled=True):
        return {"traceparent": f"00-{self.trace_id}-{self.span_id}-0{int(sampled)}",
                "tracestate": STATE}

    def ask(self, system, **fields):
        answer = system.authorize(self.user, "41.17", headers=self.headers(), **fields)
        assert answer.headers["traceparent"].split("-")[1] == self.trace_id
        assert answer.headers["tracestate"] == STATE
        self.made = answer.json()
        return self.made


@pytest.fixture
def asked():
    return Asked()


# ---- reading a trace -----------------------------------------------------------------------------

def step_of(span):
    about = span.attributes.get("tallystick.message.type", span.name)
    return span.service.removeprefix("tallystick-"), span.kind, about


def path_to(span, spans):
    """The steps from the door to a span; None while something in between has not come."""
    by_id = {one.span_id: one for one in spans}
    path = [step_of(span)]
    while span.parent_id in by_id:
        span = by_id[span.parent_id]
        path.insert(0, step_of(span))
    return path if path[0] == DOOR[0] else None


def has_branches(branches):
    def has(spans):
        paths = [path_to(span, spans) for span in spans]
        return all(branch in paths for branch in branches)
    return has


def wait_trace(collector, asked, branches):
    return collector.wait(has_branches(branches), trace_id=asked.trace_id)


def at(spans, path):
    """The spans at the end of a path, in order of time."""
    return sorted((span for span in spans if path_to(span, spans) == path),
                  key=lambda span: span.begun_ns)


def check_tree(asked, spans):
    """Of one root, each child begun after its parent; nothing in it is about who holds the
    account."""
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans), "a span came twice"
    root, = [span for span in spans if span.parent_id == asked.span_id]
    assert step_of(root) == DOOR[0]
    for span in spans:
        if span.kind in ("producer", "consumer") or span is root:
            assert span.tracestate == STATE, span.name
        if span is not root:
            assert span.parent_id in by_id, f"{span.service} {span.name} has lost its parent"
            assert span.begun_ns >= by_id[span.parent_id].begun_ns - CLOCK_NS, span.name
    said = repr([(span.name, span.attributes) for span in spans])
    for secret in (asked.user, asked.made["account_id"], "41.17"):
        assert secret not in said, f"{secret} is in a span"


def check_messaging(system, spans):
    """What the conventions ask of producers and consumers, and the links of these."""
    sends = {"postgres": "postgresql", "kafka": "kafka", "sns-sqs": "aws.sns"}[system.bus_kind]
    comes = {"postgres": "postgresql", "kafka": "kafka", "sns-sqs": "aws_sqs"}[system.bus_kind]
    for span in spans:
        said = span.attributes
        if span.kind not in ("producer", "consumer"):
            continue
        word = "send" if span.kind == "producer" else "process"
        topic = said["messaging.destination.name"]
        assert topic.startswith(system.prefix) and span.name == f"{word} {topic}"
        assert (said["messaging.operation.name"], said["messaging.operation.type"]) == (word, word)
        assert said["messaging.system"] == (sends if span.kind == "producer" else comes)
        uuid.UUID(said["messaging.message.id"])
        if span.kind == "consumer":
            assert (span.trace_id, span.parent_id) in span.links
            assert f"tallystick-{said['messaging.consumer.group.name']}" == span.service
            assert ("messaging.destination.partition.id" in said) == (comes != "aws_sqs")
            assert ("messaging.kafka.offset" in said) == (comes == "kafka")


def check_messages(system, asked, spans):
    """Each message carries the span that sent it, so that any other consumer goes on below it."""
    sent = {span.attributes["messaging.message.id"]: span for span in spans
            if span.kind == "producer" and not span.is_error}
    told = {message.id: message.headers for message in system.bus.events() if message.id in sent}
    assert told.keys() == sent.keys()
    for id_, headers in told.items():
        assert headers["traceparent"] == f"00-{asked.trace_id}-{sent[id_].span_id}-01"
        assert headers["ce_traceparent"].split("-")[1] == asked.trace_id
        assert (headers["tracestate"], headers["ce_tracestate"]) == (STATE, STATE)


# ---- whole transactions --------------------------------------------------------------------------

@WHOLE
def test_a_booked_transaction_is_one_trace(stage, collector, asked):
    made = asked.ask(stage)
    stage.wait_saga(made)
    spans = wait_trace(collector, asked, BRANCHES["booked"])
    assert {span.service for span in spans} == SERVICES
    assert not any(span.is_error for span in spans)
    check_tree(asked, spans)
    check_messaging(stage, spans)
    check_messages(stage, asked, spans)
    first, = at(spans, BEGUN)
    assert first.attributes["tallystick.saga.id"] == made["saga_id"]
    assert first.attributes["tallystick.saga.state"] == "running"
    booked, = at(spans, COMMANDED)
    assert booked.attributes["tallystick.ledger.outcome"] == "recorded"
    assert booked.attributes["tallystick.journal.type"] == "record_hold"
    last, = at(spans, BOOKED)
    assert last.attributes["tallystick.saga.state"] == "completed"
    for span in (first, booked, last):
        assert span.attributes["tallystick.authorization.id"] == made["id"]
        assert span.attributes["tallystick.message.outcome"] == "applied"
        assert any(line["span_id"] == span.span_id for line in
                   stage.logs(span.service.removeprefix("tallystick-"), trace_id=asked.trace_id))


def test_rows_keep_the_trace(stage, collector, asked):
    made = asked.ask(stage)
    stage.wait_saga(made)
    spans = wait_trace(collector, asked, BRANCHES["booked"])
    sent = {span.attributes["messaging.message.id"]: span for span in spans
            if span.kind == "producer"}
    claimed = stage.sql("""SELECT event_id::text, traceparent FROM saga.inbox UNION ALL
                           SELECT event_id::text, traceparent FROM ledger.inbox""")
    claimed = {row.event_id: row.traceparent for row in claimed if row.event_id in sent}
    assert len(claimed) == 3  # the approval, the command, the answer
    for event_id, traceparent in claimed.items():
        assert traceparent.split("-")[1:3] == [asked.trace_id, sent[event_id].span_id]
    saga, = stage.sql("SELECT * FROM saga.saga WHERE id = %s", made["saga_id"])
    assert saga.last_traceparent.split("-")[2] == at(spans, BOOKED)[0].span_id
    assert saga.tracestate == STATE


def test_who_is_not_sampled_is_not_told(stage, collector, asked):
    answer = stage.authorize(asked.user, headers=asked.headers(sampled=False))
    stage.wait_saga(answer.json())
    stage.settle()
    after = Asked()
    stage.wait_saga(after.ask(stage))
    wait_trace(collector, after, BRANCHES["booked"])
    assert collector.spans(asked.trace_id) == []
    told = [message.headers for message in stage.bus.events()
            if message.headers["traceparent"].split("-")[1] == asked.trace_id]
    assert len(told) >= 5 and all(headers["traceparent"].endswith("-00") for headers in told)


# ---- what goes wrong -----------------------------------------------------------------------------

@WHOLE
def test_a_compensation_is_in_the_trace(stage, collector, asked):
    stage.wait_saga(stage.authorize(asked.user, "1.00").json())  # opens the ledger's account
    done = stage.tallystick("ledger", "account", "freeze", asked.user)
    assert done.returncode == 0, done.stdout + done.stderr
    made = asked.ask(stage)
    stage.wait_saga(made, "compensated")
    spans = wait_trace(collector, asked, BRANCHES["undone"])
    check_tree(asked, spans)
    check_messaging(stage, spans)
    no, = at(spans, COMMANDED)
    assert (no.attributes["tallystick.ledger.outcome"], no.is_error) == ("refused", False)
    assert no.attributes["tallystick.ledger.reason"] == "account_frozen"
    states = [at(spans, path)[0].attributes["tallystick.saga.state"]
              for path in (BEGUN, REFUSED, UNDONE)]
    assert states == ["running", "compensating", "compensated"]
    assert {span.attributes.get("tallystick.saga.reason") for path in (REFUSED, UNDONE)
            for span in at(spans, path)} == {"account_frozen"}


@WHOLE
def test_a_trace_goes_on_after_a_redrive(stage, collector, asked):
    with refused(stage, "ledger.journal", f"NEW.trace_id = '{asked.trace_id}'"):
        made = asked.ask(stage)
        letter, = wait_until(lambda: stage.sql(
            "SELECT * FROM ledger.dead_letter WHERE trace_id = %s", asked.trace_id))
    spans = collector.wait(lambda spans: len(at(spans, COMMANDED)) == 3, trace_id=asked.trace_id)
    tries = at(spans, COMMANDED)
    outcomes = [span.attributes["tallystick.message.outcome"] for span in tries]
    assert outcomes == ["parked", "parked", "dead"] and all(span.is_error for span in tries)
    for span in tries:
        assert span.attributes["error.type"] == "database_refused"
        assert span.attributes["tallystick.error.class"] == "bug"
    assert letter.traceparent == f"00-{asked.trace_id}-{tries[-1].span_id}-01"

    done = stage.tallystick("dlq", "redrive", str(letter.id))
    assert done.returncode == 0, done.stdout + done.stderr
    stage.wait_saga(made)
    spans = wait_trace(collector, asked, BRANCHES["booked"])
    check_tree(asked, spans)
    *_, healed = at(spans, COMMANDED)
    assert (healed.attributes["tallystick.message.outcome"], healed.is_error) == ("applied", False)
    redrive, = collector.wait(lambda found: found, name="redrive",
                              service="tallystick-operator")[-1:]
    assert redrive.links == [(asked.trace_id, tries[-1].span_id)]
    assert healed.links == [(asked.trace_id, healed.parent_id),
                            (redrive.trace_id, redrive.span_id)]
    kept, = stage.sql("SELECT * FROM ledger.dead_letter WHERE id = %s", letter.id)
    assert kept.redrive_traceparent == f"00-{redrive.trace_id}-{redrive.span_id}-01"
    assert redrive.attributes["tallystick.redrive.id"] == str(kept.redrive_id)
