"""Idempotency keys in a real DynamoDB: every rule over the door, the records as a stranger reads
them, and what becomes of requests while DynamoDB or a gateway goes away."""
import concurrent.futures
import contextlib
import hashlib
import json
import time
import uuid

import boto3
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from system.harness import CREDENTIALS, System, wait_until
from system.throttle import Throttle
from system.traffic import Traffic

LEASE_MS = 2000


@pytest.fixture(scope="module")
def shielded(open_system):
    """The five services with DynamoDB in front."""
    return open_system(keystore="dynamodb", env={"TALLYSTICK_DECISION_TIMEOUT_MS": 30000})


@pytest.fixture
def mortal(dynamodb):
    """The DynamoDB, for a test that ends it or lets it hang: afterwards it runs again."""
    yield dynamodb
    dynamodb.start()


def client(system):
    session = boto3.Session(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
    return session.client("dynamodb", region_name=CREDENTIALS["AWS_REGION"],
                          endpoint_url=system.env["AWS_ENDPOINT_URL_DYNAMODB"])


def records(system):
    """All records of the table, each as {attribute: text}."""
    pages = client(system).get_paginator("scan").paginate(TableName=system.table)
    return [{name: next(iter(value.values())) for name, value in item.items()}
            for page in pages for item in page["Items"]]


def key_hash(key, route="/v1/authorizations"):
    """What the record of a key is found under, made the way that the documentation says."""
    digest = hashlib.sha256()
    for part in ("default", "anonymous", "POST", route, key):
        digest.update(len(part).to_bytes(8, "big") + part.encode())
    return digest.hexdigest()


def record(system, key):
    """None: there is none."""
    found = client(system).get_item(TableName=system.table, ConsistentRead=True,
                                    Key={"key_hash": {"S": key_hash(key)}}).get("Item")
    return found and {name: next(iter(value.values())) for name, value in found.items()}


def set_record(system, key, **values):
    for name, value in values.items():
        client(system).update_item(
            TableName=system.table, Key={"key_hash": {"S": key_hash(key)}},
            UpdateExpression="SET #n = :v", ExpressionAttributeNames={"#n": name},
            ExpressionAttributeValues={":v": value})


def counted(system, outcome):
    """idempotency_requests_total of the gateway."""
    url = f"http://127.0.0.1:{system.ports['gateway_admin']}/metrics"
    return next(sample.value
                for family in text_string_to_metric_families(requests.get(url, timeout=5).text)
                for sample in family.samples
                if sample.name == "idempotency_requests_total"
                and sample.labels == {"outcome": outcome})


def is_replay_of(answer, first):
    return (answer.status_code, answer.content, answer.headers["Location"],
            answer.headers["Idempotent-Replayed"]) == \
        (first.status_code, first.content, first.headers["Location"], "true")


def decided(system, transaction_id):
    """Ids of the authorizations that were made for a transaction."""
    return [str(row.id) for row in system.sql(
        'SELECT id FROM "authorization".credit_authorization WHERE transaction_id = %s',
        transaction_id)]


@contextlib.contextmanager
def meanwhile(call, *args, **kwargs):
    """Runs a call on a thread of its own while the block does."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield pool.submit(call, *args, **kwargs)


# ---- every rule over the door --------------------------------------------------------------------

def test_new_key_is_executed_and_kept(shielded):
    before = int(time.time())
    answer = shielded.authorize(key="key-new", transaction_id="tx-new")
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer.headers
    kept = record(shielded, "key-new")
    assert kept["state"] == "DONE"
    assert (kept["status"], kept["body"], kept["location"]) == \
        ("201", answer.text, answer.headers["Location"])
    assert before <= int(kept["created_at"]) <= time.time()
    assert int(kept["expires_at"]) == int(kept["created_at"]) + 24 * 3600
    assert len(kept["fingerprint"]) == 64 and uuid.UUID(kept["owner"])


def test_repeat_is_a_replay(shielded):
    first = shielded.authorize(key="key-repeat", transaction_id="tx-repeat")
    again = shielded.authorize(key="key-repeat", transaction_id="tx-repeat")
    assert is_replay_of(again, first)
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    quoted = shielded.authorize(key='"key-repeat"', transaction_id="tx-repeat")
    assert is_replay_of(quoted, first)


def test_other_request_under_the_key_is_refused(shielded):
    shielded.authorize(key="key-reused", transaction_id="tx-reused")
    answer = shielded.authorize(key="key-reused", transaction_id="tx-reused", amount="11.00")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key, code", [(None, "idempotency_key_missing"),
                                       ("x" * 256, "idempotency_key_invalid")])
def test_no_usable_key(shielded, key, code):
    before = len(records(shielded))
    answer = shielded.authorize(key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert len(records(shielded)) == before


def test_repeat_while_the_first_is_under_way(shielded):
    shielded.pause("authorization")
    with meanwhile(shielded.authorize, key="key-busy", transaction_id="tx-busy") as first:
        wait_until(lambda: record(shielded, "key-busy"), what="the claim")
        assert record(shielded, "key-busy")["state"] == "IN_FLIGHT"
        # Another door, so that it does not queue behind the first: the record alone can tell.
        repeat = other_door_says(shielded, "key-busy", "tx-busy")
        shielded.resume("authorization")
    assert (repeat.status_code, repeat.json()["code"]) == (409, "idempotency_in_flight")
    assert repeat.headers["Retry-After"] == "1"
    assert first.result().status_code == 201
    again = shielded.authorize(key="key-busy", transaction_id="tx-busy")
    assert is_replay_of(again, first.result())


def other_door_says(system, key, transaction_id):
    """The answer of a second gateway over the same table."""
    other = System(system.cluster, database=system.database, keystore="dynamodb",
                   env={"TALLYSTICK_AUTHORIZATION_URL": system.url("authorization"),
                        "TALLYSTICK_DYNAMODB_TABLE": system.table})
    other.start("gateway")
    try:
        return other.authorize(key=key, transaction_id=transaction_id)
    finally:
        other.stop("gateway")


def test_replay_without_the_authorization_service(shielded):
    first = shielded.authorize(key="key-shield", transaction_id="tx-shield")
    shielded.settle()
    shielded.stop("authorization")
    again = shielded.authorize(key="key-shield", transaction_id="tx-shield")
    new = shielded.authorize(key="key-unshielded")
    shielded.start("authorization")
    assert is_replay_of(again, first)
    assert (new.status_code, new.json()["code"]) == (503, "dependency_down")
    assert record(shielded, "key-unshielded") is None  # let go: nothing was done


def test_decline_is_kept_refusal_is_not(shielded):
    declined = shielded.authorize("user-poor", "2000.00", "tx-poor", key="key-poor")
    assert declined.json()["status"] == "declined"
    assert is_replay_of(shielded.authorize("user-poor", "2000.00", "tx-poor", key="key-poor"),
                        declined)
    refused = shielded.authorize(amount="99.991", key="key-fine", transaction_id="tx-fine")
    assert (refused.status_code, refused.json()["code"]) == (422, "amount_precision")
    assert record(shielded, "key-fine") is None
    assert shielded.authorize(amount="99.99", key="key-fine",
                              transaction_id="tx-fine").status_code == 201


def test_transaction_again_under_another_key_is_kept(shielded):
    first = shielded.authorize(key="key-one", transaction_id="tx-two-keys")
    second = shielded.authorize(key="key-two", transaction_id="tx-two-keys")
    assert second.status_code == 200
    kept = record(shielded, "key-two")
    assert (kept["status"], kept["body"]) == ("200", second.text)
    third = shielded.authorize(key="key-two", transaction_id="tx-two-keys")
    assert (third.status_code, third.content) == (200, second.content)
    assert first.json()["id"] == third.json()["id"]


def test_void_is_kept(shielded):
    made = shielded.authorize("user-void").json()
    shielded.wait_saga(made)
    path = f"/v1/authorizations/{made['id']}/void"
    first = shielded.post(path, key="key-void")
    again = shielded.post(path, key="key-void")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content and again.headers["Idempotent-Replayed"] == "true"


def test_expired_outcome_is_asked_for_again(shielded):
    """The record has expired and DynamoDB has not deleted it yet: a new claim. PostgreSQL has not
    forgotten, so the outcome is the first one."""
    first = shielded.authorize(key="key-old", transaction_id="tx-old")
    owner = record(shielded, "key-old")["owner"]
    set_record(shielded, "key-old", expires_at={"N": str(int(time.time()) - 60)})
    again = shielded.authorize(key="key-old", transaction_id="tx-old")
    assert is_replay_of(again, first)
    kept = record(shielded, "key-old")
    assert kept["owner"] != owner and int(kept["expires_at"]) > time.time()


def send_batch(system, name, *amounts):
    return system.post("/v1/authorizations/batch", {"items": [
        {"transaction_id": f"tx-{name}-{at}", "user_id": f"user-{name}-{at % 7}", "amount": amount}
        for at, amount in enumerate(amounts)]}, key=f"key-{name}")


def test_batch_items_have_keys_of_their_own(shielded):
    before = len(records(shielded))
    first = send_batch(shielded, "three", "1.00", "2.00", "3.00")
    assert len(records(shielded)) == before + 3
    again = send_batch(shielded, "three", "1.00", "2.00", "3.00")
    assert again.content == first.content and again.headers["Idempotent-Replayed"] == "true"
    changed = send_batch(shielded, "three", "1.00", "2.50", "3.00").json()["items"]
    assert changed[1]["code"] == "idempotency_key_reused"
    assert [changed[0], changed[2]] == [first.json()["items"][0], first.json()["items"][2]]


def test_large_batch(shielded):
    """So many keys travel as statements, 25 in a call: claimed, completed, replayed, let go."""
    before = {one["key_hash"] for one in records(shielded)}
    first = send_batch(shielded, "large", *["1.00"] * 150, *["0.001"] * 50)
    kept = [one for one in records(shielded) if one["key_hash"] not in before]
    assert len(kept) == 150 and {one["state"] for one in kept} == {"DONE"}
    bodies = {json.dumps(json.loads(one["body"]), sort_keys=True) for one in kept}
    items = first.json()["items"]
    assert bodies == {json.dumps(one, sort_keys=True) for one in items[:150]}
    assert {one["code"] for one in items[150:]} == {"amount_precision"}
    shielded.settle()
    shielded.stop("authorization")
    again = send_batch(shielded, "large", *["1.00"] * 150, *["0.001"] * 50).json()["items"]
    shielded.start("authorization")
    assert again[:150] == items[:150]
    assert {one["code"] for one in again[150:]} == {"dependency_down"}


def test_fifty_equal_requests_at_once(shielded):
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: shielded.authorize(
            "user-fifty", transaction_id="tx-fifty", key="key-fifty"), range(50)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.content for answer in answers if answer.status_code == 201}
    assert len(made) == 1 and len(decided(shielded, "tx-fifty")) == 1


# ---- a gateway goes away -------------------------------------------------------------------------

def leave_behind(system, key, *, is_decided, dynamodb):
    """A gateway ends between claim and answer; either before anything was decided, or after the
    decision was committed and before the claim was completed."""
    system.pause("authorization")
    with meanwhile(system.authorize, "user-left", "5.00", f"tx-{key}", key=key) as lost:
        wait_until(lambda: record(system, key), what="the claim")
        if is_decided:
            dynamodb.pause()  # so that it cannot be told
            system.resume("authorization")
            wait_until(lambda: decided(system, f"tx-{key}"), what="the decision")
        else:
            system.kill("authorization")
        system.kill("gateway")
        assert isinstance(lost.exception(), requests.RequestException)
    if is_decided:
        dynamodb.kill()  # with what may have reached it unread
        dynamodb.start()
    system.start(*({"gateway", "authorization"} - set(system.running())))
    assert record(system, key)["state"] == "IN_FLIGHT"


@pytest.mark.parametrize("is_decided, lease", [
    (False, {"TALLYSTICK_KEYSTORE_LEASE_MS": LEASE_MS, "TALLYSTICK_DECISION_TIMEOUT_MS": 20000}),
    (True, {"TALLYSTICK_KEYSTORE_LEASE_MS": 300000, "TALLYSTICK_DECISION_TIMEOUT_MS": 6000}),
], ids=["before the decision, by its lease", "after it, once its request is over"])
def test_claim_left_behind_is_taken_over(make_system, mortal, is_decided, lease):
    system = make_system(keystore="dynamodb",
                         env=lease | {"TALLYSTICK_KEYSTORE_TIMEOUT_MS": 10000})
    system.authorize("user-left")
    leave_behind(system, "key-left", is_decided=is_decided, dynamodb=mortal)
    early = system.authorize("user-left", "5.00", "tx-key-left", key="key-left")
    if early.status_code == 409:  # within the lease
        assert early.headers["Retry-After"] == "1"

    def answered():
        answer = system.authorize("user-left", "5.00", "tx-key-left", key="key-left")
        return answer if answer.status_code != 409 else None
    answer = early if early.status_code == 201 else wait_until(
        answered, 20, every=0.1, what="the claim has run out")
    assert answer.status_code == 201
    assert decided(system, "tx-key-left") == [answer.json()["id"]]
    assert ("Idempotent-Replayed" in answer.headers) == is_decided
    assert counted(system, "takeover") == (0 if is_decided else 1)
    assert record(system, "key-left")["body"] == answer.text
    system.settle()
    system.verify()


# ---- DynamoDB goes away --------------------------------------------------------------------------

def test_dynamodb_ends_in_the_middle_of_load(make_system, mortal):
    system = make_system(keystore="dynamodb", env={"TALLYSTICK_KEYSTORE_LEASE_MS": LEASE_MS})
    with Traffic(system, insists=True).flowing() as traffic:
        wait_until(lambda: traffic.answered() > 100, 60, what="traffic")
        mortal.kill()
        reached = traffic.answered()
        wait_until(lambda: traffic.answered() > reached + 200, 30, what="answers without DynamoDB")
        mortal.start()
        wait_until(lambda: system.logs("gateway", event="keystore.back"), 60, what="it is back")
        reached = traffic.answered()
        wait_until(lambda: traffic.answered() > reached + 100, 60, what="traffic")
    assert set(traffic.outcomes()) <= {201, 409}  # 409: a claim that DynamoDB died with
    assert counted(system, "fallback") >= 200
    wait_until(lambda: system.logs("gateway", event="keystore.down"), what="it was down")
    traffic.check_nothing_lost()
    assert "DONE" in {one["state"] for one in records(system)}
    system.settle()
    system.verify()


def test_reject_instead_of_falling_back(make_system, mortal):
    system = make_system(keystore="dynamodb", env={"TALLYSTICK_KEYSTORE_FALLBACK": "reject"})
    first = system.authorize(key="key-strict", transaction_id="tx-strict")
    assert first.status_code == 201
    mortal.kill()
    answer = system.authorize(key="key-refused", transaction_id="tx-refused")
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency_down")
    assert answer.json()["retryable"] and answer.headers["Retry-After"] == "1"
    assert decided(system, "tx-refused") == []
    assert counted(system, "fallback") == 1
    mortal.start()
    wait_until(lambda: system.authorize(key="key-refused",
                                        transaction_id="tx-refused").status_code == 201, 30)
    assert is_replay_of(system.authorize(key="key-strict", transaction_id="tx-strict"), first)


@pytest.mark.parametrize("share", [30, 100])
def test_throttled_is_answered_by_the_fallback(make_system, dynamodb, share):
    with contextlib.closing(Throttle(dynamodb)) as throttle:
        system = make_system(keystore="dynamodb",
                             env={"AWS_ENDPOINT_URL_DYNAMODB": throttle.endpoint})
        throttle.share = share
        with Traffic(system, insists=True).flowing() as traffic:
            wait_until(lambda: traffic.answered() > 200 and (
                share < 100 or counted(system, "fallback") > 100), 60, what="answers")
        assert set(traffic.outcomes()) <= {201, 409}
        assert throttle.refused > 0
        if share == 100:
            assert counted(system, "new") == 0
        throttle.share = 0
        traffic.check_nothing_lost()
        system.settle()
        system.verify()


def test_silent_dynamodb_costs_its_timeout_once(make_system, mortal):
    system = make_system(keystore="dynamodb", env={"TALLYSTICK_KEYSTORE_TIMEOUT_MS": 1000})
    system.authorize()
    mortal.pause()
    # One user, one worker: its first batch waits, those that follow within the rest do not.
    slow = system.authorize("user-silent")
    quick = [system.authorize("user-silent") for _ in range(3)]
    assert {one.status_code for one in [slow, *quick]} == {201}
    assert slow.elapsed.total_seconds() >= 1
    assert min(one.elapsed.total_seconds() for one in quick) < 1
    mortal.resume()


# ---- set up wrongly ------------------------------------------------------------------------------

def test_no_table_is_said_and_gone_without(make_system):
    system = make_system(keystore="dynamodb", env={"TALLYSTICK_DYNAMODB_TABLE": "nowhere"},
                         start=False)
    client(system).delete_table(TableName="nowhere")
    system.start()
    assert system.authorize().status_code == 201
    [line] = wait_until(lambda: system.logs("gateway", event="keystore.down"))
    assert "tallystick migrate apply" in line["msg"]


def test_no_credentials_are_said_and_gone_without(make_system):
    system = make_system(keystore="dynamodb", start=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del system.env[name]
    system.start()
    assert system.authorize().status_code == 201
    [line] = wait_until(lambda: system.logs("gateway", event="keystore.down"))
    assert "AWS_ACCESS_KEY_ID" in line["detail"]


def test_no_region_stops_the_start(make_system):
    system = make_system(keystore="dynamodb", start=False)
    del system.env["AWS_REGION"]
    done = system.tallystick("gateway")
    assert done.returncode == 1 and "set AWS_REGION" in done.stderr


def test_migrate_looks_after_the_table(make_system):
    system = make_system(keystore="dynamodb", start=False)
    dynamodb = client(system)
    described = dynamodb.describe_table(TableName=system.table)["Table"]
    assert described["KeySchema"] == [{"AttributeName": "key_hash", "KeyType": "HASH"}]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    ttl = dynamodb.describe_time_to_live(TableName=system.table)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires_at")
    assert system.tallystick("migrate", "check").returncode == 0

    dynamodb.delete_table(TableName=system.table)
    assert system.tallystick("migrate", "check").returncode == 1
    assert f"create table {system.table}" in system.tallystick("migrate", "plan").stdout
    assert f"table {system.table} created" in system.tallystick("migrate", "apply").stderr
    assert "nothing to do" in system.tallystick("migrate", "apply").stderr


def test_migrate_leaves_a_table_of_others_alone(make_system, dynamodb):
    system = make_system(keystore="dynamodb", start=False)
    system.env["TALLYSTICK_DYNAMODB_TABLE"] = f"theirs_{system.database}"
    client(system).create_table(
        TableName=f"theirs_{system.database}", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    done = system.tallystick("migrate", "apply")
    assert done.returncode == 1 and "is another's" in done.stderr
