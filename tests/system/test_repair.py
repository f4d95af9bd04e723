"""Repairs over all five services: whatever an operator does about a transaction that is stuck, the
client's credit, the books and the story end as they should, or it is counted as given up."""
import contextlib

import pytest

from system.dead_letters import refused
from system.harness import wait_until
from system.repair import asked, audited, check_audit, deed, tool
from system.saga_messages import get_stuck

pytestmark = pytest.mark.matrix


@pytest.fixture(scope="module")
def house(open_system):
    """Soon gives a message up, and looks at deadlines all the time."""
    system = open_system({"TALLYSTICK_PARK_WAIT_MS": 20, "TALLYSTICK_PARK_ATTEMPTS_MAX": 3,
                          "TALLYSTICK_SAGA_SWEEP_MS": 20})
    yield system
    system.verify()
    check_audit(system)


def held(system, user):
    return system.get(f"/v1/accounts/{user}/balance").json()["held"]["amount_minor"]


def ledger_pending(system, made):
    rows = system.sql("SELECT pending_minor FROM ledger.hold WHERE authorization_id = %s",
                      made["id"])
    return rows[0].pending_minor if rows else 0


def letters(system, made, state="open"):
    """What could not be applied of an authorization's account."""
    return asked(system, "dlq", "ls", "--key", made["account_id"], "--state", state)


@contextlib.contextmanager
def unbookable(system, user):
    """The ledger cannot save anything of this user's account: a bug, as seen from outside."""
    account = system.get(f"/v1/accounts/{user}").json()["id"]
    with refused(system, "ledger.entry", f"NEW.ledger_account_id = '{account}'"):
        yield


def get_dead(system, user, amount="10.00"):
    """An approval whose booking died, and whose saga is stuck."""
    system.wait_saga(system.authorize(user, "1.00").json())  # the account is there
    with unbookable(system, user):
        made = system.authorize(user, amount).json()
        letter, = wait_until(lambda: letters(system, made), 30, what="a dead letter")
        get_stuck(system, made["saga_id"])
    return made, letter


def said(system, made):
    """What `trace` tells of operators."""
    story = asked(system, "trace", made["id"])
    return [line["event"] for line in story["events"] if line["service"] == "operator"]


def counts(system):
    report = asked(system, "verify", "--unseen-s", "0")
    return {name: report[name] for name in ("abandoned_sagas", "discarded_letters", "stuck_sagas")}


def test_a_stuck_booking_is_retried_after_its_letter_was_discarded(house):
    made, letter = get_dead(house, "repair-retry")
    tool(house, "dlq", "discard", letter["id"], "--reason", "the saga sends it again")
    deed(house, "retry", made["saga_id"])
    house.wait_saga(made)
    assert ledger_pending(house, made) == 1000
    assert said(house, made) == ["discard", "saga_retry"]
    house.verify()


def test_a_stuck_booking_that_was_never_done_is_compensated(house):
    made, letter = get_dead(house, "repair-undo")
    tool(house, "dlq", "discard", letter["id"], "--reason", "it shall not be booked")
    assert held(house, "repair-undo") == 1100
    deed(house, "compensate", made["saga_id"])
    house.wait_saga(made, "compensated")
    assert house.get(f"/v1/authorizations/{made['id']}").json()["status"] == "reversed"
    assert held(house, "repair-undo") == 100
    assert ledger_pending(house, made) == 0
    assert said(house, made) == ["discard", "saga_compensate"]
    house.verify()


def test_a_booking_that_comes_after_its_undo_does_nothing(house):
    """The command that was lost comes back: the barrier has closed behind the undo."""
    made, letter = get_dead(house, "repair-late")
    deed(house, "compensate", made["saga_id"])
    house.wait_saga(made, "compensated")
    tool(house, "dlq", "redrive", letter["id"])
    wait_until(lambda: asked(house, "dlq", "show", letter["id"])["letter"]["state"]
               == "redriven, applied")
    assert ledger_pending(house, made) == 0
    assert house.sql("SELECT 1 FROM ledger.journal WHERE authorization_id = %s", made["id"]) == []
    house.settle()
    house.verify()


def test_a_booking_that_was_done_unheard_is_compensated_in_the_books_too(house):
    """The ledger has booked, its answer is late; the operator does not know."""
    user = "repair-unheard"
    house.wait_saga(house.authorize(user, "1.00").json())
    house.pause("saga")  # it will hear the answer after the deed
    made = house.authorize(user, "10.00").json()
    house.resume("saga")
    house.wait_saga(made)
    # As if the answer had not been heard: the saga stands where it stood before.
    house.sql("UPDATE saga.saga SET state = 'running' WHERE id = %s", made["saga_id"])
    get_stuck(house, made["saga_id"])
    assert ledger_pending(house, made) == 1000
    deed(house, "compensate", made["saga_id"])
    house.wait_saga(made, "compensated")
    assert ledger_pending(house, made) == 0
    assert held(house, user) == 100
    house.settle()
    house.verify()


def test_what_is_abandoned_is_counted_apart(house):
    user = "repair-abandoned"
    before = counts(house)
    made, letter = get_dead(house, user)
    tool(house, "dlq", "discard", letter["id"], "--reason", "the ledger lost it for good")
    deed(house, "abandon", made["saga_id"], reason="written off, INC-7")
    after = counts(house)
    assert after["abandoned_sagas"] == before["abandoned_sagas"] + 1
    assert after["discarded_letters"] == before["discarded_letters"] + 1
    assert after["stuck_sagas"] == before["stuck_sagas"]
    story = asked(house, "trace", made["id"])
    assert [line["event"] for line in story["events"] if line["service"] == "operator"] == [
        "discard", "saga_abandon"]
    assert "saga_abandoned" in [line["event"] for line in story["events"]]
    assert held(house, user) == 1100  # what was decided stands until it is voided or expires

    # It is voided; the release would wait for a booking that nobody will ever tell.
    assert house.post(f"/v1/authorizations/{made['id']}/void").status_code == 200
    assert held(house, user) == 100
    release = wait_until(lambda: house.sql("""SELECT id::text FROM saga.saga
        WHERE authorization_id = %s AND type = 'release'""", made["id"]))[0].id
    get_stuck(house, release)
    deed(house, "retry", release)
    wait_until(lambda: house.get(f"/v1/sagas/{release}").json()["state"] == "completed")
    house.verify()


def test_a_client_that_waits_for_what_is_abandoned_is_told_pending(house):
    """It is in the books or it is not; nobody shall be told that it was reversed."""
    user = "repair-waits"
    house.wait_saga(house.authorize(user, "1.00").json())
    key = "repair-waits-key"
    with unbookable(house, user):
        made = house.authorize(user, "10.00", "tx-repair-waits", key).json()
        wait_until(lambda: letters(house, made), 30, what="a dead letter")
        get_stuck(house, made["saga_id"])
    deed(house, "abandon", made["saga_id"])
    again = house.authorize(user, "10.00", "tx-repair-waits", key, headers={"Prefer": "wait=5"})
    assert again.headers["Tallystick-Booking"] == "pending"
    tool(house, "dlq", "discard", letters(house, made)[0]["id"], "--reason", "a test")


def test_the_status_of_a_ledger_account_is_a_deed(house):
    user = "repair-frozen"
    made = house.authorize(user, "1.00").json()
    house.wait_saga(made)
    tool(house, "ledger", "account", "freeze", user, "--reason", "INC-9", "--by", "Ada")
    tool(house, "ledger", "account", "open", user)
    first, second = audited(house, made["account_id"])
    assert (first.action, first.reason) == ("ledger_account.set_status", "INC-9")
    assert (first.detail["from"], first.detail["to"], first.detail["by"]) == ("open", "frozen",
                                                                              "Ada")
    assert (second.reason, second.detail["to"]) == ("", "open")
    assert "--by is a name" in tool(house, "ledger", "account", "open", user, "--by", "",
                                    code=2).stderr
