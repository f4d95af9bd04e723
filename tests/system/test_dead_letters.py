"""Messages that cannot be applied: what becomes of them by their cause, how an operator finds them,
and what waits behind them. Most of it is the ledger's commands, published beside the services."""
import json
import uuid

import pytest

from system import saga_messages
from system.dead_letters import (HASTY, answers, died, dlq, lane_locked, ledger, letter_of, ls,
                                 on_dlq_topic, poisoned, redrive, refused, saga, show, tell)
from system.harness import wait_until
from system.ledger_commands import TRACE, Saga, account_id, check_books, entries, publish
from system.saga_messages import Authorization


pytestmark = pytest.mark.matrix


# ---- by cause -----------------------------------------------------------------------------------

@pytest.mark.parametrize("error_class, code, spoil", [
    ("schema", "headers_invalid", lambda m: m.update(subject="not an id")),
    ("schema", "command_unknown", lambda m: m.update(type="dev.tallystick.ledger.sing.v1")),
    ("schema", "payload_invalid", lambda m: m["payload"].pop("amount")),
])
def test_what_is_not_of_our_schema_is_dead_at_once(ledger, saga, error_class, code, spoil):
    message = saga.do()
    spoil(message)
    publish(ledger, message)
    # By its key: a bus that finds no id in the headers gives it one.
    found, = wait_until(lambda: ls(ledger, "--code", code, "--key", saga.account))
    letter = show(ledger, found["id"])["letter"]
    assert (letter["error_class"], letter["attempts"]) == (error_class, "1")
    after = Saga(saga.account)
    tell(ledger, after, after.do())  # nothing waits behind it


def test_a_command_that_contradicts_our_data_is_dead_at_once(ledger, saga):
    tell(ledger, saga, saga.do())
    stranger = Saga(account_id(), authorization=saga.authorization)
    stranger.account = str(uuid.UUID(bytes=uuid.UUID(stranger.account).bytes[:15]
                                     + uuid.UUID(saga.account).bytes[15:]))
    message = stranger.release()
    publish(ledger, message)
    letter = died(ledger, message)
    assert (letter.error_class, letter.error_code) == ("business", "account_mismatch")
    assert letter.attempts == 1


def test_what_the_database_refuses_is_tried_again_and_then_dead(ledger, saga):
    message, letter = letter_of(ledger, saga)
    assert (letter.error_class, letter.error_code) == ("bug", "database_refused")
    assert letter.attempts == 3
    assert "poison" in letter.error_message
    assert letter.first_failed_at < letter.last_failed_at
    assert entries(ledger, saga) == []


def test_what_never_gets_a_lock_is_transient_and_comes_back(ledger, saga):
    tell(ledger, saga, saga.do())  # now the account is there
    later = Saga(saga.account)
    message = later.do()
    with lane_locked(ledger, saga.account):
        publish(ledger, message)
        letter = died(ledger, message)
    assert (letter.error_class, letter.error_code) == ("transient_exhausted", "database_busy")
    assert letter.attempts == 3
    redrive(ledger, "--class", "transient_exhausted", "--key", saga.account)
    wait_until(lambda: answers(ledger, later))


# ---- what is said of it -------------------------------------------------------------------------

def test_everything_is_on_the_dead_letter_topic(ledger, saga):
    message, letter = letter_of(ledger, saga)
    head, = wait_until(lambda: on_dlq_topic(ledger, message))
    sent = json.loads(letter.headers)
    assert {name: head[name] for name in sent} == sent
    about = {name.removeprefix("x-dlq-"): value for name, value in head.items() if name not in sent}
    for name in ("original-timestamp", "first-failed-at", "last-failed-at", "error-message"):
        assert about.pop(name)
    assert about == {
        "original-topic": letter.topic, "original-partition": str(letter.partition),
        "original-offset": str(letter.offset), "consumer-group": "ledger", "attempts": "3",
        "error-class": "bug", "error-code": "database_refused", "trace-id": TRACE,
        "service-version": letter.service_version, "redrive-count": "0",
    }


def test_show_has_everything(ledger, saga):
    message, row = letter_of(ledger, saga)
    for name in (str(row.id), message["id"]):  # by the letter's id or its event's
        found = show(ledger, name)
        letter = found["letter"]
        assert letter["payload"] == message["payload"]
        assert letter["headers"] == json.loads(row.headers)
        assert letter["trace_id"] == TRACE
        assert letter["key"] == saga.account
        assert letter["type"] == "dev.tallystick.ledger.record_hold.v1"
        assert (letter["state"], letter["redrive_count"]) == ("open", "0")
        assert found["deeds"] == []
    for_people = dlq(ledger, "show", str(row.id)).stdout
    assert "header ce_id" in for_people and TRACE in for_people and "poison" in for_people


def test_its_death_is_in_the_log_with_its_trace(ledger, saga):
    message, _ = letter_of(ledger, saga)
    line, = wait_until(lambda: ledger.logs("ledger", event="message.dead_lettered",
                                           event_id=message["id"]))
    assert (line["trace_id"], line["error_code"]) == (TRACE, "database_refused")


def test_ls_filters(ledger, saga):
    bug, letter = letter_of(ledger, saga)
    wrong = Saga(saga.account).do()
    wrong["payload"].pop("amount")
    publish(ledger, wrong)
    died(ledger, wrong)
    key = ("--key", saga.account)

    def found(*args):
        return [one["event_id"] for one in ls(ledger, *key, *args)]

    both = [wrong["id"], bug["id"]]  # the newest first
    assert found() == both
    assert found("--class", "bug") == found("--code", "database_refused") == [bug["id"]]
    assert found("--class", "schema") == [wrong["id"]]
    assert found("--type", "ledger.record_hold") == both
    assert found("--type", "dev.tallystick.ledger.record_hold.v1") == both
    assert found("--type", "ledger.release_hold") == []
    assert found("--group", "ledger") == both
    assert found("--group", "saga") == []
    assert found("--since", "1h") == both
    assert found("--until", "1h") == []
    death = letter.last_failed_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert found("--until", death) == []
    assert found("--until", death, "--since", "2001-01-01T00:00:00Z") == []
    assert found("--since", death) == both
    assert found("--limit", "1") == [wrong["id"]]
    first, = ls(ledger, *key, "--limit", "1")
    assert found("--limit", "1", "--cursor", first["id"]) == [bug["id"]]
    assert found("--state", "redriven") == []
    assert found("--state", "all") == both


def test_ls_by_user(ledger):
    assert ls(ledger, "--user", "nobody") == []


# ---- what waits behind it -----------------------------------------------------------------------

def test_by_default_later_messages_of_the_key_wait_in_order(ledger):
    poison = Saga(account_id())
    after = Saga(poison.account)
    first, second = poison.do(), after.do()
    ledger.stop("ledger")
    ledger.services["ledger"].environment["TALLYSTICK_PARK_ATTEMPTS_MAX"] = "1000"
    ledger.start("ledger")
    try:
        with poisoned(ledger, poison):
            publish(ledger, first, second)
            wait_until(lambda: ledger.sql("SELECT 1 FROM ledger.parked_message WHERE event_id = %s",
                                          second["id"]))
            assert answers(ledger, after) == 0
        wait_until(lambda: answers(ledger, poison) and answers(ledger, after))
    finally:
        ledger.stop("ledger")
        ledger.services["ledger"].environment |= {k: str(v) for k, v in HASTY.items()}
        ledger.start("ledger")


def test_with_skip_they_go_on_and_the_failing_one_alone_is_tried_again(make_system):
    env = HASTY | {"TALLYSTICK_ON_POISON": "skip", "TALLYSTICK_PARK_ATTEMPTS_MAX": 1000}
    system = make_system(env, start=False).start("ledger", "outbox")
    poison, other = Saga(account_id(lane=3)), Saga(account_id(lane=3))
    other.account = poison.account
    after = Saga(poison.account)
    with poisoned(system, poison, other):
        publish(system, poison.do(), other.do(), after.do())
        wait_until(lambda: answers(system, after))
        tries = wait_until(lambda: len(rows := system.sql(
            "SELECT * FROM ledger.parked_key WHERE attempts > 1")) == 2 and rows)
        assert {str(row.key) for row in tries}.isdisjoint({poison.account})
        tell(system, after, after.release())
    wait_until(lambda: answers(system, poison) and answers(system, other))
    wait_until(lambda: not system.sql("SELECT 1 FROM ledger.parked_key"))
    for one in (poison, other):
        assert len(entries(system, one)) == 2
    check_books(system)


def test_with_skip_it_dies_in_the_end_and_a_redrive_heals(make_system):
    system = make_system(HASTY | {"TALLYSTICK_ON_POISON": "skip"}, start=False)
    system.start("ledger", "outbox")
    saga = Saga(account_id())
    message, letter = letter_of(system, saga)
    assert (letter.attempts, str(letter.key)) == (3, saga.account)
    redrive(system, "--all")
    wait_until(lambda: answers(system, saga))


@pytest.mark.parametrize("name, value, words", [
    ("ON_POISON", "stop", "must be one of park_key|skip"),
    ("PARK_ATTEMPTS_MAX", "0", "park-attempts-max is 1 to"),
    ("PARK_WAIT_MS", "60001", "park-wait-ms is 1 to 60000"),
])
@pytest.mark.parametrize("service", ["authorization", "ledger", "saga"])
def test_poison_options_are_checked(make_system, service, name, value, words):
    system = make_system({f"TALLYSTICK_{name}": value}, start=False)
    done = system.tallystick(service, timeout=20)
    assert done.returncode in (1, 2)
    assert words in done.stderr


# ---- the other services -------------------------------------------------------------------------

@pytest.fixture(scope="module")
def house(open_system):
    """All five, and each soon gives up."""
    return open_system(HASTY)


def test_a_command_about_an_unknown_authorization_is_dead_at_once(house):
    one = Authorization()
    payload = {"authorization_id": one.id, "account_id": one.account, "reason": "account_frozen",
               "step": "record_hold", "op": "undo"}
    message = one.event("authorization.release", str(uuid.uuid4()), str(uuid.uuid4()),
                        payload=payload) | {"topic": "authorization.commands.v1"}
    saga_messages.publish(house, message)
    letter = died(house, message)
    assert (letter.error_class, letter.error_code) == ("business", "authorization_unknown")
    found, = ls(house, "--group", "authorization", "--type", "authorization.release",
                "--key", one.account)
    assert found["event_id"] == message["id"]
    redrive(house, message["id"])
    assert died(house, message, times=2).redrive_count == 1  # the cause is still there
    house.verify()


def test_an_event_that_no_saga_understands_is_the_sagas_letter(house):
    one = Authorization()
    broken = one.approved() | {"payload": {"authorization": {}}}
    saga_messages.publish(house, broken)
    letter = died(house, broken)
    assert (letter.error_class, letter.error_code) == ("schema", "payload_invalid")
    assert [row["event_id"] for row in ls(house, "--group", "saga", "--key", one.account)] == \
        [broken["id"]]


def test_an_approval_whose_event_died_waits_and_is_not_lost(house):
    """Nothing books it until the operator has mended and redriven; verify counts the letter."""
    with refused(house, "saga.saga", "NEW.user_id = 'user-unheard'"):
        made = house.authorize("user-unheard").json()
        letter, = wait_until(lambda: ls(house, "--user", "user-unheard"))
        assert (letter["group"], letter["type"]) == ("saga", "authorization.approved")
    assert "dead letters open: " in house.verify().stdout
    redrive(house, "--user", "user-unheard")
    house.wait_saga(made)
    house.verify()


# ---- a whole transaction ------------------------------------------------------------------------

def test_a_booking_that_died_is_completed_by_its_redrive(make_system):
    """The saga waits for the ledger, whose command has died; the operator mends and redrives."""
    system = make_system(HASTY)
    with refused(system, "ledger.journal", "true"):
        made = system.authorize("user-poison").json()
        letter, = wait_until(lambda: ls(system, "--user", "user-poison", "--type",
                                        "ledger.record_hold"))
        assert (letter["group"], letter["code"]) == ("ledger", "database_refused")
        assert system.saga(made) in ("started", "running")
        system.verify()  # it is on its way, not lost
    redrive(system, "--all", "--reason", "mended")
    system.wait_saga(made)
    for event in ("authorization.approved", "message.dead_lettered", "ledger.hold_recorded",
                  "saga.completed"):
        wait_until(lambda event=event: system.logs(trace_id=made["trace_id"], event=event))
    system.settle()
    system.verify()
