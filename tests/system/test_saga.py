"""Bookings from outside: what a client and an operator see of a transaction that runs over all five
services, and that none is lost when the orchestrator is."""
import concurrent.futures

import pytest

from system.harness import wait_until

pytestmark = pytest.mark.matrix


def held(system, user):
    return system.get(f"/v1/accounts/{user}/balance").json()["held"]["amount_minor"]


def freeze_in_ledger(system, user):
    """The ledger's account alone; it is opened by its first hold."""
    system.wait_saga(system.authorize(user, "1.00").json())
    done = system.tallystick("ledger", "account", "freeze", user)
    assert done.returncode == 0, done.stdout + done.stderr


def void(system, authorization):
    done = system.post(f"/v1/authorizations/{authorization['id']}/void")
    assert done.status_code == 200, done.text


def saga_of_release(system, authorization):
    rows = system.sql("""SELECT id::text, state FROM saga.saga
                          WHERE authorization_id = %s AND type = 'release'""", authorization["id"])
    return rows[0] if rows else None


def wait_release(system, authorization, state="completed"):
    return wait_until(lambda: (saga := saga_of_release(system, authorization))
                      and saga.state == state and saga.id, what=f"release {state}")


def test_logs_tell_the_story_in_order(system):
    made = system.authorize("user-story", "99.99").json()
    system.wait_saga(made)
    story = ("request.received", "authorization.approved", "event.published", "saga.started",
             "ledger.hold_recorded", "saga.completed")

    def first_lines():
        events = [line.get("event") for line in system.logs(trace_id=made["trace_id"])]
        return [events.index(event) for event in story] if set(story) <= set(events) else None

    places = dict(zip(story, wait_until(first_lines, what="every line of the story"), strict=True))
    # Who reads an event from the bus may be faster than who was told that it is there.
    assert places["authorization.approved"] < places.pop("event.published")
    assert list(places.values()) == sorted(places.values())


def test_a_ledger_refusal_gives_the_hold_back(system):
    freeze_in_ledger(system, "user-refused")
    refused = system.authorize("user-refused", "50.00", headers={"Prefer": "wait=20"})
    assert refused.status_code == 201
    assert refused.json()["status"] == "approved"  # what was decided, and for a moment held
    assert refused.headers["Tallystick-Booking"] == "reversed"

    now = system.get(f"/v1/authorizations/{refused.json()['id']}").json()
    assert now["status"] == "reversed"
    assert held(system, "user-refused") == 100
    saga = system.get(f"/v1/sagas/{now['saga_id']}").json()
    assert (saga["state"], saga["reason"]) == ("compensated", "account_frozen")
    assert [(step["step"], step["op"], step["state"]) for step in saga["steps"]] == [
        ("record_hold", "do", "failed"), ("release_authorization", "undo", "compensated")]
    system.verify()


def test_a_void_overtakes_its_booking_and_waits(system):
    system.stop("ledger")
    made = system.authorize("user-void", "30.00").json()
    void(system, made)
    waiting = wait_release(system, made, "started")
    assert system.saga(made) == "running"
    assert held(system, "user-void") == 0  # the client has its credit back at once
    assert waiting in [item["id"] for item in
                       system.get("/v1/sagas?state=started").json()["items"]]
    system.start("ledger")
    system.wait_saga(made)
    wait_release(system, made)
    system.verify()


def test_a_void_of_what_the_ledger_refuses_has_nothing_to_release(system):
    freeze_in_ledger(system, "user-both")
    system.pause("ledger")
    made = system.authorize("user-both", "30.00").json()
    void(system, made)
    wait_release(system, made, "started")
    system.resume("ledger")
    system.wait_saga(made, "compensated")
    release = system.get(f"/v1/sagas/{wait_release(system, made)}").json()
    assert [step["state"] for step in release["steps"]] == ["skipped"]
    assert system.get(f"/v1/authorizations/{made['id']}").json()["status"] == "voided"
    system.verify()


def test_no_booking_is_lost_when_orchestrator_and_ledger_are_killed(system):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = [pool.submit(system.authorize, f"user-{number % 7}", "1.00")
                for number in range(200)]
        for _ in range(3):
            for name in ("saga", "ledger"):
                system.kill(name)
                system.start(name)
        made = [one.result().json() for one in made]
        for one in made[::3]:
            void(system, one)
    for one in made:
        system.wait_saga(one, timeout=60)
    for one in made[::3]:
        wait_release(system, one)
    assert system.sql("SELECT count(*) FROM saga.dead_letter")[0].count == 0
    assert system.sql("""SELECT authorization_id FROM saga.saga GROUP BY authorization_id, type
                         HAVING count(*) > 1""") == []
    system.verify()
