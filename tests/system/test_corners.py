"""Corners where money could go wrong: what nobody asks on a good day, and must be answered well."""
import concurrent.futures
import contextlib
import hashlib
import random

import psycopg
import pytest

from system.harness import OWNER, System, wait_until


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


@pytest.fixture(scope="module")
def rarely_swept(open_system):
    """The sweeper looks once when it starts, and not again."""
    return open_system(env={"TALLYSTICK_SWEEP_INTERVAL_MS": 3600_000})


def test_credit_of_thousands_of_expired_holds_is_there_at_once(rarely_swept):
    """More than one load of the account reads; the sweeper is nowhere near."""
    system = rarely_swept
    put_account(system, "user-thousands", "2500.00")
    authorize_many(system, "user-thousands", 2500)
    system.make_due("user-thousands")
    assert count_due(system, "user-thousands") == 2500
    assert system.authorize("user-thousands", "2500.00").json()["status"] == "approved"
    balance = system.get("/v1/accounts/user-thousands/balance").json()
    assert (balance["held"]["amount"], balance["available"]["amount"]) == ("2500.00", "0.00")
    system.settle()
    system.verify()


def test_sweeper_does_not_rest_while_holds_are_due(rarely_swept):
    """More than one of its steps takes: what the first leaves is not left for an hour."""
    system = rarely_swept
    put_account(system, "user-sweep", "2500.00")
    authorize_many(system, "user-sweep", 2500)
    system.settle()
    system.stop("authorization")
    system.make_due("user-sweep")
    system.start("authorization")
    wait_until(lambda: count_due(system, "user-sweep") == 0, 60, what="the sweeper goes on")
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


@pytest.mark.matrix
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


def amounts(balance, *names):
    return [balance[name]["amount"] for name in names]


def test_limit_below_what_is_held(make_system):
    system = make_system()
    put_account(system, "user-cut", "100.00")
    made = system.authorize("user-cut", "62.34").json()
    put_account(system, "user-cut", "50.00")
    balance = system.get("/v1/accounts/user-cut/balance").json()
    assert amounts(balance, "held", "available") == ["62.34", "-12.34"]
    assert balance["available"]["amount_minor"] == -1234
    declined = system.authorize("user-cut", "0.01").json()
    assert declined["decision_code"] == "credit_limit_exceeded"
    assert declined["available"]["amount"] == "-12.34"
    put_account(system, "user-cut", "0")
    assert void(system, made).status_code == 200
    balance = system.get("/v1/accounts/user-cut/balance").json()
    assert amounts(balance, "credit_limit", "held", "available") == ["0.00"] * 3
    system.settle()
    system.verify()


def test_accounts_at_the_caps_and_in_other_currencies(make_system):
    system = make_system()
    cases = [  # user, currency, limit, the largest amount, the smallest
        ("user-cap-usd", "USD", "9999999999.99", "9999999999.98", "0.01"),
        ("user-cap-jpy", "JPY", "999999999999", "999999999998", "1"),
        ("user-cap-kwd", "KWD", "999999999.999", "999999999.998", "0.001"),
        ("user-cap-clf", "CLF", "99999999.9999", "99999999.9998", "0.0001"),
    ]
    for user, currency, limit, largest, smallest in cases:
        assert put_account(system, user, limit, currency=currency)["currency"] == currency
        assert system.authorize(user, largest).json()["status"] == "approved"
        last = system.authorize(user, smallest).json()
        assert (last["status"], last["available"]["amount_minor"]) == ("approved", 0)
        over = system.authorize(user, smallest).json()
        assert over["decision_code"] == "credit_limit_exceeded"
        mismatch = system.authorize(user, "1", currency="EUR").json()
        assert mismatch["decision_code"] == "currency_mismatch"
        assert refusal(system.put(f"/v1/accounts/{user}", {"currency": "EUR"})) == \
            (409, "invalid_state")
        assert refusal(system.put(f"/v1/accounts/{user}", {"credit_limit": "0.00001"})) == \
            (422, "amount_precision")
        assert refusal(system.put(f"/v1/accounts/{user}", {"credit_limit": "1000000000000"})) == \
            (422, "amount_out_of_range")
    assert refusal(system.authorize("user-cap-jpy", "1.5")) == (422, "amount_precision")
    assert refusal(system.put("/v1/accounts/user-cap-new",
                              {"credit_limit": "1.5", "currency": "JPY"})) == \
        (422, "amount_precision")
    assert system.get("/v1/accounts/user-cap-new").status_code == 404
    system.settle()
    system.verify()


@pytest.mark.matrix
def test_closed_and_frozen_accounts_give_back_what_they_hold(make_system):
    system = make_system(env={"TALLYSTICK_SWEEP_INTERVAL_MS": 20})
    for status, code in (("frozen", "account_frozen"), ("closed", "account_closed")):
        user = f"user-{status}"
        put_account(system, user, "10.00")
        kept = system.authorize(user, "6.00").json()
        system.authorize(user, "4.00", expires_in=1)
        system.settle()  # booked: the ledger hears of the status by the operator alone
        assert system.put(f"/v1/accounts/{user}", {"status": status}).status_code == 200
        declined = system.authorize(user, "11.00").json()
        assert declined["decision_code"] == code
        assert void(system, kept).status_code == 200
        wait_until(lambda user=user: amounts(system.get(f"/v1/accounts/{user}/balance").json(),
                                             "held") == ["0.00"], what="the other expires")
    assert refusal(system.put("/v1/accounts/user-closed", {"status": "open"})) == \
        (409, "invalid_state")
    assert refusal(system.put("/v1/accounts/user-closed", {"credit_limit": "11"})) == \
        (409, "invalid_state")
    system.settle()
    system.verify()


@pytest.mark.matrix
def test_new_accounts_open_once_under_a_storm(make_system):
    """Two processes meet the same unknown users, by decisions and by PUT."""
    system = make_system()
    system.bus.watch()
    users = [f"user-storm-{number}" for number in range(20)]
    with beside(system, {}) as other, concurrent.futures.ThreadPoolExecutor(16) as pool:
        doors = (system, other)
        runs = [pool.submit(doors[number % 2].authorize, user, "1.00")
                for user in users for number in range(6)]
        puts = [pool.submit(doors[number % 2].put, f"/v1/accounts/{user}",
                            {"credit_limit": "1000.00"})
                for user in users for number in range(4)]
        assert {run.result().json()["status"] for run in runs} == {"approved"}
        assert {put.result().status_code for put in puts} <= {200, 201}
    for user in users:
        account = system.get(f"/v1/accounts/{user}").json()
        assert (account["version"], account["held"]["amount"]) == (1, "6.00")
    system.settle()
    opened = {one.id for one in system.bus.events("account.v1")
              if one.headers["ce_type"] == "dev.tallystick.account.opened.v1"}
    assert len(opened) == len(users)
    system.verify()


AGE_KEYS = ('UPDATE "authorization".idempotency_key '
            "SET created_at = created_at - make_interval(secs => %s)")


@pytest.mark.keystore("none")
def test_one_expired_key_for_two_accounts_at_once(make_system):
    """The row of the expired key is there: only one of the two may take it over."""
    system = make_system(env={"TALLYSTICK_KEY_TTL_S": 3600})
    for number in range(10):
        key = f"key-aged-{number}"
        first = system.authorize("user-aged", "1.00", transaction_id=f"tx-{key}", key=key)
        system.sql(AGE_KEYS, 3590)
        again = system.authorize("user-aged", "1.00", transaction_id=f"tx-{key}", key=key)
        assert (again.status_code, again.content) == (201, first.content)
        system.sql(AGE_KEYS, 20)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            runs = [pool.submit(system.authorize, f"user-aged-{number % 4}", "1.00",
                                transaction_id=f"tx-{key}-{number % 4}", key=key)
                    for number in range(8)]
            answers = [run.result() for run in runs]
        won = {answer.content for answer in answers if answer.status_code == 201}
        assert len(won) == 1
        assert {refusal(answer) for answer in answers if answer.status_code != 201} == \
            {(422, "idempotency_key_reused")}
    system.settle()
    system.verify()


@pytest.mark.matrix
def test_replays_are_byte_identical_whatever_came_later(make_system):
    system = make_system(env={"TALLYSTICK_SWEEP_INTERVAL_MS": 20})
    put_account(system, "user-bytes", "100.00")
    asks = [{"transaction_id": f"tx-bytes-{name}", "key": f"key-bytes-{name}", **fields}
            for name, fields in (("kept", {}), ("short", {"expires_in": 1}), ("big", {}))]
    amounts_asked = ["10.00", "20.00", "500.00"]
    first = [system.authorize("user-bytes", amount, **ask)
             for amount, ask in zip(amounts_asked, asks, strict=True)]
    voided = void(system, first[0].json(), key="key-bytes-void")
    short = f"/v1/authorizations/{first[1].json()['id']}"
    wait_until(lambda: system.get(short).json()["status"] == "expired", what="it expires")
    put_account(system, "user-bytes", "5000.00")
    system.put("/v1/accounts/user-bytes", {"status": "frozen"})
    system.settle()
    system.restart()
    for _ in range(2):
        again = [system.authorize("user-bytes", amount, **ask)
                 for amount, ask in zip(amounts_asked, asks, strict=True)]
        assert [one.content for one in again] == [one.content for one in first]
        for ask, amount, one in zip(asks, amounts_asked, first, strict=True):
            new_key = system.authorize("user-bytes", amount, **(ask | {"key": ""}))
            assert (new_key.status_code, new_key.content) == (200, one.content)
        again = void(system, first[0].json(), key="key-bytes-void")
        assert (again.status_code, again.content) == (200, voided.content)
        assert again.headers["Idempotent-Replayed"] == "true"
    assert refusal(void(system, first[1].json(), key="key-bytes-void")) == \
        (422, "idempotency_key_reused")
    system.verify()


def test_who_reads_all_keys_does_not_stop_the_sweeper(make_system):
    """As verify does on a large database, in the hour in which a new day's keys get their place."""
    system = make_system(start=False, env={"TALLYSTICK_SWEEP_INTERVAL_MS": 20})
    last = system.sql("SELECT max(inhrelid::regclass::text) AS name FROM pg_inherits "
                      "WHERE inhparent = '\"authorization\".idempotency_key'::regclass")[0].name
    system.sql(f"DROP TABLE {last}")
    with psycopg.connect(system.cluster.url(system.database, OWNER)) as reader:
        reader.execute('SELECT count(*) FROM "authorization".idempotency_key')
        system.start()
        made = system.authorize("user-read", expires_in=1).json()
        path = f"/v1/authorizations/{made['id']}"
        wait_until(lambda: system.get(path).json()["status"] == "expired", what="it is swept")
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        wait_until(lambda: system.sql(waiting)[0].count == 0, what="nobody queues for the keys")
    system.restart("authorization")
    wait_until(lambda: system.sql("SELECT to_regclass(%s) IS NOT NULL AS is_there", last)
               [0].is_there, what="the day has its place")


def expiries(system, user_id):
    """When the account is due, and the holds it may be due for."""
    query = """SELECT a.next_expiry_at,
                      (SELECT array_agg(c.expires_at ORDER BY c.expires_at)
                         FROM "authorization".credit_authorization c
                        WHERE c.account_id = a.id AND c.remaining_minor > 0) AS holds
                 FROM "authorization".account a WHERE a.user_id = %s"""
    return system.sql(query, user_id)[0]


def test_void_of_a_hold_that_is_due_and_not_swept(make_system):
    system = make_system(env={"TALLYSTICK_SWEEP_INTERVAL_MS": 3600_000})
    made = system.authorize("user-due", "10.00", expires_in=1).json()
    wait_until(lambda: count_due(system, "user-due") == 1, what="the hold is due")
    assert refusal(void(system, made)) == (409, "authorization_expired")
    assert system.get("/v1/accounts/user-due/balance").json()["held"]["amount"] == "0.00"
    assert expiries(system, "user-due") == (None, None)
    system.settle()
    system.verify()


def test_account_is_due_no_later_than_its_earliest_hold(make_system):
    system = make_system(env={"TALLYSTICK_SWEEP_INTERVAL_MS": 20})
    first = system.authorize("user-next", expires_in=1).json()
    system.authorize("user-next", expires_in=2)
    last = system.authorize("user-next", expires_in=600).json()
    assert void(system, first).status_code == 200
    due, holds = expiries(system, "user-next")
    assert len(holds) == 2 and due <= holds[0]
    wait_until(lambda: len(expiries(system, "user-next").holds) == 1, what="the second expires")
    wait_until(lambda: expiries(system, "user-next").next_expiry_at ==
               expiries(system, "user-next").holds[0], what="due with the last")
    assert void(system, last).status_code == 200
    system.settle()
    system.verify()


def ask(system, *items):
    """What a gateway asks, as it asks it."""
    return system.post("/internal/authorizations", {"items": list(items)}, key=None,
                       door="authorization",
                       headers={"Authorization": f"Bearer {system.secret}", "Tallystick-Lane": "1"})


def hop_item(number, **fields):
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return {"op": "authorize", "key_hash": digest, "fingerprint": digest,
            "traceparent": "00-af7ae4ee68d82a48e243c814a50ef5b4-f72cbbf1e82a25c9-01",
            "user_id": "user-hop", "transaction_id": f"tx-hop-{number}", "amount": "1.00",
            "deadline_ms": 5000} | fields


def test_what_a_wrong_gateway_asks(make_system):
    system = make_system()
    for item in ({}, hop_item(1, deadline_ms=60001), hop_item(1, deadline_ms=-1),
                 hop_item(1, deadline_ms=-2**63), hop_item(1, deadline_ms=2**63),
                 hop_item(1, amount="-1"), hop_item(1, amount=[]), hop_item(1, user_id=7),
                 hop_item(1, key_hash="a"), hop_item(1, traceparent="")):
        assert refusal(ask(system, hop_item(2), item)) == (400, "malformed_json"), item
    late, done = ask(system, hop_item(3, deadline_ms=0), hop_item(4)).json()["items"]
    assert (late["status"], late["body"]["code"]) == (503, "backpressure")
    assert (done["status"], done["body"]["status"]) == (201, "approved")
    many = [hop_item(100 + number, user_id=4096 * "u" + str(number % 3), amount="0.01")
            for number in range(900)]
    answers = ask(system, *many).json()["items"]
    assert [answer["body"]["transaction_id"] for answer in answers] == \
        [item["transaction_id"] for item in many]
    system.settle()
    system.verify()
