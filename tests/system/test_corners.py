"""Corners where money could go wrong: what nobody asks on a good day, and must be answered well."""
import concurrent.futures
import contextlib
import random

from system.harness import System, wait_until


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


def mixed_calls(system, users, seed):
    """What one client does, by its seed: decisions, repeats of others' transactions, voids,
    limits that move."""
    dice = random.Random(seed)
    made = []

    def authorize():
        number = dice.randrange(40)
        answer = system.authorize(
            users[number % len(users)], f"{1 + number % 7}.50", transaction_id=f"tx-mixed-{number}"
            if dice.random() < 0.3 else None, expires_in=1 if dice.random() < 0.3 else 600)
        if answer.status_code < 300:
            made.append(answer.json())
        return answer

    def void_one():
        return void(system, dice.choice(made)) if made else authorize()

    def move_limit():
        return system.put(f"/v1/accounts/{dice.choice(users)}",
                          {"credit_limit": str(dice.randrange(0, 400))})

    for _ in range(120):
        yield dice.choices((authorize, void_one, move_limit), (7, 2, 1))[0]().status_code


@contextlib.contextmanager
def beside(system, env):
    """A second gateway and a second authorization service over the same database."""
    other = System(system.cluster, env=env, database=system.database)
    try:
        yield other.start("authorization", "gateway")
    finally:
        other.stop()


def test_two_processes_decide_on_the_same_accounts(make_system):
    """Two gateways, two authorization services and two sweepers over one database: nobody is told
    of deadlocks or lost races, and every sum is right."""
    env = {"TALLYSTICK_SWEEP_INTERVAL_MS": 20}
    system = make_system(env=env)
    users = [f"user-mixed-{number}" for number in range(6)]
    with beside(system, env) as other, concurrent.futures.ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(list, mixed_calls((system, other)[seed % 2], users, seed))
                for seed in range(8)]
        statuses = {status for run in runs for status in run.result()}
        assert other.logs("authorization", event="authorization.failed") == []
    assert statuses <= {200, 201, 409}, statuses
    assert system.logs("authorization", event="authorization.failed") == []
    wait_until(lambda: system.sql('SELECT count(*) FROM "authorization".credit_authorization '
                                  "WHERE remaining_minor > 0 AND expires_at <= now()"
                                  )[0].count == 0, what="what is due has expired")
    system.settle()
    system.verify()
