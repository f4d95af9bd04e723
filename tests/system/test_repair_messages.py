"""What an operator may do about messages that were laid aside or have not left: discard a dead
letter, have a parked key tried at once, look into the outboxes."""
import uuid

import psycopg
import pytest

from system.dead_letters import (answers, died, ledger, letter_of, letters_of, ls, poisoned,
                                 redrive, saga, show)
from system.harness import wait_until
from system.ledger_commands import Saga, account_id, entries, publish
from system.repair import asked, audited, check_audit, tool

pytestmark = pytest.mark.matrix

NOBODY = str(uuid.uuid4())


def discard(system, *args, reason="a test", code=0):
    return asked(system, "dlq", "discard", *args, "--reason", reason, code=code)


# ---- discard ------------------------------------------------------------------------------------

def test_what_is_discarded_is_never_applied(ledger, saga):
    message, row = letter_of(ledger, saga)
    line, = discard(ledger, str(row.id), "--by", "Ada", reason="its sender was a test")
    assert (line["event_id"], line["outcome"]) == (message["id"], "discarded")
    assert ls(ledger, "--key", saga.account) == []
    assert [one["id"] for one in ls(ledger, "--key", saga.account, "--state", "discarded")] == \
        [str(row.id)]

    later = Saga(saga.account)
    publish(ledger, message, later.do())  # the bus hands it over once more
    wait_until(lambda: answers(ledger, later))
    assert answers(ledger, saga) == 0
    assert entries(ledger, saga) == []

    found = show(ledger, message["id"])
    assert found["letter"]["state"] == "discarded"
    deed, = found["deeds"]
    assert (deed["action"], deed["outcome"], deed["by"]) == ("dead_letter.discard", "discarded",
                                                             "Ada")
    assert deed["reason"] == "its sender was a test"
    assert deed["deed_id"] == found["letter"]["discard_id"]
    check_audit(ledger)


def test_what_is_discarded_stays_so(ledger, saga):
    message, _ = letter_of(ledger, saga)
    discard(ledger, message["id"])
    line, = discard(ledger, message["id"], code=1)
    assert line["outcome"] == "not_open"
    for force in ([], ["--force"]):
        line, = redrive(ledger, message["id"], *force, code=1)
        assert line["outcome"] == "not_open"
    assert answers(ledger, saga) == 0


def test_the_same_command_under_another_event_is_done(ledger, saga):
    """Only the message is given up: a saga that still wants it done sends it again."""
    message, _ = letter_of(ledger, saga)
    discard(ledger, message["id"])
    publish(ledger, saga.do())
    wait_until(lambda: answers(ledger, saga))
    assert len(entries(ledger, saga)) == 2


def test_what_has_had_its_effect_is_closed_and_not_given_up(ledger, saga):
    message, row = letter_of(ledger, saga)
    publish(ledger, message)  # handed over again, and now it can be applied
    wait_until(lambda: answers(ledger, saga))
    line, = discard(ledger, str(row.id))
    assert line["outcome"] == "already_applied"
    assert show(ledger, str(row.id))["letter"]["state"] == "redriven, applied"


def test_what_is_on_its_way_back_is_not_discarded(ledger, saga):
    message, _ = letter_of(ledger, saga)
    ledger.kill("ledger")
    redrive(ledger, message["id"])
    line, = discard(ledger, message["id"], code=1)
    assert line["outcome"] == "not_open"
    ledger.start("ledger")
    wait_until(lambda: answers(ledger, saga))


def test_a_dry_discard_changes_nothing(ledger, saga):
    message, row = letter_of(ledger, saga)
    line, = discard(ledger, "--key", saga.account, "--dry-run")
    assert line["outcome"] == "would_discard"
    assert died(ledger, message) == row
    assert audited(ledger, row.id) == []


def test_letters_are_discarded_by_filters(ledger):
    account = account_id()
    letters_of(ledger, [Saga(account) for _ in range(3)])
    lines = discard(ledger, "--key", account, "--code", "database_refused")
    assert [line["outcome"] for line in lines] == ["discarded"] * 3
    deeds = ledger.sql("""SELECT DISTINCT operation_id FROM operator.audit
                           WHERE subject = ANY(%s::uuid[])""", [line["id"] for line in lines])
    assert len(deeds) == 1  # one command is one deed


def test_an_operator_discards_by_the_function_alone(ledger, saga):
    message, row = letter_of(ledger, saga)
    call = "SELECT * FROM ledger.discard_dead_letter(%s, gen_random_uuid(), 'me', NULL, '', '')"
    for role in ("tallystick_gateway", "tallystick_ledger", "tallystick_saga"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ledger.sql(call, row.id, role=role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ledger.sql("UPDATE ledger.dead_letter SET discarded_at = now()",
                   role="tallystick_operator")
    assert ledger.sql(call, uuid.uuid4(), role="tallystick_operator")[0].outcome == "gone"


# ---- parked keys --------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def patient(open_system):
    """A ledger that tries a parked key again after a minute, so that an operator is sooner."""
    yield open_system({"TALLYSTICK_PARK_WAIT_MS": 60000}, start=False).start("ledger", "outbox")


def parked(system, *args):
    return asked(system, "parked", "ls", *args)


def release(system, *args, reason="a test", code=0):
    return asked(system, "parked", "release", *args, "--reason", reason, code=code)


def park(system, *sagas):
    """One command each, the first of which could not be applied."""
    with poisoned(system, sagas[0]):
        publish(system, *(one.do() for one in sagas))
        return wait_until(lambda: [key for key in parked(system)
                                   if key["key"] == sagas[0].account
                                   and key["waiting"] == str(len(sagas))])[0]


def test_a_parked_key_is_listed_and_released(patient, saga):
    behind = Saga(saga.account)
    key = park(patient, saga, behind)
    assert (key["group"], key["waiting"], key["attempts"]) == ("ledger", "2", "1")
    assert (key["class"], key["first_type"]) == ("bug", "ledger.record_hold")
    assert "poison" in key["reason"]
    assert key["first_failed_at"] < key["next_try_at"]

    line, = release(patient, saga.account, "--dry-run")
    assert line["outcome"] == "would_release"
    assert audited(patient, saga.account) == []
    line, = release(patient, saga.account, "--by", "Ada", reason="the trigger is gone")
    assert (line["group"], line["outcome"]) == ("ledger", "released")
    for one in (saga, behind):  # in order
        wait_until(lambda one=one: answers(patient, one))
    order = patient.sql("""SELECT authorization_id::text AS id FROM ledger.journal
                            WHERE authorization_id = ANY(%s::uuid[]) ORDER BY chain_seq""",
                        [saga.authorization, behind.authorization])
    assert [row.id for row in order] == [saga.authorization, behind.authorization]
    deed, = audited(patient, saga.account)
    assert (deed.action, deed.reason) == ("parked_key.release", "the trigger is gone")
    assert (deed.detail["by"], deed.detail["attempts"]) == ("Ada", 1)
    assert wait_until(lambda: saga.account not in [one["key"] for one in parked(patient)])
    check_audit(patient)


def test_a_key_that_fails_still_is_parked_again(patient, saga):
    with poisoned(patient, saga):
        publish(patient, saga.do())
        wait_until(lambda: [key for key in parked(patient) if key["key"] == saga.account])
        before, = [key for key in parked(patient) if key["key"] == saga.account]
        release(patient, saga.account)
        after = wait_until(lambda: [key for key in parked(patient)
                                    if key["key"] == saga.account
                                    and key["next_try_at"] > before["next_try_at"]])
        assert after[0]["attempts"] == "1"  # all its tries are before it
        assert answers(patient, saga) == 0
    release(patient, saga.account)
    wait_until(lambda: answers(patient, saga))


def test_keys_of_a_group_are_released_together(patient):
    sagas = [Saga(account_id()) for _ in range(3)]
    for one in sagas:
        park(patient, one)
    assert [key["key"] for key in parked(patient, "--group", "saga")] == []
    assert release(patient, "--all", "--group", "saga") == []
    lines = release(patient, "--all", "--group", "ledger")
    assert {line["key"] for line in lines} >= {one.account for one in sagas}
    for one in sagas:
        wait_until(lambda one=one: answers(patient, one))


@pytest.mark.parametrize("args, code, words", [
    ([], 2, "one of ls, release is expected"),
    (["bury"], 2, "one of ls, release is expected"),
    (["ls", "more"], 2, "one of ls, release is expected"),
    (["ls", "--all"], 2, "are for release"),
    (["ls", "--group", "gateway"], 2, "must be one of authorization|ledger|saga"),
    (["release"], 2, "release takes KEYs, or --user, or --all"),
    (["release", NOBODY, "--all", "--reason", "x"], 2, "release takes KEYs, or --user, or --all"),
    (["release", NOBODY], 2, "--reason is required"),
    (["release", "x", "--reason", "x"], 2, "'x' is not a key"),
    (["release", NOBODY, "--reason", "x"], 1, "nothing of this key is parked"),
    (["release", "--user", "nobody", "--reason", "x"], 1, "nothing of this key is parked"),
    (["ls", "--database-url", "postgresql://127.0.0.1:1/x"], 4, "127.0.0.1"),
])
def test_parked__refuses(patient, args, code, words):
    done = tool(patient, "parked", *args, code=code)
    assert words in done.stderr
    assert done.stdout == ""


# ---- outboxes -----------------------------------------------------------------------------------

def test_outbox_status_says_what_waits(make_system):
    system = make_system(start=False).start("ledger")  # nobody publishes
    sagas = [Saga(account_id(lane)) for lane in (3, 3, 9)]
    publish(system, *(one.do() for one in sagas))
    for one in sagas:
        wait_until(lambda one=one: answers(system, one))
    by_name = {one["outbox"]: one for one in asked(system, "outbox", "status")}
    assert set(by_name) == {"authorization", "ledger", "saga"}
    assert by_name["saga"] == {
        "outbox": "saga", "events": "0", "lanes": "0", "oldest_at": None, "age_s": None,
        "first_type": None, "first_id": None}
    found = by_name["ledger"]
    assert (found["events"], found["lanes"]) == ("3", "2")
    first = system.sql("SELECT id::text, type FROM ledger.outbox ORDER BY seq LIMIT 1")[0]
    assert (found["first_id"], found["first_type"]) == (first.id, first.type)

    lanes = asked(system, "outbox", "status", "--lanes")
    assert sorted((one["outbox"], one["lane"], one["events"]) for one in lanes) == [
        ("ledger", "3", "2"), ("ledger", "9", "1")]
    assert lanes == sorted(lanes, key=lambda one: one["oldest_at"])
    system.start("outbox")
    wait_until(lambda: asked(system, "outbox", "status", "--lanes") == [])


@pytest.mark.parametrize("args, words", [
    (["status", "more"], "status is expected"),
    (["stat"], "status is expected"),
])
def test_outbox__refuses(ledger, args, words):
    assert words in tool(ledger, "outbox", *args, code=2).stderr
