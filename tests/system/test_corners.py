"""Corners where money could go wrong: what nobody asks on a good day, and must be answered well."""
from system.harness import wait_until


def void(system, authorization, **options):
    return system.post(f"/v1/authorizations/{authorization['id']}/void", **options)


def refusal(answer):
    return answer.status_code, answer.json()["code"]


def test_void_of_a_decline_whose_account_does_not_exist(make_system):
    system = make_system(env={"TALLYSTICK_AUTO_OPEN_LIMIT": "off"})
    declined = system.authorize("nobody", "1.00").json()
    assert declined["decision_code"] == "account_not_found"
    assert refusal(void(system, declined)) == (409, "invalid_state")


def put_account(system, user_id, limit, **fields):
    answer = system.put(f"/v1/accounts/{user_id}", {"credit_limit": limit, **fields})
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def authorize_many(system, user_id, count, **fields):
    """So many approvals of one major unit each, in batches."""
    for first in range(0, count, 1000):
        numbers = range(first, min(first + 1000, count))
        items = [{"transaction_id": f"{user_id}-{number}", "user_id": user_id, "amount": 1} | fields
                 for number in numbers]
        answer = system.post("/v1/authorizations/batch", {"items": items})
        assert {item["status"] for item in answer.json()["items"]} == {"approved"}


def count_due(system, user_id):
    query = ('SELECT count(*) FROM "authorization".credit_authorization '
             "WHERE user_id = %s AND remaining_minor > 0 AND expires_at <= clock_timestamp()")
    return system.sql(query, user_id)[0].count


def test_credit_of_thousands_of_expired_holds_is_there_at_once(make_system):
    """More than one load of the account reads; the sweeper is nowhere near."""
    system = make_system(env={"TALLYSTICK_SWEEP_INTERVAL_MS": 3600_000})
    put_account(system, "user-thousands", "2500.00")
    authorize_many(system, "user-thousands", 2500, expires_in=2)
    wait_until(lambda: count_due(system, "user-thousands") == 2500, what="all holds due")
    assert system.authorize("user-thousands", "2500.00").json()["status"] == "approved"
    balance = system.get("/v1/accounts/user-thousands/balance").json()
    assert (balance["held"]["amount"], balance["available"]["amount"]) == ("2500.00", "0.00")
    system.settle()
    system.verify()


def test_sweeper_does_not_rest_while_holds_are_due(make_system):
    system = make_system(env={"TALLYSTICK_SWEEP_INTERVAL_MS": 20_000})
    put_account(system, "user-sweep", "2500.00")
    authorize_many(system, "user-sweep", 2500, expires_in=1)
    wait_until(lambda: count_due(system, "user-sweep") == 2500, what="all holds due")
    wait_until(lambda: count_due(system, "user-sweep") < 2500, 30, what="the sweeper is there")
    wait_until(lambda: count_due(system, "user-sweep") == 0, 10, what="the sweeper goes on")
    system.settle()
    system.verify()
