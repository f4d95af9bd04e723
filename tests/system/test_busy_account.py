"""One account that somebody keeps locked, as an operator's forgotten psql does, is nobody else's
matter: its own requests are refused at once, and everything beside it goes on."""
import concurrent.futures
import contextlib
import uuid

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from system.driver import drive
from system.harness import wait_until

LOCKED = "user-locked"
OTHERS = '{"transaction_id":"%{run}-%{item}","user_id":"other-%{rand:1:200}","amount":"0.01"}'
HAMMER = '{"transaction_id":"%{run}-%{item}","user_id":"' + LOCKED + '","amount":"0.01"}'


@pytest.fixture(scope="module")
def house(open_system):
    """Nobody asks twice as long as one batch may wait for locks, however slow the machine is."""
    return open_system(env={"TALLYSTICK_DECISION_TIMEOUT_MS": 30000})


@contextlib.contextmanager
def locked(system, *users):
    """These users' accounts, which exist, in an SQL transaction that somebody has left open."""
    with psycopg.connect(system.owner_url()) as db:
        found = db.execute("""SELECT id FROM "authorization".account
                               WHERE user_id = ANY (%s) FOR UPDATE""", [list(users)]).fetchall()
        assert len(found) == len(users)
        yield
        db.rollback()


def counted(system, name, **labels):
    """A counter of the authorization service."""
    text = system.get("/metrics", door="authorization_admin").text
    return sum(sample.value for family in text_string_to_metric_families(text)
               for sample in family.samples
               if sample.name == name and labels.items() <= sample.labels.items())


def lock_timeouts(system):
    return counted(system, "auth_lock_timeouts_total")


def warmed(system, *users):
    """So that there is nothing to open."""
    made = [system.authorize(user, "0.01").json() for user in users]
    for number in range(200):
        assert system.authorize(f"other-{number + 1}", "0.01").status_code == 201
    return made


def test_a_locked_account_is_waited_for_once(house):
    """However many ask for it: the others' batches never wait for it again."""
    warmed(house, LOCKED)
    before = lock_timeouts(house)
    with locked(house, LOCKED), concurrent.futures.ThreadPoolExecutor() as pool:
        hammered = pool.submit(drive, house, body=HAMMER, connections=32, requests=1500, ok=503)
        served = drive(house, body=OTHERS, connections=8, requests=1000)
        assert served["statuses"] == {"201": 1000}
        assert hammered.result()["statuses"] == {"503": 1500}
    assert lock_timeouts(house) == before + 1
    assert counted(house, "auth_shed_total", reason="account_busy") >= 1500
    assert house.authorize(LOCKED, "0.01").status_code == 201  # it is tried each time
    assert house.sql("""SELECT count(*) FROM "authorization".credit_authorization
                         WHERE user_id = %s""", LOCKED)[0].count == 2
    assert [line["event"] for line in house.logs("authorization")
            if line["event"] in ("account.busy", "account.free")] == ["account.busy",
                                                                      "account.free"]


def test_who_asks_is_told_to_come_again(house):
    made = warmed(house, LOCKED)[0]
    path = f"/v1/authorizations/{made['id']}/void"
    with locked(house, LOCKED):
        for answer in (house.authorize(LOCKED, "0.01", key="key-busy"), house.post(path),
                       house.put(f"/v1/accounts/{LOCKED}", {"credit_limit": 5})):
            assert (answer.status_code, answer.json()["code"]) == (503, "backpressure")
            assert answer.headers["Retry-After"] == "1" and answer.json()["retryable"]
            assert "locked" in answer.json()["detail"]
        assert house.get(f"/v1/accounts/{LOCKED}/balance").status_code == 200  # reading takes none
    again = house.authorize(LOCKED, "0.01", key="key-busy")
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (201, None)


def test_what_was_answered_is_answered_again(house):
    """A replay changes nothing, so it needs no lock."""
    ask = {"user_id": LOCKED, "amount": "0.01", "transaction_id": f"tx-{uuid.uuid4()}",
           "key": f"key-{uuid.uuid4()}"}
    first = house.authorize(**ask)
    void = f"/v1/authorizations/{first.json()['id']}/void", f"key-{uuid.uuid4()}"
    voided = house.post(void[0], key=void[1])
    with locked(house, LOCKED):
        assert house.authorize(LOCKED, "0.01").status_code == 503
        again = house.authorize(**ask)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        again = house.post(void[0], key=void[1])
        assert (again.status_code, again.content) == (200, voided.content)
        reused = house.authorize(**ask | {"amount": "0.02"})
        assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


def test_a_batch_is_served_beside_it(house):
    warmed(house, LOCKED)
    users = ["other-1", LOCKED, "other-2", LOCKED, "other-3"]
    with locked(house, LOCKED):
        items = house.post("/v1/authorizations/batch", {"items": [
            {"transaction_id": f"tx-{uuid.uuid4()}", "user_id": user, "amount": "0.01"}
            for user in users]}).json()["items"]
    assert [item["status"] for item in items] == ["approved", 503, "approved", 503, "approved"]


def test_many_locked_accounts(house):
    """More than a worker can remember."""
    users = [f"many-{number}" for number in range(600)]
    items = [{"user_id": user, "amount": "0.01"} for user in users]

    def ask():
        return house.post("/v1/authorizations/batch", {"items": [
            item | {"transaction_id": f"tx-{uuid.uuid4()}"} for item in items]}).json()["items"]

    assert {item["status"] for item in ask()} == {"approved"}
    with locked(house, *users):
        before = lock_timeouts(house)
        assert {item["status"] for item in ask()} == {503}
        assert drive(house, body=OTHERS, connections=8,
                     requests=500)["statuses"] == {"201": 500}
        waits = lock_timeouts(house) - before
    assert 1 <= waits <= 2 * 2  # each worker, once or twice as it got the items
    assert {item["status"] for item in ask()} == {"approved"}


def is_expired(system, made):
    return system.get(f"/v1/authorizations/{made['id']}").json()["status"] == "expired"


def test_the_sweeper_goes_round_it(house):
    """Its holds wait until it is free; the others' do not."""
    held, other = (house.authorize(user, "0.01").json() for user in (LOCKED, "other-due"))
    house.settle()
    house.pause("authorization")
    for user, made in ((LOCKED, held), ("other-due", other)):
        house.make_due(user, made)
    with locked(house, LOCKED):
        house.resume("authorization")
        wait_until(lambda: is_expired(house, other), what="the other's hold expired")
        assert not is_expired(house, held)
    wait_until(lambda: is_expired(house, held), what="the hold expired when its account was free")


def freeze_in_ledger(system, user):
    system.wait_saga(system.authorize(user, "0.01").json())
    done = system.tallystick("ledger", "account", "freeze", user)
    assert done.returncode == 0, done.stderr


def test_commands_for_others_go_on(house):
    """The release of what the ledger refused is parked with its key, and the next ones pass."""
    users = ("refused-locked", "refused-other")
    for user in users:
        freeze_in_ledger(house, user)
    house.stop("ledger")
    held, other = (house.authorize(user, "0.01").json() for user in users)
    with locked(house, users[0]):
        house.start("ledger")
        house.wait_saga(other, "compensated")
        wait_until(lambda: house.sql("""SELECT key FROM "authorization".parked_key
                                         WHERE reason LIKE '%account locked%'"""),
                   what="the locked one's command is parked")
        assert house.saga(held) == "compensating"
    house.wait_saga(held, "compensated")


def test_with_the_key_store_away_too(make_system, dynamodb):
    """Nobody answers there either, and still the others are served."""
    system = make_system(keystore="dynamodb", env={"TALLYSTICK_DECISION_TIMEOUT_MS": 30000})
    warmed(system, LOCKED)
    before = lock_timeouts(system)
    dynamodb.pause()
    try:
        with locked(system, LOCKED), concurrent.futures.ThreadPoolExecutor() as pool:
            hammered = pool.submit(drive, system, body=HAMMER, connections=16, requests=150, ok=503)
            served = drive(system, body=OTHERS, connections=8, requests=150)
            assert hammered.result()["statuses"] == {"503": 150}
    finally:
        dynamodb.resume()
    assert served["statuses"] == {"201": 150}
    assert lock_timeouts(system) == before + 1
