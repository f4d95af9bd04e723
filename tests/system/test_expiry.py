"""Holds end by time or by a void, and the credit is free again in authorization and ledger."""
import datetime

import pytest

from system.harness import wait_until

pytestmark = pytest.mark.matrix


def open_account(system, user_id):
    answer = system.put(f"/v1/accounts/{user_id}", {"credit_limit": "100.00"})
    assert answer.status_code in (200, 201), answer.text
    return user_id


def held(system, user_id):
    return system.get(f"/v1/accounts/{user_id}/balance").json()["held"]["amount"]


def pending(system, authorization):
    """What holds of the account sum up to in the ledger; None while it cannot say."""
    path = f"/internal/accounts/{authorization['account_id']}/balance"
    answer = system.inside("ledger", path)
    return answer.json()["pending"]["net"]["amount"] if answer.status_code == 200 else None


def now_of(system, authorization):
    return system.get(f"/v1/authorizations/{authorization['id']}").json()


def lifetime_s(authorization):
    created, expires = (datetime.datetime.fromisoformat(authorization[name])
                        for name in ("created_at", "expires_at"))
    return (expires - created).total_seconds()


def wait_status(system, authorization, status, timeout=20):
    return wait_until(
        lambda: (found := now_of(system, authorization))["status"] == status and found, timeout,
        what=f"authorization {status}")


def entry_types(system, user_id):
    items = system.get(f"/v1/accounts/{user_id}/entries").json()["items"]
    return sorted((item["type"], item["side"], item["amount"]["amount"]) for item in items)


def test_expiry_frees_credit_in_authorization_and_ledger(system):
    user = open_account(system, "user-expiry")
    stays = system.authorize(user, "30.00").json()
    made = system.authorize(user, "70.00", expires_in=200).json()
    assert (made["status"], lifetime_s(made)) == ("approved", 200)
    assert system.authorize(user, "0.01").json()["decision_code"] == "credit_limit_exceeded"
    system.wait_saga(made)
    system.wait_saga(stays)
    assert (held(system, user), pending(system, made)) == ("100.00", "100.00")

    system.make_due(user, made)
    expired = wait_status(system, made, "expired")
    assert (expired["remaining"]["amount"], expired["version"]) == ("0.00", 2)
    assert expired["approved"]["amount"] == "70.00"  # what was decided stays said
    assert held(system, user) == "30.00"
    wait_until(lambda: pending(system, made) == "30.00", what="the ledger follows")
    assert entry_types(system, user) == [("record_hold", "debit", "30.00"),
                                         ("record_hold", "debit", "70.00"),
                                         ("release_hold", "credit", "70.00")]
    assert system.authorize(user, "70.00").json()["status"] == "approved"
    system.settle()
    system.verify()


def test_void_frees_credit_in_authorization_and_ledger(system):
    user = open_account(system, "user-void")
    made = system.authorize(user, "100.00").json()
    system.wait_saga(made)
    assert (held(system, user), pending(system, made)) == ("100.00", "100.00")

    voided = system.post(f"/v1/authorizations/{made['id']}/void")
    assert (voided.status_code, voided.json()["status"]) == (200, "voided")
    assert held(system, user) == "0.00"
    wait_until(lambda: pending(system, made) == "0.00", what="the ledger follows")
    assert entry_types(system, user) == [("record_hold", "debit", "100.00"),
                                         ("release_hold", "credit", "100.00")]
    assert system.authorize(user, "100.00").json()["status"] == "approved"
    system.settle()
    system.verify()


def test_void_right_after_the_decision_waits_for_the_booking(system):
    """The release overtakes the booking's saga: it must wait, and both entries are written."""
    user = open_account(system, "user-overtaking")
    for _ in range(10):
        made = system.authorize(user, "100.00").json()
        assert made["status"] == "approved"
        assert system.post(f"/v1/authorizations/{made['id']}/void").status_code == 200
    system.settle()
    assert (held(system, user), pending(system, made)) == ("0.00", "0.00")
    assert entry_types(system, user) == 10 * [("record_hold", "debit", "100.00")] + \
        10 * [("release_hold", "credit", "100.00")]
    system.verify()


def test_expired_hold_is_final(system):
    user = open_account(system, "user-final")
    made = system.authorize(user, "10.00", expires_in=1).json()
    wait_status(system, made, "expired")
    refused = system.post(f"/v1/authorizations/{made['id']}/void")
    assert (refused.status_code, refused.json()["code"]) == (409, "authorization_expired")


def test_authorize_releases_the_accounts_expired_holds_itself(make_system):
    system = make_system(env={"TALLYSTICK_SWEEP_INTERVAL_MS": 3600_000})
    user = open_account(system, "user-inline")
    made = [system.authorize(user, "50.00").json() for _ in range(2)]
    assert system.authorize(user, "100.00").json()["status"] == "declined"
    system.settle()
    system.make_due(user)
    taken = system.authorize(user, "100.00").json()
    assert taken["status"] == "approved"
    assert [now_of(system, one)["status"] for one in made] == ["expired"] * 2
    system.settle()
    assert (held(system, user), pending(system, taken)) == ("100.00", "100.00")
    system.verify()


@pytest.mark.parametrize("expires_in, code", [
    (3601, "expires_in_too_long"),
    (0, "value_invalid"),
    (-1, "value_invalid"),
    ("60", "type_wrong"),
    (366 * 86400 + 1, "value_invalid"),
])
def test_expires_in_is_refused_by_name(expires_in, code, policy_of_an_hour):
    refused = policy_of_an_hour.authorize("user-policy", "1.00", expires_in=expires_in)
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [("/expires_in", code)]


def test_expires_in_may_shorten_the_policy_to_the_second(policy_of_an_hour):
    for expires_in, seconds in ((3600, 3600), (1, 1)):
        made = policy_of_an_hour.authorize("user-policy", "1.00", expires_in=expires_in).json()
        assert lifetime_s(made) == seconds
    assert lifetime_s(policy_of_an_hour.authorize("user-policy", "1.00").json()) == 3600


@pytest.fixture(scope="module")
def policy_of_an_hour(open_system):
    return open_system(env={"TALLYSTICK_HOLD_EXPIRES_IN_S": 3600})


def test_sweeper_survives_a_crash_of_the_database(system):
    user = open_account(system, "user-crash")
    made = system.authorize(user, "100.00", expires_in=2).json()
    system.cluster.crash()
    wait_status(system, made, "expired", timeout=30)
    wait_until(lambda: pending(system, made) == "0.00", 30, what="the ledger follows")
    system.settle()
    system.verify()
