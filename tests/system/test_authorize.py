"""The door's main job: the README's request, its replay, what else is accepted and refused."""
import json
import re
import subprocess
import uuid

import pytest

from system import raw_http
from system.harness import wait_until

pytestmark = pytest.mark.matrix

README_REQUEST = """curl -X POST http://localhost:8080/authorize \\
  -H "Content-Type: application/json" \\
  -H "Idempotency-Key: $(uuidgen)" \\
  -d '{ "transaction_id": "tx-12345", "user_id": "user-6789", "amount": 99.99 }'"""


def run_curl(system, command):
    """Status, headers and body of a curl command line, run by a shell against our port."""
    command = command.replace("localhost:8080", f"127.0.0.1:{system.ports['gateway']}")
    done = subprocess.run(["bash", "-c", command + " --silent --include --noproxy '*'"],
                          check=True, capture_output=True, text=True)
    head, body = done.stdout.split("\n\n", 1)
    status, *lines = head.splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, json.loads(body)


def test_readme_request_and_its_replay(system):
    status, headers, body = run_curl(system, README_REQUEST)
    assert status == 201
    assert body["status"] == "approved"
    assert body["decision_code"] == "approved"
    assert body["iso8583_response"] == "00"
    assert body["approved"] == {
        "amount": "99.99", "amount_minor": 9999, "currency": "USD", "exponent": 2}
    assert headers["Location"] == f"/v1/authorizations/{body['id']}"
    assert "Idempotent-Replayed" not in headers
    again_status, again_headers, again = run_curl(system, README_REQUEST)
    assert again_status == 200, "the same transaction_id under another key"
    assert again == body
    assert again_headers["Idempotent-Replayed"] == "true"
    assert again_headers["Location"] == headers["Location"]


def test_readme_request_tells_its_story_in_order(system):
    wanted = ["request.received", "authorization.approved", "event.published", "saga.started",
              "ledger.hold_recorded", "saga.completed"]
    if system.bus_kind != "postgres":
        # Said when the bus has acknowledged a whole batch: the saga may have begun by then.
        wanted.remove("event.published")
    body = system.authorize("user-story", headers={"Prefer": "wait=20"}).json()
    trace = {"trace_id": body["trace_id"]}

    def is_told():  # each service gathers lines for some milliseconds before it writes them
        at = 0
        for line in system.logs(**trace):
            at += at < len(wanted) and line["event"] == wanted[at]
        return at == len(wanted) and system.logs("outbox", event="event.published", **trace)

    wait_until(is_told, what="the story, in order")


@pytest.mark.parametrize("content_type", [
    None, "application/json", "application/json; charset=utf-8", "application/vnd.card+json",
    "application/x-www-form-urlencoded", "APPLICATION/JSON"])
def test_accepted_content_types(system, content_type):
    body = json.dumps({"transaction_id": str(uuid.uuid4()), "user_id": "user-types", "amount": 1})
    lines = [f"Idempotency-Key: {uuid.uuid4()}"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    [answer] = raw_http.send(system, raw_http.post("/authorize", body.encode(), *lines))
    assert answer.status_code == 201


@pytest.mark.parametrize("content_type, body", [
    ("text/plain", b"{}"), ("application/xml", b"{}"),
    ("application/x-www-form-urlencoded", b"amount=1")])
def test_refused_content_types(system, content_type, body):
    refused = system.post("/authorize", body, headers={"Content-Type": content_type})
    assert refused.status_code == 415
    assert refused.json()["code"] == "media_type_unsupported"


def test_decline_is_an_answer(system):
    declined = system.authorize("user-decline", "1000.01")
    assert declined.status_code == 201
    body = declined.json()
    assert (body["status"], body["decision_code"]) == ("declined", "credit_limit_exceeded")
    assert body["iso8583_response"] == "51"
    assert body["approved"]["amount"] == "0.00"
    assert system.get(declined.headers["Location"]).json()["status"] == "declined"


def test_read_by_id_transaction_and_user(system):
    user_id = "user+näme/1"
    made = [system.authorize(user_id, "1.00", transaction_id=f"tx rëad {n}").json()
            for n in range(5)]
    assert system.get(f"/v1/authorizations/{made[0]['id']}").json()["id"] == made[0]["id"]
    found = system.get("/v1/authorizations?transaction_id=tx%20r%C3%ABad%203").json()
    assert found["id"] == made[3]["id"]
    pages, cursor = [], None
    while True:
        params = {"user_id": user_id, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = system.get("/v1/authorizations", params=params).json()
        pages.append([item["id"] for item in page["items"]])
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert [found for page in pages for found in page] == [a["id"] for a in reversed(made)]
    assert max(len(page) for page in pages) == 2


def test_void_frees_credit(system):
    made = system.authorize("user-void", "600.00").json()
    assert system.authorize("user-void", "600.00").json()["status"] == "declined"
    voided = system.post(f"/v1/authorizations/{made['id']}/void", key="void-1")
    assert voided.status_code == 200
    assert voided.json()["status"] == "voided"
    again = system.post(f"/v1/authorizations/{made['id']}/void", key="void-1")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (voided.content, "true")
    assert system.authorize("user-void", "600.00").json()["status"] == "approved"


def test_account_is_set_and_read(system):
    put = system.put("/v1/accounts/user-account", {"credit_limit": "500.00", "currency": "EUR"})
    assert put.status_code in (200, 201)
    assert put.json()["credit_limit"]["amount"] == "500.00"
    made = system.authorize("user-account", "100.00").json()
    assert made["approved"]["currency"] == "EUR"
    balance = system.get("/v1/accounts/user-account/balance").json()
    amounts = [balance[name]["amount"] for name in ("credit_limit", "held", "posted", "available")]
    assert amounts == ["500.00", "100.00", "0.00", "400.00"]
    frozen = system.put("/v1/accounts/user-account", {"status": "frozen"})
    assert frozen.json()["status"] == "frozen"
    assert system.authorize("user-account", "1.00").json()["decision_code"] == "account_frozen"
    assert system.get("/v1/accounts/user-account").json()["status"] == "frozen"


def test_entries_of_an_account(system):
    made = system.authorize("user-entries", "12.34", headers={"Prefer": "wait=20"}).json()
    page = system.get("/v1/accounts/user-entries/entries").json()
    assert [entry["authorization_id"] for entry in page["items"]] == [made["id"]]
    assert page["items"][0]["amount"]["amount"] == "12.34"
    assert page["next_cursor"] is None
    system.put("/v1/accounts/user-no-entries", {"credit_limit": "1.00"})
    assert system.get("/v1/accounts/user-no-entries/entries").json()["items"] == []
    assert system.get("/v1/accounts/user-unknown/entries").status_code == 404


def test_sagas_by_id_and_state(system):
    made = system.authorize("user-saga", headers={"Prefer": "wait=20"}).json()
    saga = system.get(f"/v1/sagas/{made['saga_id']}").json()
    assert (saga["authorization_id"], saga["state"]) == (made["id"], "completed")
    page = system.get("/v1/sagas", params={"state": "completed", "limit": 1}).json()
    assert len(page["items"]) == 1
    assert system.get(f"/v1/sagas/{uuid.uuid4()}").status_code == 404


def test_request_and_trace_ids(system):
    mine, trace = str(uuid.uuid4()), "0af7651916cd43dd8448eb211c80319c"
    answer = system.authorize("user-trace", headers={
        "Request-Id": mine, "traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert answer.headers["Request-Id"] == mine
    assert re.fullmatch(rf"00-{trace}-[0-9a-f]{{16}}-01", answer.headers["traceparent"])
    assert answer.json()["trace_id"] == trace
    other = system.authorize("user-trace", headers={"Request-Id": "nonsense", "traceparent": "x"})
    assert uuid.UUID(other.headers["Request-Id"]).version == 7


def test_batch_answers_in_order(system):
    items = [{"transaction_id": f"tx-batch-{n}", "user_id": f"user-batch-{n % 7}", "amount": 1}
             for n in range(200)]
    items[3] = {"transaction_id": "tx-batch-3", "user_id": "user-batch-3", "amount": -1}
    items[5] = "no object"
    items[7] |= {"colour": "green"}
    answer = system.post("/v1/authorizations/batch", {"items": items}, key="batch-1")
    assert answer.status_code == 200
    answers = answer.json()["items"]
    assert len(answers) == 200
    for n, item in enumerate(answers):
        if n in (3, 5, 7):
            assert item["code"] == "validation_failed"
        else:
            assert (item["transaction_id"], item["status"]) == (f"tx-batch-{n}", "approved")
    assert answers[7]["errors"][0]["pointer"] == "/colour"


@pytest.mark.parametrize("items", [None, [], [{}] * 1001, "many", {}])
def test_batch_of_another_shape(system, items):
    answer = system.post("/v1/authorizations/batch", {"items": items})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/items"


def test_a_megabyte_of_values_is_refused(system):
    body = b'{"items":[' + b",".join([b"0"] * 500_000) + b"]}"
    answer = system.post("/v1/authorizations/batch", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


def test_several_faults_are_all_named(system):
    refused = system.post("/authorize", {"user_id": "", "amount": "1e2", "colour": 1})
    assert refused.status_code == 422
    errors = {error["pointer"]: error["code"] for error in refused.json()["errors"]}
    assert errors == {"/user_id": "value_invalid", "/amount": "amount_malformed",
                      "/colour": "field_unknown", "/transaction_id": "field_missing"}
