"""What the services put on the bus follows contracts/events/: every message that a walk through
all that can happen leaves there, headers and payload, is held against its schema."""
import json

import pytest
from conftest import opened
from system import contracts
from system.harness import System, wait_until

pytestmark = pytest.mark.matrix

TYPE = "dev.tallystick."

# Who says what, on which topic: the topic of a type, and where its key and subject come from.
TOPICS = {
    "authorization": ("authorization.v1", "authorization"),
    "account": ("account.v1", "authorization"),
    "ledger": ("ledger.v1", "ledger"),
    "saga": ("saga.v1", "saga"),
}
COMMANDS = {
    "ledger.record_hold": ("ledger.commands.v1", "saga"),
    "ledger.release_hold": ("ledger.commands.v1", "saga"),
    "authorization.release": ("authorization.commands.v1", "saga"),
}

EXPECTED = {
    "account.opened", "account.limit_changed", "account.frozen", "account.reopened",
    "account.closed", "authorization.approved", "authorization.declined", "authorization.voided",
    "authorization.expired", "authorization.reversed", "authorization.already_released",
    "authorization.release", "ledger.record_hold", "ledger.release_hold", "ledger.hold_recorded",
    "ledger.hold_released", "ledger.refused", "saga.started", "saga.running", "saga.completed",
    "saga.compensating", "saga.compensated",
}


def approve(system, user, **fields):
    made = system.authorize(user, **fields)
    assert (made.status_code, made.json()["status"]) == (201, "approved"), made.text
    return made.json()


def void(system, authorization):
    done = system.post(f"/v1/authorizations/{authorization['id']}/void")
    assert done.status_code == 200, done.text


def status(system, authorization):
    return system.get(f"/v1/authorizations/{authorization['id']}").json()["status"]


def put_account(system, user, **change):
    done = system.put(f"/v1/accounts/{user}", change)
    assert done.status_code in (200, 201), done.text


def freeze_in_ledger(system, user):
    done = system.tallystick("ledger", "account", "freeze", user)
    assert done.returncode == 0, done.stdout + done.stderr


def walk_holds(system):
    """A hold that is voided, one that expires, and a decline."""
    held = approve(system, "events-holds")
    system.wait_saga(held)
    void(system, held)
    short = approve(system, "events-holds", expires_in=1)
    assert system.authorize("events-holds", "5000.00").json()["status"] == "declined"
    wait_until(lambda: status(system, short) == "expired", what="the hold expired")


def walk_refusals(system):
    """The ledger refuses a hold, and one that is voided before it says so."""
    system.wait_saga(approve(system, "events-refused"))
    freeze_in_ledger(system, "events-refused")
    refused = approve(system, "events-refused")
    system.wait_saga(refused, "compensated")
    assert status(system, refused) == "reversed"

    system.pause("ledger")
    voided = approve(system, "events-refused")
    void(system, voided)
    system.resume("ledger")
    system.wait_saga(voided, "compensated")
    assert status(system, voided) == "voided"


def walk_accounts(system):
    put_account(system, "events-account", credit_limit="500.00", currency="EUR")
    put_account(system, "events-account", credit_limit="750.00")
    for name in ("frozen", "open", "closed"):
        put_account(system, "events-account", status=name)


@pytest.fixture(scope="module")
def messages(cluster):
    """What is on the bus after the walk, in order, with payloads parsed."""
    with opened(System(cluster, env={"TALLYSTICK_SWEEP_INTERVAL_MS": 100})) as system:
        system.bus.watch()
        walk_holds(system)
        walk_refusals(system)
        walk_accounts(system)
        system.settle()
        found = system.bus.events()
    return [message._replace(payload=json.loads(message.payload)) for message in found]


def name_of(message):
    return message.headers["ce_type"].removeprefix(TYPE).removesuffix(".v1")


def home_of(name):
    return COMMANDS.get(name) or TOPICS[name.split(".")[0]]


def test_everything_was_said(messages):
    assert EXPECTED <= {name_of(message) for message in messages}


def test_every_message_follows_its_schema(messages):
    for message in messages:
        contracts.check(contracts.ENVELOPE, message.headers)
        contracts.check(f"{name_of(message)}.v1", message.payload)


def test_headers_agree_with_the_bus(messages):
    for message in messages:
        topic, service = home_of(name_of(message))
        assert message.topic == topic
        assert message.headers["ce_source"] == f"/tallystick/{service}"
        assert message.headers["ce_dataschema"] == f"urn:tallystick:event:{name_of(message)}.v1"
        assert message.headers["ce_id"] == str(message.id)
        assert message.headers["ce_partitionkey"] == str(message.key)


def test_keys_and_subjects_are_those_of_the_payload(messages):
    for message in messages:
        payload, headers = message.payload, message.headers
        body = next((payload[name] for name in ("authorization", "account", "hold", "saga")
                     if name in payload), payload)
        of_saga = "saga" in payload
        assert headers["ce_subject"] == (body.get("id") or body["authorization_id"])
        assert headers["ce_partitionkey"] == (
            body["id"] if of_saga or "account" in payload else body["account_id"])
        if "version" in body:
            is_repeat = name_of(message) == "authorization.already_released"
            assert is_repeat or int(headers["ce_sequence"]) == body["version"]


def test_commands_and_answers_name_their_saga(messages):
    answers = ("ledger.", "authorization.reversed", "authorization.already_released")
    for message in messages:
        name = name_of(message)
        if name in COMMANDS or name.startswith(answers):
            assert {"ce_sagaid", "ce_commandid"} <= message.headers.keys(), name


def about(message):
    """The authorization that a message is about; None: an account."""
    payload = message.payload
    if "authorization" in payload:
        return payload["authorization"]["id"]
    return (payload.get("hold") or payload.get("saga") or payload).get("authorization_id")


def traces_of(message):
    return {message.headers[name].split("-")[1] for name in ("traceparent", "ce_traceparent")}


def test_a_message_carries_the_trace_of_what_began_it(messages):
    """The request that decided, or the one that voided; an expiry goes on with the decision's."""
    begun = {}
    for message in messages:
        if message.payload.get("change", {}).get("by") == "api" and about(message):
            begun.setdefault(about(message), set()).update(traces_of(message))
    for message in messages:
        if about(message):
            assert traces_of(message) <= begun[about(message)], name_of(message)


def test_each_aggregate_s_versions_come_in_order(messages):
    seen = {}
    for message in messages:
        if message.topic in ("authorization.v1", "account.v1", "saga.v1"):
            sequence = int(message.headers["ce_sequence"])
            place = (message.topic, message.headers["ce_subject"])
            repeat = name_of(message) == "authorization.already_released"
            assert sequence == seen.get(place, 0) + (0 if repeat else 1), place
            seen[place] = sequence
