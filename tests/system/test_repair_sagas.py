"""What an operator may have a stuck saga do: the orchestrator alone, its messages are our own."""
import concurrent.futures
import getpass
import json
import uuid

import psycopg
import pytest
from conftest import opened
from system import contracts
from system.harness import System
from system.repair import asked, audited, check_audit, deed, tool
from system.saga_messages import (Authorization, commands, get_stuck, publish, row, said, settle,
                                  steps, told, wait_state)

pytestmark = pytest.mark.matrix

NOBODY = "01a202f8-bf88-76a9-902c-54168cb365f9"


@pytest.fixture(scope="module")
def saga(cluster):
    with opened(System(cluster, env={"TALLYSTICK_SAGA_SWEEP_MS": 20}), start=False) as it:
        yield it.start("saga")
        check_audit(it)


@pytest.fixture
def one():
    return Authorization()


@pytest.fixture
def stuck(saga, one):
    """An authorization whose booking is stuck."""
    publish(saga, one.approved())
    wait_state(saga, one.authorize, "running")
    get_stuck(saga, one.authorize)
    return one


def compensating(system, one):
    """Its booking was refused, and now the authorization service is silent."""
    publish(system, one.answer(system, "ledger.refused", reason="account_frozen"))
    wait_state(system, one.authorize, "compensating")
    return get_stuck(system, one.authorize)


def check_said(system, saga_id):
    everything = said(system, saga_id)
    for what in everything:
        contracts.check(f"{what.type}.v1", what.payload)
    events = [what for what in everything if not what.command_id]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))


# ---- retry -------------------------------------------------------------------------------------


def test_a_retry_sends_the_same_command_again(saga, stuck):
    first, = commands(saga, stuck.authorize)
    line, = deed(saga, "retry", stuck.authorize, reason="the ledger is back")
    assert line == {"id": stuck.authorize, "type": "authorize", "outcome": "done",
                    "from": "stuck/record_hold", "to": "running/record_hold", "detail": None}
    again = commands(saga, stuck.authorize)[-1]
    assert (again.command_id, again.type) == (first.command_id, first.type)
    assert again.id != first.id
    now = row(saga, stuck.authorize)
    assert (now.state, now.tries) == ("running", 2)
    assert now.deadline_at > now.step_started_at  # all its repeats are before it
    publish(saga, stuck.answer(saga, "ledger.hold_recorded"))
    wait_state(saga, stuck.authorize, "completed")
    assert told(saga, stuck.authorize) == ["saga.started", "saga.stuck", "saga.running",
                                           "saga.completed"]
    check_said(saga, stuck.authorize)


def test_an_undo_that_is_stuck_is_retried_for_its_first_reason(saga, stuck):
    assert compensating(saga, stuck).reason == "account_frozen"
    deed(saga, "retry", stuck.authorize)
    assert row(saga, stuck.authorize).state == "compensating"
    first, again = [one for one in commands(saga, stuck.authorize)
                    if one.type == "authorization.release"]
    assert first.command_id == again.command_id
    assert again.payload["reason"] == "account_frozen"
    publish(saga, stuck.answer(saga, "authorization.reversed"))
    wait_state(saga, stuck.authorize, "compensated")
    check_said(saga, stuck.authorize)


def test_a_release_that_waits_is_not_sent_before_its_booking_ends(saga, stuck):
    publish(saga, stuck.ended())
    wait_state(saga, stuck.release, "started")
    get_stuck(saga, stuck.release)
    line, = deed(saga, "retry", stuck.release, code=1)
    assert line["outcome"] == "refused"
    assert "waits for the booking" in line["detail"]
    assert commands(saga, stuck.release) == []

    deed(saga, "abandon", stuck.authorize)  # nobody will tell now whether it is in the books
    assert row(saga, stuck.release).state == "stuck"
    deed(saga, "retry", stuck.release)
    command, = commands(saga, stuck.release)
    assert (command.type, command.payload["op"]) == ("ledger.release_hold", "do")
    publish(saga, stuck.answer(saga, "ledger.hold_released", stuck.release))
    wait_state(saga, stuck.release, "completed")
    check_said(saga, stuck.release)


# ---- compensate --------------------------------------------------------------------------------


def test_compensate_asks_the_ledger_first(saga, stuck):
    line, = deed(saga, "compensate", stuck.authorize)
    assert (line["outcome"], line["to"]) == ("done", "compensating/undo_hold")
    undo = commands(saga, stuck.authorize)[-1]
    assert undo.type == "ledger.release_hold"
    assert (undo.payload["step"], undo.payload["op"]) == ("record_hold", "undo")
    assert [one.type for one in commands(saga, stuck.authorize)] == ["ledger.record_hold",
                                                                    "ledger.release_hold"]
    publish(saga, stuck.answer(saga, "ledger.hold_released"))
    wait_state(saga, stuck.authorize, "compensating")
    settle(saga)
    release = commands(saga, stuck.authorize)[-1]
    assert (release.type, release.payload["reason"]) == ("authorization.release", "operator")
    publish(saga, stuck.answer(saga, "authorization.reversed"))
    assert wait_state(saga, stuck.authorize, "compensated").reason == "operator"
    assert steps(saga, stuck.authorize) == {
        ("record_hold", "do"): "unknown", ("undo_hold", "undo"): "compensated",
        ("release_authorization", "undo"): "compensated"}
    assert told(saga, stuck.authorize) == ["saga.started", "saga.stuck", "saga.compensating",
                                           "saga.compensating", "saga.compensated"]
    check_said(saga, stuck.authorize)


def test_what_was_recorded_after_all_is_no_answer_to_the_undo(saga, stuck):
    late = stuck.answer(saga, "ledger.hold_recorded")  # to the command before
    deed(saga, "compensate", stuck.authorize)
    publish(saga, late)
    settle(saga)
    assert row(saga, stuck.authorize).step == "undo_hold"
    publish(saga, stuck.answer(saga, "ledger.hold_released"))
    settle(saga)
    publish(saga, stuck.answer(saga, "authorization.already_released"))
    wait_state(saga, stuck.authorize, "compensated")


def test_an_undo_in_the_ledger_may_be_stuck_too(saga, stuck):
    deed(saga, "compensate", stuck.authorize)
    get_stuck(saga, stuck.authorize)
    assert steps(saga, stuck.authorize)["undo_hold", "undo"] == "comp_failed"
    line, = deed(saga, "compensate", stuck.authorize, code=1)
    assert line["detail"] == "there is nothing to compensate at step undo_hold of saga authorize"
    deed(saga, "retry", stuck.authorize)
    first, again = [one for one in commands(saga, stuck.authorize)
                    if one.type == "ledger.release_hold"]
    assert first.command_id == again.command_id
    get_stuck(saga, stuck.authorize)
    publish(saga, stuck.answer(saga, "ledger.hold_released"))  # late, and heals
    wait_state(saga, stuck.authorize, "compensating")


def test_a_release_that_waited_for_what_is_compensated_is_skipped(saga, stuck):
    publish(saga, stuck.ended())
    wait_state(saga, stuck.release, "started")
    deed(saga, "compensate", stuck.authorize)
    publish(saga, stuck.answer(saga, "ledger.hold_released"))
    settle(saga)
    publish(saga, stuck.answer(saga, "authorization.already_released"))
    wait_state(saga, stuck.release, "completed")
    assert steps(saga, stuck.release) == {("release_hold", "do"): "skipped"}


# ---- abandon -----------------------------------------------------------------------------------


def test_what_is_abandoned_hears_nothing_more(saga, stuck):
    late = stuck.answer(saga, "ledger.hold_recorded")
    line, = deed(saga, "abandon", stuck.authorize, reason="the ledger was restored without it")
    assert (line["from"], line["to"]) == ("stuck/record_hold", "abandoned/record_hold")
    publish(saga, late)
    settle(saga)
    now = row(saga, stuck.authorize)
    assert (now.state, now.reason, now.waits) == ("abandoned", "operator", False)
    assert told(saga, stuck.authorize)[-1] == "saga.abandoned"
    check_said(saga, stuck.authorize)
    for verb in ("retry", "compensate", "abandon"):
        line, = deed(saga, verb, stuck.authorize, code=1)
        assert line["detail"] == "the saga is abandoned: only a stuck saga is moved by hand"
    assert stuck.authorize in [one["id"] for one in asked(saga, "saga", "ls", "--state",
                                                          "abandoned")]


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["retry", "compensate", "abandon"])
def test_a_saga_that_goes_on_by_itself_is_left_alone(saga, one, verb):
    publish(saga, one.approved())
    before = wait_state(saga, one.authorize, "running")
    line, = deed(saga, verb, one.authorize, code=1)
    assert line["detail"] == "the saga is running: only a stuck saga is moved by hand"
    assert row(saga, one.authorize) == before
    assert audited(saga, one.authorize) == []


def test_a_release_has_nothing_to_compensate(saga, one):
    publish(saga, one.ended())
    wait_state(saga, one.release, "started")
    get_stuck(saga, one.release)
    line, = deed(saga, "compensate", one.release, code=1)
    assert line["detail"] == "there is nothing to compensate at step release_hold of saga release"


@pytest.mark.parametrize("args, code, words", [
    (["retry"], 2, "is expected"),
    (["bury", NOBODY], 2, "is expected"),
    (["retry", NOBODY], 2, "--reason is required"),
    (["retry", NOBODY, "--reason", ""], 2, "--reason is required"),
    (["retry", NOBODY, "--reason", "x" * 501], 2, "--reason is at most 500"),
    (["retry", NOBODY, "--reason", "x", "--by", ""], 2, "--by is a name"),
    (["retry", "x", "--reason", "x"], 2, "'x' is not a saga's id"),
    (["retry", NOBODY, "--reason", "x", "--state", "stuck"], 2, "--state is for ls"),
    (["ls", "--reason", "x"], 2, "are for deeds, not for ls"),
    (["show", NOBODY, "--dry-run"], 2, "are for deeds, not for show"),
    (["abandon", NOBODY, "--reason", "x"], 1, "there is no saga of this id (404)"),
    (["abandon", NOBODY, "--reason", "x", "--saga-url", "http://127.0.0.1:1"], 4, "127.0.0.1"),
])
def test_saga__refuses(saga, args, code, words):
    done = tool(saga, "saga", *args, code=code)
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("body", [
    {}, {"deed": "bury"}, {"deed": "retry"}, {"deed": "retry", "deed_id": "x"},
    {"deed": "retry", "deed_id": NOBODY, "reason": "x"},
    {"deed": "retry", "deed_id": NOBODY, "os_user": "me"},
    {"deed": "retry", "deed_id": NOBODY, "os_user": "me", "reason": "x" * 501},
    {"deed": "deadline", "deed_id": NOBODY, "os_user": "me", "reason": "x"},
])
def test_the_door_refuses_what_is_no_deed(saga, stuck, body):
    def post(**options):
        return saga.request("POST", f"/internal/sagas/{stuck.authorize}/deeds", door="saga",
                            json=body, **options)

    answer = post(headers={"Authorization": f"Bearer {saga.secret}"})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert post().status_code == 401
    assert row(saga, stuck.authorize).state == "stuck"


# ---- the record of it --------------------------------------------------------------------------


def test_a_deed_is_recorded_with_who_and_why(saga, stuck):
    deed(saga, "retry", stuck.authorize, reason="INC-42", more=("--by", "Ada"))
    get_stuck(saga, stuck.authorize)
    deed(saga, "abandon", stuck.authorize, reason="INC-43")
    first, second = audited(saga, stuck.authorize)
    assert (first.action, first.reason, first.os_user) == ("saga.retry", "INC-42",
                                                           getpass.getuser())
    assert first.database_user == "tallystick_saga"  # the service that did it
    assert first.detail["by"] == "Ada"
    assert first.detail["from"] == {"state": "stuck", "step": "record_hold"}
    assert first.detail["to"] == {"state": "running", "step": "record_hold"}
    assert first.detail["authorization_id"] == stuck.id
    assert (second.action, "by" in second.detail) == ("saga.abandon", False)

    shown = json.loads(tool(saga, "saga", "show", stuck.authorize, "-o", "json").stdout)
    assert [(one["action"], one["by"], one["reason"]) for one in shown["deeds"]] == [
        ("saga.retry", "Ada", "INC-42"), ("saga.abandon", None, "INC-43")]


def test_a_dry_run_changes_nothing(saga, stuck):
    before = row(saga, stuck.authorize)
    for verb, to in (("retry", "running/record_hold"), ("compensate", "compensating/undo_hold"),
                     ("abandon", "abandoned/record_hold")):
        line, = deed(saga, verb, stuck.authorize, more=("--dry-run",))
        assert (line["outcome"], line["to"]) == ("would_do", to)
    assert row(saga, stuck.authorize) == before
    assert audited(saga, stuck.authorize) == []
    assert len(commands(saga, stuck.authorize)) == 1


def test_several_at_once_and_one_of_them_not_stuck(saga, stuck):
    other, running = Authorization(), Authorization()
    publish(saga, other.approved(), running.approved())
    for one in (other, running):
        wait_state(saga, one.authorize, "running")
    get_stuck(saga, other.authorize)
    lines = deed(saga, "retry", stuck.authorize, running.authorize, other.authorize, code=1)
    assert [line["outcome"] for line in lines] == ["done", "refused", "done"]


def test_two_operators_at_once_do_it_once(saga, stuck):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: saga.tallystick("saga", "compensate", stuck.authorize,
                                                       "--reason", "at once"), range(4)))
    assert sorted(run.returncode for run in runs) == [0, 1, 1, 1]
    assert len(audited(saga, stuck.authorize)) == 1
    assert len(commands(saga, stuck.authorize)) == 2


def test_a_deed_that_cannot_be_recorded_is_not_done(saga, stuck):
    before = row(saga, stuck.authorize)
    saga.sql("REVOKE EXECUTE ON FUNCTION saga.record_deed FROM tallystick_saga")
    try:
        done = tool(saga, "saga", "retry", stuck.authorize, "--reason", "x", code=4)
    finally:
        saga.sql("GRANT EXECUTE ON FUNCTION saga.record_deed TO tallystick_saga")
    assert "look whether it was done" in done.stderr
    assert row(saga, stuck.authorize) == before
    assert len(commands(saga, stuck.authorize)) == 1
    deed(saga, "retry", stuck.authorize)


def test_nobody_records_what_was_not_done(saga, stuck):
    call = "SELECT saga.record_deed(%s::smallint, %s, %s, gen_random_uuid(), 'me', 'why', '{}')"
    lane = row(saga, stuck.authorize).lane
    for role in ("tallystick_operator", "tallystick_ledger", "tallystick_gateway"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            saga.sql(call, lane, stuck.authorize, "retry", role=role)
    for given in ((lane, uuid.uuid4(), "retry"), (lane, stuck.authorize, "bury")):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            saga.sql(call, *given, role="tallystick_saga")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        saga.sql("INSERT INTO operator.audit (action) VALUES ('saga.retry')",
                 role="tallystick_saga")
