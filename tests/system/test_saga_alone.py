"""The orchestrator alone: what it does about messages that come once, twice, late and out of order,
and about none. Other services are off, so each message is the test's."""
import itertools
import json
import uuid

import psycopg
import pytest
from conftest import opened
from system import contracts
from system.harness import OWNER, Service, System, free_ports, wait_until
from system.saga_messages import (TRACE, TRACEPARENT, Authorization, commands, let_go, publish,
                                  row, said, settle, steps, told, wait_state)

pytestmark = pytest.mark.matrix


@pytest.fixture(scope="module")
def saga(cluster):
    with opened(System(cluster), start=False) as it:
        yield it.start("saga")


@pytest.fixture(scope="module")
def hasty(cluster, collector):
    """Its deadlines come soon."""
    env = {"TALLYSTICK_SAGA_REPEAT_MS": "300,600", "TALLYSTICK_SAGA_STUCK_MS": 1200,
           "TALLYSTICK_SAGA_SWEEP_MS": 20} | collector.environment()
    with opened(System(cluster, env=env), start=False) as it:
        yield it.start("saga")


@pytest.fixture
def one():
    return Authorization()


def begun(system, one):
    publish(system, one.approved())
    return wait_state(system, one.authorize, "running")


def booked(system, one):
    begun(system, one)
    publish(system, one.answer(system, "ledger.hold_recorded"))
    return wait_state(system, one.authorize, "completed")


def check_said(system, saga_id):
    """Whatever a saga says fits its schema, is numbered without a gap, and carries the trace."""
    everything = said(system, saga_id)
    for what in everything:
        contracts.check(f"{what.type}.v1", what.payload)
        assert what.traceparent.split("-")[1] == TRACE
    events = [what for what in everything if not what.command_id]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert all(event.key == saga_id for event in events)


# ---- authorize ---------------------------------------------------------------------------------


def test_an_approval_is_booked(saga, one):
    begun(saga, one)
    command, = commands(saga, one.authorize)
    assert (command.type, command.aggregatetype) == ("ledger.record_hold", "ledger.commands")
    assert command.key == one.account
    assert command.payload["amount"]["amount_minor"] == 9999
    assert steps(saga, one.authorize) == {("record_hold", "do"): "in_flight"}

    publish(saga, one.answer(saga, "ledger.hold_recorded"))
    ended = wait_state(saga, one.authorize, "completed")
    assert not ended.waits
    assert steps(saga, one.authorize) == {("record_hold", "do"): "done"}
    assert told(saga, one.authorize) == ["saga.started", "saga.completed"]
    check_said(saga, one.authorize)

    def logged():  # lines are gathered for some milliseconds before they are written
        return [line["event"] for line in saga.logs("saga", trace_id=TRACE, saga_id=one.authorize)]

    wait_until(lambda: len(logged()) >= 2, what="both lines of the log")
    assert logged() == ["saga.started", "saga.completed"]


@pytest.mark.parametrize("answer", ["authorization.reversed", "authorization.already_released"])
def test_a_refusal_gives_the_hold_back(saga, one, answer):
    begun(saga, one)
    publish(saga, one.answer(saga, "ledger.refused", reason="account_frozen"))
    wait_state(saga, one.authorize, "compensating")
    command = commands(saga, one.authorize)[-1]
    assert command.type == "authorization.release"
    assert command.payload["reason"] == "account_frozen"

    publish(saga, one.answer(saga, answer))
    assert wait_state(saga, one.authorize, "compensated").reason == "account_frozen"
    assert steps(saga, one.authorize) == {("record_hold", "do"): "failed",
                                          ("release_authorization", "undo"): "compensated"}
    assert told(saga, one.authorize) == ["saga.started", "saga.compensating", "saga.compensated"]
    check_said(saga, one.authorize)


# ---- release -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["voided", "expired"])
def test_an_ended_hold_leaves_the_ledger(saga, one, how):
    booked(saga, one)
    publish(saga, one.ended(how))
    assert wait_state(saga, one.release, "running").reason == how
    command, = commands(saga, one.release)
    assert command.type == "ledger.release_hold"
    assert (command.payload["step"], command.payload["op"]) == ("release_hold", "do")

    publish(saga, one.answer(saga, "ledger.hold_released", one.release))
    wait_state(saga, one.release, "completed")
    assert steps(saga, one.release) == {("release_hold", "do"): "done"}
    assert told(saga, one.release) == ["saga.started", "saga.running", "saga.completed"]
    check_said(saga, one.release)


def test_a_release_waits_for_the_booking(saga, one):
    begun(saga, one)
    publish(saga, one.ended())
    wait_state(saga, one.release, "started")
    assert commands(saga, one.release) == []
    assert steps(saga, one.release) == {("release_hold", "do"): "pending"}

    publish(saga, one.answer(saga, "ledger.hold_recorded"))
    wait_state(saga, one.release, "running")
    assert len(commands(saga, one.release)) == 1


def test_a_release_may_come_before_its_authorize(saga, one):
    publish(saga, one.ended())
    wait_state(saga, one.release, "started")
    booked(saga, one)
    wait_state(saga, one.release, "running")


def test_a_release_has_nothing_to_do_after_a_refusal(saga, one):
    begun(saga, one)
    publish(saga, one.ended())
    wait_state(saga, one.release, "started")
    publish(saga, one.answer(saga, "ledger.refused", reason="account_closed"))
    wait_state(saga, one.authorize, "compensating")
    publish(saga, one.answer(saga, "authorization.already_released"))
    wait_state(saga, one.release, "completed")
    assert steps(saga, one.release) == {("release_hold", "do"): "skipped"}
    assert commands(saga, one.release) == []
    check_said(saga, one.release)


def test_a_refused_release_asks_for_an_operator_at_once(saga, one):
    booked(saga, one)
    publish(saga, one.ended())
    wait_state(saga, one.release, "running")
    publish(saga, one.answer(saga, "ledger.refused", one.release, reason="account_closed"))
    wait_state(saga, one.release, "stuck")
    assert wait_until(lambda: saga.logs("saga", event="saga.alert", oldest_saga_id=one.release))
    check_said(saga, one.release)


# ---- twice, late, out of order -----------------------------------------------------------------


def state_of(system, one):
    return [(row(system, saga), said(system, saga), steps(system, saga))
            for saga in (one.authorize, one.release)]


def test_duplicates_change_nothing(saga, one):
    approved = one.approved()
    publish(saga, approved)
    wait_state(saga, one.authorize, "running")
    recorded = one.answer(saga, "ledger.hold_recorded")
    publish(saga, recorded)
    wait_state(saga, one.authorize, "completed")
    before = state_of(saga, one)
    publish(saga, approved, recorded, recorded, approved)
    publish(saga, one.approved() | {"id": str(uuid.uuid4())},
            recorded | {"id": str(uuid.uuid4())})
    settle(saga)
    assert state_of(saga, one) == before


def test_duplicates_in_one_batch_count_once(saga, one):
    saga.pause("saga")
    publish(saga, one.approved(), one.approved(), one.ended(), one.ended(), one.approved())
    saga.resume("saga")
    wait_state(saga, one.release, "started")
    settle(saga)
    assert told(saga, one.authorize) == ["saga.started"]
    assert told(saga, one.release) == ["saga.started"]
    assert len(commands(saga, one.authorize)) == 1


@pytest.mark.parametrize("kind", ["ledger.refused", "ledger.hold_released",
                                  "authorization.reversed"])
def test_what_comes_after_the_end_changes_nothing(saga, one, kind):
    booked(saga, one)
    before = state_of(saga, one)
    publish(saga, one.answer(saga, kind))
    settle(saga)
    assert state_of(saga, one) == before


def test_an_answer_before_its_start_is_let_go(saga, one):
    publish(saga, one.event("ledger.hold_recorded", one.authorize, str(uuid.uuid4())))
    settle(saga)
    assert row(saga, one.authorize) is None
    assert booked(saga, one)


@pytest.mark.parametrize("wrong", ["saga_id", "command_id"])
def test_an_answer_to_somebody_else_changes_nothing(saga, one, wrong):
    begun(saga, one)
    before = state_of(saga, one)
    publish(saga, one.answer(saga, "ledger.hold_recorded") | {wrong: str(uuid.uuid4())})
    settle(saga)
    assert state_of(saga, one) == before


def test_other_events_mean_nothing(saga, one):
    publish(saga, one.event("authorization.declined", payload=one.body("declined")))
    settle(saga)
    assert saga.sql("SELECT id FROM saga.saga WHERE authorization_id = %s", one.id) == []


def test_a_message_of_another_schema_is_a_dead_letter_and_hurts_nobody(saga, one):
    other, broken = Authorization(), one.approved() | {"payload": {"authorization": {}}}
    saga.pause("saga")
    publish(saga, other.approved(), broken, other.ended())
    saga.resume("saga")
    wait_state(saga, other.release, "started")
    letter, = wait_until(lambda: saga.sql(
        "SELECT * FROM saga.dead_letter WHERE event_id = %s", broken["id"]))
    assert letter.error_class == "schema"
    assert row(saga, one.authorize) is None


# ---- silence -----------------------------------------------------------------------------------


def sendings(system, one):
    return commands(system, one.authorize)


def test_a_command_is_repeated_once_the_last_has_left(hasty, one):
    begun(hasty, one)
    first, = sendings(hasty, one)
    let_go(hasty, one.authorize)
    second, = wait_until(lambda: sendings(hasty, one))
    assert second.command_id == first.command_id
    assert second.id != first.id
    assert second.payload == first.payload
    found = row(hasty, one.authorize)
    assert (found.state, found.tries) == ("running", 2)
    wait_until(lambda: hasty.logs("saga", event="saga.command_repeated", saga_id=one.authorize))


def test_a_command_that_waits_in_the_outbox_is_not_repeated(hasty, one):
    begun(hasty, one)
    stuck = wait_state(hasty, one.authorize, "stuck")  # all deadlines have passed by then
    assert stuck.tries == 1
    assert len(sendings(hasty, one)) == 1


def test_many_stuck_sagas_are_one_alert(hasty):
    several = [Authorization(lane) for lane in range(5)]
    before = len(hasty.logs("saga", event="saga.alert"))
    hasty.pause("saga")
    publish(hasty, *(one.approved() for one in several))
    hasty.resume("saga")
    for one in several:
        found = wait_state(hasty, one.authorize, "stuck")
        assert not found.waits
        assert steps(hasty, one.authorize) == {("record_hold", "do"): "unknown"}
        assert told(hasty, one.authorize) == ["saga.started", "saga.stuck"]
        check_said(hasty, one.authorize)
    alerts = lambda: hasty.logs("saga", event="saga.alert")[before:]
    wait_until(lambda: sum(alert["stuck"] for alert in alerts()) >= 5, what="alerts for all")
    alerts = alerts()
    assert sum(alert["stuck"] for alert in alerts) == 5
    assert len(alerts) < 5
    assert {alert["level"] for alert in alerts} == {"error"}


def test_silence_is_told_in_the_trace(hasty, one, collector):
    """What a saga does of its own accord is below what it did last, and linked to the request."""
    begun(hasty, one)
    let_go(hasty, one.authorize)
    wait_state(hasty, one.authorize, "stuck")

    def own(spans):
        return [span for span in spans
                if span.attributes.get("tallystick.saga.id") == one.authorize]

    spans = own(collector.wait(
        lambda spans: any(span.name == "give up authorize" for span in own(spans)),
        trace_id=TRACE))
    spans.sort(key=lambda span: span.begun_ns)
    assert spans[0].kind == "consumer"
    assert [span.name for span in spans[1:]] == ["repeat authorize", "give up authorize"]
    for before, span in itertools.pairwise(spans):
        assert (span.kind, span.parent_id) == ("internal", before.span_id)
        assert span.links == [(TRACE, TRACEPARENT.split("-")[2])]
        assert span.is_error == (span is spans[-1])
    assert spans[-1].attributes["tallystick.saga.state"] == "stuck"


def test_a_late_answer_heals(hasty, one):
    begun(hasty, one)
    publish(hasty, one.ended())
    for saga_id in (one.authorize, one.release):
        wait_state(hasty, saga_id, "stuck")
    publish(hasty, one.answer(hasty, "ledger.hold_recorded"))
    wait_state(hasty, one.authorize, "completed")
    assert told(hasty, one.authorize) == ["saga.started", "saga.stuck", "saga.completed"]
    # The release was stuck only because it waited.
    publish(hasty, one.answer(hasty, "ledger.hold_released", one.release))
    wait_state(hasty, one.release, "completed")


def test_a_late_refusal_heals_too(hasty, one):
    begun(hasty, one)
    wait_state(hasty, one.authorize, "stuck")
    publish(hasty, one.answer(hasty, "ledger.refused", reason="account_frozen"))
    wait_state(hasty, one.authorize, "compensating")
    publish(hasty, one.answer(hasty, "authorization.reversed"))
    wait_state(hasty, one.authorize, "compensated")


def test_deadlines_survive_a_restart(hasty, one):
    begun(hasty, one)
    let_go(hasty, one.authorize)
    hasty.kill("saga")
    hasty.start("saga")
    assert wait_until(lambda: sendings(hasty, one))


# ---- two orchestrators -------------------------------------------------------------------------


@pytest.fixture
def twin(saga):
    """A second process of the same service over the same database."""
    port, admin_port = free_ports(2)
    env = saga.env | {"TALLYSTICK_SAGA_PORT": str(port),
                      "TALLYSTICK_SAGA_ADMIN_PORT": str(admin_port)}
    process = Service("saga", env, saga.dir / "twin.log", admin_port)
    process.start()
    wait_until(process.is_ready, 30)
    yield process
    process.signal(15)
    assert process.wait() == 0
    process.check_unbroken()


def test_two_orchestrators_share_the_work(saga, twin):
    several = [Authorization(lane) for lane in range(64)]
    publish(saga, *(one.approved() for one in several))
    for one in several:
        wait_state(saga, one.authorize, "running")
    # Void and answer race on two topics, which the two read independently.
    answers = [one.answer(saga, "ledger.hold_recorded") for one in several]
    publish(saga, *(message for one, answer in zip(several, answers, strict=True)
                    for message in (one.ended(), answer, one.approved())))
    for one in several:
        wait_state(saga, one.release, "running")
        assert told(saga, one.authorize) == ["saga.started", "saga.completed"]
        assert told(saga, one.release) == ["saga.started", "saga.running"]
        assert len(commands(saga, one.release)) == 1
    lines = [json.loads(line) for line in twin.log_bytes().splitlines()]
    mine = {one.authorize for one in several}
    share = sum(1 for line in lines
                if line.get("event") == "saga.started" and line.get("saga_id") in mine)
    assert 0 < share < len(several)


def test_a_release_that_begins_while_its_booking_ends_is_seen(saga, one):
    """The other orchestrator has read the booking as running and is about to save a release that
    waits for it; ours, which waits for its locks, ends the booking."""
    begun(saga, one)
    recorded = one.answer(saga, "ledger.hold_recorded")
    other = psycopg.connect(saga.cluster.url(saga.database, OWNER))
    with other:
        other.execute("SELECT FROM saga.saga WHERE id = %s FOR NO KEY UPDATE", (one.authorize,))
        publish(saga, recorded)
        wait_until(lambda: saga.sql("""SELECT pid FROM pg_stat_activity
                                      WHERE wait_event_type = 'Lock'
                                        AND usename = 'tallystick_saga'"""), every=0.002)
        other.execute(
            """INSERT INTO saga.saga
               SELECT lane, %s, 'release', authorization_id, account_id, user_id, tenant_id,
                      amount_minor, currency, 'started', 'release_hold', NULL, NULL, 0,
                      now() + interval '1 hour', now(), now(), now(), 1, origin_traceparent,
                      'voided'
                 FROM saga.saga WHERE id = %s""", (one.release, one.authorize))
    wait_state(saga, one.authorize, "completed")
    wait_state(saga, one.release, "running")


# ---- HTTP --------------------------------------------------------------------------------------


def ask(system, path, method="GET", **options):
    with open(system.env["TALLYSTICK_SERVICE_SECRET_FILE"]) as file:
        head = {"Authorization": f"Bearer {file.read().strip()}"}
    return system.request(method, f"/internal/sagas{path}", door="saga", headers=head, **options)


def wait_for(system, ids, wait_ms):
    answer = ask(system, "/wait", "POST", json={"authorization_ids": ids, "wait_ms": wait_ms})
    assert answer.status_code == 200, answer.text
    return [(item["authorization_id"], item["state"]) for item in answer.json()["items"]]


def test_a_saga_is_shown(saga, one):
    booked(saga, one)
    body = ask(saga, f"/{one.authorize}").json()
    assert (body["id"], body["type"], body["state"]) == (one.authorize, "authorize", "completed")
    assert (body["authorization_id"], body["account_id"]) == (one.id, one.account)
    assert body["ended_at"] == body["updated_at"] > body["started_at"]
    step, = body["steps"]
    assert (step["step"], step["op"], step["state"]) == ("record_hold", "do", "done")
    assert (step["tries"], step["reason"]) == (1, None)
    assert step["finished_at"] == body["ended_at"]


def test_sagas_are_listed_by_state_page_by_page(saga):
    several = [Authorization(lane) for lane in (3, 3, 17, 40, 63)]
    publish(saga, *(one.ended() for one in several))
    for one in several:
        wait_state(saga, one.release, "started")
    for one in several[:2]:
        booked(saga, one)
    for state, wanted in (("started", several[2:]), ("completed", several[:2])):
        listed, cursor = [], ""
        while cursor is not None:
            page = ask(saga, f"?state={state}&limit=2{cursor and '&cursor=' + cursor}").json()
            assert len(page["items"]) <= 2
            assert {item["state"] for item in page["items"]} <= {state}
            listed += [(item["id"], item["authorization_id"]) for item in page["items"]]
            cursor = page["next_cursor"]
        assert len(listed) == len(set(listed))
        assert {one.id for one in wanted} <= {authorization for _, authorization in listed}


NOBODY = "01a202f8-bf88-76a9-902c-54168cb365f9"  # no saga of any test has this id


@pytest.mark.parametrize(("path", "method", "status", "code"), [
    (f"/{NOBODY}", "GET", 404, "not_found"),
    ("/not-an-id", "GET", 404, "not_found"),
    ("", "GET", 400, "parameter_invalid"),
    ("?state=STUCK", "GET", 400, "parameter_invalid"),
    ("?state=stuck&limit=0", "GET", 400, "parameter_invalid"),
    ("?state=stuck&limit=201", "GET", 400, "parameter_invalid"),
    ("?state=stuck&cursor=64-x", "GET", 400, "parameter_invalid"),
    ("?state=stuck", "POST", 405, "method_not_allowed"),
    (f"/{NOBODY}", "POST", 405, "method_not_allowed"),
    ("/wait", "GET", 405, "method_not_allowed"),
    ("/wait", "POST", 422, "validation_failed"),
])
def test_a_question_is_refused(saga, path, method, status, code):
    answer = ask(saga, path, method)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("body", [
    {"authorization_ids": [], "wait_ms": 1},
    {"authorization_ids": ["x"], "wait_ms": 1},
    {"authorization_ids": [str(uuid.uuid4())]},
    {"authorization_ids": [str(uuid.uuid4())], "wait_ms": -1},
    {"authorization_ids": [str(uuid.uuid4())], "wait_ms": 60001},
    {"authorization_ids": [str(uuid.uuid4())] * 1001, "wait_ms": 1},
])
def test_a_wait_is_refused(saga, body):
    assert ask(saga, "/wait", "POST", json=body).status_code == 422


@pytest.mark.parametrize("path", ["", "/wait", f"/{NOBODY}"])
def test_nobody_is_answered_without_the_secret(saga, path):
    assert saga.get(f"/internal/sagas{path}", door="saga").status_code == 401


def test_a_wait_ends_with_the_booking_or_with_its_time(saga, one):
    other = Authorization()
    begun(saga, one)
    assert wait_for(saga, [one.id, other.id], 50) == []
    publish(saga, one.answer(saga, "ledger.hold_recorded"))
    assert wait_for(saga, [other.id, one.id], 10000) == [(one.id, "completed")]
    assert wait_for(saga, [one.id], 0) == [(one.id, "completed")]
