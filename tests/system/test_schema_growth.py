"""Contracts only grow: a service of today reads what a newer one says, with fields, headers and
values of enumerations that it has never heard of, and does with it what it always did."""
import json
import uuid

import pytest

from system import ledger_commands, saga_messages
from system.buses import Message
from system.harness import wait_until
from system.ledger_commands import Saga, account_id, entries
from system.saga_messages import Authorization

pytestmark = pytest.mark.matrix

TOMORROW = {"added": "text", "nested": {"deep": [1, None, {"more": True}]}, "big": 10**19}


def grown(value):
    """Every object has more members, and who did it is somebody new."""
    if isinstance(value, list):
        return [grown(part) for part in value]
    if not isinstance(value, dict):
        return value
    more = {f"{name}_of_tomorrow": part for name, part in TOMORROW.items()}
    return more | {name: "robot" if name == "by" else grown(part) for name, part in value.items()}


def publish(system, topic, headers, *messages):
    """As a newer service says it: a header more, and fields more."""
    system.bus.publish(*(Message(topic, one["key"], one["id"],
                                 headers(one) | {"ce_futureattribute": "of tomorrow"},
                                 json.dumps(grown(one["payload"]))) for one in messages))


def no_letters(system, key):
    return system.sql("SELECT * FROM operator.dead_letter WHERE key = %s", key) == []


@pytest.fixture(scope="module")
def house(open_system):
    return open_system()


def test_the_ledger_does_commands_with_more_fields(house):
    saga = Saga(account_id())
    publish(house, ledger_commands.TOPIC, ledger_commands.headers, saga.do(), saga.release())
    wait_until(lambda: len(entries(house, saga)) == 4, what="held and released")
    assert no_letters(house, saga.account)


def test_the_saga_hears_events_with_more_fields(house):
    one = Authorization()
    publish(house, "authorization.v1", saga_messages.headers, one.approved())
    saga_messages.wait_state(house, one.authorize, "completed")  # by our own ledger
    publish(house, "authorization.v1", saga_messages.headers, one.ended("voided"))
    saga_messages.wait_state(house, one.release, "completed")
    assert no_letters(house, one.account)


def test_the_saga_hears_answers_with_more_fields(open_system):
    """The ledger of tomorrow refuses for a reason that is not known today."""
    system = open_system(start=False).start("saga", "gateway")
    one = Authorization()
    saga_messages.publish(system, one.approved())
    answer = one.answer(system, "ledger.refused", reason="a_reason_of_tomorrow")
    publish(system, "ledger.v1", saga_messages.headers, answer)
    saga_messages.wait_state(system, one.authorize, "compensating")
    assert no_letters(system, one.account)


def test_an_event_of_tomorrow_is_let_go(house):
    one = Authorization()
    unknown = one.event("authorization.celebrated", payload=one.body("approved"))
    publish(house, "authorization.v1", saga_messages.headers, unknown, one.approved())
    saga_messages.wait_state(house, one.authorize, "completed")
    assert no_letters(house, one.account)


def test_the_authorization_service_does_commands_with_more_fields(house):
    made = house.authorize("user-growth").json()
    house.wait_saga(made)
    command = {"key": made["account_id"], "id": str(uuid.uuid4()), "subject": made["id"],
               "type": "dev.tallystick.authorization.release.v1", "saga_id": made["saga_id"],
               "command_id": str(uuid.uuid4()), "payload": {
                   "authorization_id": made["id"], "account_id": made["account_id"],
                   "reason": "a_reason_of_tomorrow", "step": "record_hold", "op": "undo"}}
    publish(house, "authorization.commands.v1", saga_messages.headers, command)
    wait_until(lambda: house.get(f"/v1/authorizations/{made['id']}").json()["status"] == "reversed")
    assert no_letters(house, made["account_id"])
