"""A request is decided once, however often and however concurrently it is sent."""
import concurrent.futures
import threading

import pytest

from system.harness import wait_until

pytestmark = pytest.mark.matrix


def at_once(calls):
    """Results of all calls, each on a thread of its own, released together."""
    start = threading.Barrier(len(calls))

    def run(call):
        start.wait()
        return call()

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def outcomes(answers):
    """How many were new, how many replayed, how many refused by which code."""
    counted = {}
    for answer in answers:
        body = answer.json()
        name = body["code"] if answer.status_code >= 400 else "new"
        name = "replayed" if "Idempotent-Replayed" in answer.headers else name
        counted[name] = counted.get(name, 0) + 1
    return counted


def count_authorizations(system, user_id):
    query = 'SELECT count(*) FROM "authorization".credit_authorization WHERE user_id = %s'
    return system.sql(query, user_id)[0].count


def test_fifty_equal_requests_at_once(system):
    answers = at_once([
        lambda: system.authorize("user-fifty", transaction_id="tx-fifty", key="key-fifty")] * 50)
    if system.keystore != "none":  # it may say instead that the first is under way
        early = [answer for answer in answers if answer.status_code == 409]
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in early)
        answers = [answer for answer in answers if answer.status_code != 409] + [
            system.authorize("user-fifty", transaction_id="tx-fifty", key="key-fifty")
            for _ in early]
    assert outcomes(answers) == {"new": 1, "replayed": 49}
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len({answer.headers["Request-Id"] for answer in answers}) == 50
    assert count_authorizations(system, "user-fifty") == 1


def test_equal_keys_inside_one_batch(make_system):
    """While the authorization service hangs, repeats gather at the door and go as one batch."""
    system = make_system({"TALLYSTICK_DECISION_TIMEOUT_MS": 20000})
    system.authorize("user-warm")
    system.pause("authorization")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        sent = [pool.submit(system.authorize, "user-same", transaction_id="tx-same",
                            key="key-same") for _ in range(20)]
        received = lambda: len(system.logs("gateway", event="request.received")) >= 21
        wait_until(received, what="20 requests at the door")
        system.resume("authorization")
        answers = [future.result() for future in sent]
    assert outcomes(answers) == {"new": 1, "replayed": 19}
    assert len({answer.content for answer in answers}) == 1


def test_one_key_by_eight_users_among_innocents(system):
    rivals = [lambda n=n: system.authorize(f"user-rival-{n}", key="key-rivals")
              for n in range(8)]
    innocents = [lambda n=n: system.authorize(f"user-innocent-{n}") for n in range(200)]
    answers = at_once(rivals + innocents)
    assert outcomes(answers[:8]) == {"new": 1, "idempotency_key_reused": 7}
    assert outcomes(answers[8:]) == {"new": 200}
    assert {answer.json()["status"] for answer in answers[8:]} == {"approved"}


def test_credit_for_a_hundred_of_five_hundred(system):
    system.put("/v1/accounts/user-hot", {"credit_limit": "100.00"})
    answers = at_once([lambda: system.authorize("user-hot", "1.00")] * 500)
    decided = [answer.json()["status"] for answer in answers]
    assert (decided.count("approved"), decided.count("declined")) == (100, 400)
    balance = system.get("/v1/accounts/user-hot/balance").json()
    assert (balance["held"]["amount"], balance["available"]["amount"]) == ("100.00", "0.00")


def test_decline_is_replayed_after_the_limit_has_risen(system):
    system.put("/v1/accounts/user-risen", {"credit_limit": "10.00"})
    ask = {"user_id": "user-risen", "amount": "20.00", "transaction_id": "tx-risen"}
    declined = system.authorize(**ask, key="key-risen")
    assert declined.json()["status"] == "declined"
    system.put("/v1/accounts/user-risen", {"credit_limit": "100.00"})
    again = system.authorize(**ask, key="key-risen")
    assert (again.status_code, again.content) == (201, declined.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert system.authorize("user-risen", "20.00").json()["status"] == "approved"


def test_replay_after_void_and_restart_is_byte_identical(make_system):
    system = make_system()
    ask = {"user_id": "user-later", "transaction_id": "tx-later", "key": "key-later"}
    first = system.authorize(**ask)
    system.post(f"/v1/authorizations/{first.json()['id']}/void")
    system.authorize("user-later", "5.00")
    system.restart()
    again = system.authorize(**ask)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert system.get(first.headers["Location"]).json()["status"] == "voided"


@pytest.mark.keystore("none")
def test_expired_key_is_a_new_one_but_the_transaction_is_not(system):
    ask = {"user_id": "user-expired", "transaction_id": "tx-expired", "key": "key-expired"}
    first = system.authorize(**ask)
    system.sql('UPDATE "authorization".idempotency_key '
               "SET created_at = created_at - interval '25 hours'")
    again = system.authorize(**ask)
    assert (again.status_code, again.json()) == (200, first.json())
    system.sql('UPDATE "authorization".idempotency_key '
               "SET created_at = created_at - interval '25 hours'")
    other = system.authorize("user-expired", key="key-expired")
    assert (other.status_code, "Idempotent-Replayed" in other.headers) == (201, False)


def test_transaction_id_is_decided_once(system):
    first = system.authorize("user-once", "1.00", transaction_id="tx-once")
    again = system.authorize("user-once", "1.00", transaction_id="tx-once")
    assert (again.status_code, again.json()) == (200, first.json())
    other = system.authorize("user-once", "2.00", transaction_id="tx-once")
    assert (other.status_code, other.json()["code"]) == (409, "transaction_id_conflict")


def test_other_body_under_the_same_key(system):
    system.authorize("user-reuse", "1.00", transaction_id="tx-reuse", key="key-reuse")
    other = system.authorize("user-reuse", "2.00", transaction_id="tx-reuse", key="key-reuse")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("body", [
    b'{"user_id":"user-form","amount":5.0,"transaction_id":"tx-form"}',
    b' {\n"transaction_id" : "tx-form", "amount":5.0,\t"user_id":"user-form"} ',
    b'{"transaction_id":"tx-f\\u006frm","user_id":"user\\u002dform","amount":5.0}'])
def test_order_and_white_space_do_not_matter(system, body):
    first = b'{"transaction_id":"tx-form","user_id":"user-form","amount":5.0}'
    system.post("/authorize", first, key="key-form")
    again = system.post("/authorize", body, key="key-form")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")


def test_quoted_key_and_other_path_are_the_same_key(system):
    body = {"transaction_id": "tx-quoted", "user_id": "user-quoted", "amount": "1.00"}
    first = system.post("/authorize", body, key="key-quoted")
    again = system.post("/v1/authorizations", body, key='"key-quoted"')
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")


def test_batch_is_replayed_item_by_item(system):
    items = [{"transaction_id": f"tx-again-{n}", "user_id": f"user-again-{n}", "amount": 1}
             for n in range(10)]
    first = system.post("/v1/authorizations/batch", {"items": items}, key="batch-again")
    again = system.post("/v1/authorizations/batch", {"items": items}, key="batch-again")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    changed = [dict(item) for item in items]
    changed[4]["amount"] = 2
    mixed = system.post("/v1/authorizations/batch", {"items": changed}, key="batch-again")
    assert "Idempotent-Replayed" not in mixed.headers
    answers = mixed.json()["items"]
    assert answers[4]["code"] == "idempotency_key_reused"
    assert answers[:4] + answers[5:] == first.json()["items"][:4] + first.json()["items"][5:]


def test_same_transaction_twice_in_a_batch(system):
    item = {"transaction_id": "tx-twin", "user_id": "user-twin", "amount": 1}
    answer = system.post("/v1/authorizations/batch", {"items": [item, item]})
    first, second = answer.json()["items"]
    assert first == second
    assert count_authorizations(system, "user-twin") == 1


def test_void_names_its_authorization_in_the_key(system):
    one, two = (system.authorize("user-voids").json() for _ in range(2))
    assert system.post(f"/v1/authorizations/{one['id']}/void", key="key-voids").status_code == 200
    other = system.post(f"/v1/authorizations/{two['id']}/void", key="key-voids")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert system.get(f"/v1/authorizations/{two['id']}").json()["status"] == "approved"
