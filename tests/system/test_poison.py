"""A message that cannot be applied, over all five services: it parks its key, others pass, it ends
as a dead letter with its cause and its trace, and is healed by a redrive once the cause is gone."""
import contextlib

import pytest

from system.harness import run_tallystick, wait_until
from system.ledger_commands import TRACE, Saga, publish
from system.repair import asked, tool

pytestmark = pytest.mark.matrix

POISON = "TALLYSTICK_REHEARSE_POISON_KEY"
PATIENT = {"TALLYSTICK_PARK_WAIT_MS": "60000"}
HASTY = {"TALLYSTICK_PARK_WAIT_MS": "20", "TALLYSTICK_PARK_ATTEMPTS_MAX": "3"}


@pytest.fixture(scope="module")
def house(open_system):
    system = open_system()
    yield system
    system.settle()
    system.verify()


@contextlib.contextmanager
def configured(system, name, more):
    """A service with other options for a while."""
    service = system.services[name]
    before = service.environment
    service.environment = before | more
    system.restart(name)
    try:
        yield
    finally:
        service.environment = before
        system.restart(name)


def parked(system, account):
    return [key for key in asked(system, "parked", "ls") if key["key"] == account]


def letters(system, account, *more):
    return asked(system, "dlq", "ls", "--key", account, *more)


def test_a_bug_parks_its_key_and_is_healed(house):
    first = house.authorize("poison-bug", "1.00").json()
    house.wait_saga(first)
    account = first["account_id"]
    with configured(house, "ledger", PATIENT | {POISON: account}):
        made = [house.authorize("poison-bug", "10.00").json() for _ in range(2)]
        others = [house.authorize(f"poison-other-{number}", "10.00").json()
                  for number in range(8)]
        for one in others:
            house.wait_saga(one)  # nobody else is held up
        key, = wait_until(lambda: [key for key in parked(house, account)
                                   if key["waiting"] == "2"], what="both wait in order")
        assert (key["group"], key["class"], key["attempts"]) == ("ledger", "bug", "1")
        assert [house.saga(one) for one in made] == ["running", "running"]

    with configured(house, "ledger", HASTY | {POISON: account}):
        tool(house, "parked", "release", account, "--reason", "no need to wait for the minute")
        dead = wait_until(lambda: len(them := letters(house, account)) == 2 and them)
        assert {(one["class"], one["code"]) for one in dead} == {("bug", "rehearsed")}
        assert parked(house, account) == []
        traces = [asked(house, "dlq", "show", one["id"])["letter"]["trace_id"] for one in dead]
        assert sorted(traces) == sorted(one["trace_id"] for one in made)
        told = asked(house, "trace", made[0]["id"])["events"]
        assert "dead_letter" in [line["event"] for line in told]

        again = letters(house, account)
        tool(house, "dlq", "redrive", "--key", account, "--reason", "too early")
        wait_until(lambda: [one["redrives"] for one in letters(house, account)] == ["1", "1"])
        assert [one["id"] for one in letters(house, account)] == [one["id"] for one in again]

    assert [house.saga(one) for one in made] == ["running", "running"]  # the cause is gone, ..
    tool(house, "dlq", "redrive", "--code", "rehearsed", "--reason", "it is mended")
    for one in made:
        house.wait_saga(one)  # .. and now it is healed
    assert letters(house, account) == []
    house.verify()


def test_a_bad_schema_is_dead_at_once_and_holds_up_nobody(house):
    first = house.authorize("poison-schema", "1.00").json()
    house.wait_saga(first)
    account = first["account_id"]
    stranger = Saga(account).do()
    stranger["payload"].pop("amount")
    publish(house, stranger)
    made = house.authorize("poison-schema", "10.00").json()
    house.wait_saga(made)
    letter, = wait_until(lambda: letters(house, account))
    assert (letter["class"], letter["code"]) == ("schema", "payload_invalid")
    shown = asked(house, "dlq", "show", letter["id"])["letter"]
    assert (shown["attempts"], shown["trace_id"]) == ("1", TRACE)
    tool(house, "dlq", "redrive", letter["id"])
    wait_until(lambda: [one["redrives"] for one in letters(house, account)] == ["1"],
               what="it dies again: its payload is what it was")
    tool(house, "dlq", "discard", letter["id"], "--reason", "a stranger on our topic")
    assert letters(house, account) == []


@pytest.mark.parametrize("more, words", [
    ({"TALLYSTICK_PROFILE": "prod"}, "rehearse-poison-key is for the dev profile"),
    ({POISON: "user-1"}, "rehearse-poison-key is a key"),
])
def test_a_rehearsal_is_refused(house, more, words):
    poison = {POISON: "01a202f8-bf88-76a9-902c-54168cb365f9"}
    done = run_tallystick(house.env | poison | more, "ledger")
    assert done.returncode == 2
    assert words in done.stderr
