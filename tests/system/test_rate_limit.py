"""How much each API key may send: what is let in, what is told to those that are not, and how an
operator sets it. No test counts on how fast it runs: what may have been let in meanwhile is
reckoned by the time that has passed."""
import concurrent.futures
import json
import time
import uuid

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from system.harness import ROOT, System, wait_until
from system.test_openapi import check_answer, operations

AT_ONCE = {"TALLYSTICK_DRAIN_MS": 0}
READ = "/v1/accounts/nobody"


@pytest.fixture(scope="module")
def prod(cluster):
    system = System(cluster, "prod", AT_ONCE)
    try:
        system.admin = bearer(key(system, "create", "--name=a", "--scopes=admin")["key"])
        system.start()
        answer = system.put("/v1/accounts/user-rate", {"credit_limit": 1000}, headers=system.admin)
        assert answer.status_code == 201
        yield system
    finally:
        system.close()


def key(system, *args, code=0):
    done = system.tallystick("key", *args, "-o", "json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def make(system, *limit, scopes="admin"):
    """(id, headers) of a new key with this limit."""
    made = key(system, "create", "--name=a test", f"--scopes={scopes}", *limit)
    return made["id"], bearer(made["key"])


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def send(system, headers, count):
    """Statuses of so many requests at once, the refusals, and how long they took."""
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: system.get(READ, headers=headers), range(count)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} <= {404, 429}
    return count - len(refused), refused, time.monotonic() - began


def let_in_at_last(system, headers):
    wait_until(lambda: system.get(READ, headers=headers).status_code == 404,
               what="the key is let in again")


def test_burst_then_rate(prod):
    _, headers = make(prod, "--rate=2", "--burst=20")
    send(prod, headers, 1)
    let_in, refused, seconds = send(prod, headers, 200)
    assert 19 <= let_in <= 20 + 2 * (seconds + 1)
    for answer in refused:
        body = answer.json()
        assert (body["code"], body["retryable"]) == ("rate_limited", True)
        assert answer.headers["Retry-After"] == "1" and 1 <= body["retry_after_ms"] <= 500
    let_in_at_last(prod, headers)


def test_the_refusal_is_as_the_contract_says(prod):
    document = yaml.safe_load((ROOT / "contracts/openapi.yaml").read_text())
    _, headers = make(prod, "--rate=1")
    wanting_a_key = [one for one in operations(document).values() if "401" in one[2]["responses"]]
    assert len(wanting_a_key) == 12
    for method, path, operation in wanting_a_key:
        path = path.replace("{id}", str(uuid.uuid4())).replace("{user_id}", "user-rate")
        answers = []
        while not answers or answers[-1].status_code != 429:
            answers.append(prod.request(method, path, headers=headers))
        check_answer(document, operation, answers[-1])


def test_nothing_is_done_and_the_same_key_does_it(prod):
    _, headers = make(prod, "--rate=1")
    send(prod, headers, 1)
    ask = {"user_id": "user-rate", "amount": "1.00", "transaction_id": f"tx-{uuid.uuid4()}",
           "key": str(uuid.uuid4()), "headers": headers}
    tries = []

    def is_decided():
        tries.append(prod.authorize(**ask))
        return tries[-1].status_code == 201

    wait_until(is_decided, what="it is let in", every=0)
    assert {one.status_code for one in tries[:-1]} <= {429}
    assert "Idempotent-Replayed" not in tries[-1].headers


def batch(system, headers, items):
    return system.post("/v1/authorizations/batch", {"items": [
        {"transaction_id": f"tx-{uuid.uuid4()}", "user_id": "user-rate", "amount": "0.01"}
        for _ in range(items)]}, headers=headers)


def test_a_batch_counts_its_items(prod):
    """It is let in whole, however large; what comes next waits for all of it."""
    _, headers = make(prod, "--rate=1", "--burst=3")
    began = time.monotonic()
    answer = batch(prod, headers, 100)
    assert answer.status_code == 200
    assert {item["status"] for item in answer.json()["items"]} == {"approved"}
    refused = batch(prod, headers, 1)
    passed = time.monotonic() - began
    assert refused.status_code == 429
    wait_s = refused.json()["retry_after_ms"] / 1000
    assert 98 - passed - 0.1 <= wait_s <= 98  # 3 of 100 were there, and one more is needed
    assert abs(int(refused.headers["Retry-After"]) - wait_s) < 1


def test_a_batch_that_is_refused_counts_once(prod):
    _, headers = make(prod, "--rate=1", "--burst=50")
    assert prod.post("/v1/authorizations/batch", {"items": []}, headers=headers).status_code == 422
    assert send(prod, headers, 49)[0] == 49


def test_keys_are_counted_apart(prod):
    _, limited = make(prod, "--rate=1")
    _, other = make(prod, "--rate=1", "--burst=100")
    _, unlimited = make(prod)
    assert send(prod, limited, 100)[0] < 100
    assert send(prod, other, 100)[0] == 100
    assert send(prod, unlimited, 300)[0] == 300


def test_refusals_for_the_scope_count_too(prod):
    _, headers = make(prod, "--rate=1", scopes="auth:write")
    statuses = {prod.get(READ, headers=headers).status_code for _ in range(100)}
    assert statuses == {403, 429}


def test_what_was_sent_is_remembered_when_keys_are_read_again(prod):
    """Which happens each second: a new key is known only by such a reading."""
    _, headers = make(prod, "--rate=1", "--burst=2")
    batch(prod, headers, 1000)
    for _ in range(3):
        _, new = make(prod)
        assert prod.get(READ, headers=new).status_code == 404
        assert prod.get(READ, headers=headers).status_code == 429


def test_an_operator_sets_and_lifts_it(prod):
    name, headers = make(prod, "--rate=1", "--burst=2")
    row = next(row for row in key(prod, "ls") if row["id"] == name)
    assert (row["rate_per_s"], row["burst"]) == ("1", "2")
    batch(prod, headers, 1000)
    assert prod.get(READ, headers=headers).status_code == 429
    key(prod, "limit", name, "--rate=1000000")
    let_in_at_last(prod, headers)
    row = next(row for row in key(prod, "ls") if row["id"] == name)
    assert (row["rate_per_s"], row["burst"]) == ("1000000", "1000000")
    key(prod, "limit", name, "--rate=1")
    wait_until(lambda: prod.get(READ, headers=headers).status_code == 429, every=0,
               what="it is limited again")
    key(prod, "limit", name, "--rate=0")
    wait_until(lambda: send(prod, headers, 50)[0] == 50, what="it has no limit any more")
    row = next(row for row in key(prod, "ls") if row["id"] == name)
    assert (row["rate_per_s"], row["burst"]) == (None, None)


@pytest.mark.parametrize("args, code, says", [
    (["limit", str(uuid.UUID(int=1))], 2, "--rate"),
    (["limit", "--rate=1"], 2, "limit ID"),
    (["limit", "no-id", "--rate=1"], 1, "not a key's id"),
    (["limit", str(uuid.UUID(int=1)), "--rate=1"], 1, "no key"),
    (["limit", str(uuid.UUID(int=1)), "--rate=1000001"], 1, "at most 1000000"),
    (["create", "--name=a", "--scopes=admin", "--burst=5"], 1, "needs a rate"),
    (["create", "--name=a", "--scopes=admin", "--rate=1", "--burst=1000001"], 1, "at most"),
    (["create", "--name=a", "--scopes=admin", "--rate=-1"], 2, "rate"),
    (["create", "--name=a", "--scopes=admin", "--rate=1.5"], 2, "rate"),
])
def test_limits_that_cannot_be(prod, args, code, says):
    before = key(prod, "ls")
    assert says in key(prod, *args, code=code)
    assert key(prod, "ls") == before


def test_a_revoked_key_has_no_limit_to_set(prod):
    name, _ = make(prod)
    assert prod.tallystick("key", "revoke", name).returncode == 0
    assert "open" in key(prod, "limit", name, "--rate=5", code=1)


def refusals_counted(system):
    text = system.get("/metrics", door="gateway_admin").text
    return next(sample.value for family in text_string_to_metric_families(text)
                for sample in family.samples if sample.name == "auth_rate_limited_total")


def test_refusals_are_counted(prod):
    _, headers = make(prod, "--rate=1")
    before = refusals_counted(prod)
    _, refused, _ = send(prod, headers, 50)
    assert len(refused) > 0
    assert refusals_counted(prod) == before + len(refused)


def test_in_dev_a_key_is_limited_and_who_has_none_is_not(system):
    _, headers = make(system, "--rate=1")
    assert send(system, headers, 50)[0] < 50
    assert send(system, {}, 200)[0] == 200
