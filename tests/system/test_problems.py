"""Every refusal: its status, its code, its page, its entry in the API's description.

RAISED holds one way to raise each code that the routes can give; what no route gives yet is named
in NOT_YET. Together they are the catalogue, so a new code without a test fails here.
"""
import concurrent.futures
import json
import re
import socket
import uuid

import pytest
import yaml

from system import raw_http
from system.harness import ROOT, wait_until

CATALOGUE = (ROOT / "src/base/problem.h").read_text()
CODES = {code: int(status) for status, code in re.findall(
    r'^    X\(\w+, (\d+), \w+, "(\w+)"', CATALOGUE, re.M)}

NOT_YET = {
    "tenant_mismatch",             # there is one tenant
    "idempotency_in_flight",       # PostgreSQL alone waits for the winner
    "version_mismatch",            # no route reads If-Match
    "capture_exceeds_authorized", "refund_exceeds_captured",
    "internal",                    # a bug; nothing raises it on purpose
}


def batch_of_text(system, size):
    return system.post("/v1/authorizations/batch", b" " * size)


def two_hosts(system):
    return raw_http.send(system, b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")[0]


def long_header(system):
    return system.get("/livez", headers={"X-Long": "x" * 20_000})


def long_uri(system):
    return system.get("/livez?" + "x" * 20_000)


def post_authorize(system, **changes):
    body = {"transaction_id": str(uuid.uuid4()), "user_id": "user-problem", "amount": 1} | changes
    return system.post("/authorize", body)


def void(system, authorization_id):
    return system.post(f"/v1/authorizations/{authorization_id}/void")


def void_declined(system):
    return void(system, system.authorize("user-problem", "100000.00").json()["id"])


def void_twice(system):
    made = system.authorize("user-problem").json()["id"]
    assert void(system, made).status_code == 200
    return void(system, made)


def void_expired(system):
    made = system.authorize("user-problem", expires_in=1).json()["id"]
    path = f"/v1/authorizations/{made}"
    wait_until(lambda: system.get(path).json()["status"] == "expired", what="the hold expired")
    return void(system, made)


def repeat_transaction_otherwise(system):
    system.authorize("user-problem", "1.00", transaction_id="tx-problem")
    return system.authorize("user-problem", "2.00", transaction_id="tx-problem")


def reuse_key(system):
    system.authorize("user-problem", key="key-problem")
    return system.authorize("user-problem", key="key-problem")


RAISED = {
    "malformed_request": two_hosts,
    "malformed_json": lambda s: s.post("/authorize", b"{"),
    "idempotency_key_missing": lambda s: s.post("/authorize", {}, key=None),
    "idempotency_key_invalid": lambda s: s.post("/authorize", {}, key="with blank"),
    "parameter_invalid": lambda s: s.get("/v1/sagas?state=unheard-of"),
    "unauthenticated": lambda s: s.get("/v1/accounts/u", headers={"Authorization": "Bearer x"}),
    "not_found": lambda s: s.get("/v1/nothing"),
    "method_not_allowed": lambda s: s.request("DELETE", "/v1/accounts/u"),
    "transaction_id_conflict": repeat_transaction_otherwise,
    "invalid_state": void_declined,
    "already_voided": void_twice,
    "authorization_expired": void_expired,
    "body_too_large": lambda s: s.post("/authorize", b" " * (64 * 1024 + 1)),
    "uri_too_long": long_uri,
    "media_type_unsupported":
        lambda s: s.post("/authorize", b"{}", headers={"Content-Type": "text/plain"}),
    "header_too_large": long_header,
    "validation_failed": lambda s: post_authorize(s, amount=0),
    "amount_precision": lambda s: post_authorize(s, amount=99.991),
    "amount_out_of_range": lambda s: post_authorize(s, amount=12345678901234567890),
    "currency_unsupported": lambda s: post_authorize(s, currency="XYZ"),
    "idempotency_key_reused": reuse_key,
}
ELSEWHERE = {
    "scope_missing": "test_keys.py", "backpressure": "test_door.py", "draining": "test_door.py",
    "dependency_down": "test_door.py", "deadline_exceeded": "test_door.py",
    "rate_limited": "test_rate_limit.py",
}


@pytest.fixture(scope="module")
def examples():
    return yaml.safe_load((ROOT / "contracts/openapi.yaml").read_text())["components"]["examples"]


def test_every_code_is_raised_somewhere():
    assert len(CODES) > 25, "the catalogue was read"
    assert set(CODES) == set(RAISED) | set(ELSEWHERE) | NOT_YET
    for code, file in ELSEWHERE.items():
        assert f'"{code}"' in (ROOT / "tests/system" / file).read_text()


@pytest.mark.parametrize("code", RAISED)
def test_raised(system, code):
    answer = RAISED[code](system)
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (CODES[code], CODES[code], code)
    assert body["type"] == f"/problems/{code}"
    assert body["title"]
    assert body["instance"] == f"urn:uuid:{answer.headers['Request-Id']}"


@pytest.mark.parametrize("code", CODES)
def test_page_and_description(system, examples, code):
    page = system.get(f"/problems/{code}")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert page.text.startswith(f"{code} (HTTP status {CODES[code]})")
    example = examples[code]["value"]
    assert (example["code"], example["status"]) == (code, CODES[code])
    assert example["title"] in page.text
    assert ("later: yes" in page.text) == example["retryable"]


def test_page_of_no_problem(system):
    assert system.get("/problems/teapot").status_code == 404


def test_missing_key_says_where_to_read(system):
    answer = system.post("/authorize", {}, key=None)
    assert answer.headers["Link"] == '</problems/idempotency_key_missing>; rel="describedby"'


@pytest.mark.parametrize("header", [
    "Idempotency-Key:", 'Idempotency-Key: ""', 'Idempotency-Key: "open', "Idempotency-Key: a b",
    'Idempotency-Key: "a"b', "Idempotency-Key: " + "k" * 256, "Idempotency-Key: k\xe9y",
    "Idempotency-Key: one\r\nIdempotency-Key: two", "Idempotency-Key: a\r\nIDEMPOTENCY-KEY: a"])
def test_keys_that_are_none(system, header):
    data = raw_http.post("/authorize", b"{}", header)
    [answer] = raw_http.send(system, data)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("idempotency_key_invalid", "malformed_request")


@pytest.mark.parametrize("key", ["k", "k" * 255, '"in-quotes"', "!~", '"a\\"b"'])
def test_keys_that_are_keys(system, key):
    answer = system.authorize("user-keys", key=key)
    assert answer.status_code == 201


@pytest.mark.parametrize("path, allowed", [
    ("/authorize", "POST"), ("/v1/authorizations", "POST, GET"), ("/livez", "GET"),
    ("/v1/authorizations/batch", "POST"), ("/v1/accounts/u", "PUT, GET"),
    (f"/v1/authorizations/{uuid.UUID(int=1)}/void", "POST")])
def test_other_methods_name_the_allowed_ones(system, path, allowed):
    answer = system.request("PATCH", path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("path", [
    "/", "/v1", "/v1/authorizations/", "/authorize/", "/v1/authorizations/not-a-uuid",
    "/v1/accounts/", "/v1/accounts/u/nothing", "//authorize", "/AUTHORIZE", "/v1/sagas/1",
    "/problems/"])
def test_paths_that_are_none(system, path):
    [answer] = raw_http.send(system, f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    assert answer.status_code in (404, 405)


@pytest.mark.parametrize("path", [
    "/v1/accounts/%00", "/v1/accounts/%zz", "/v1/accounts/%ff", "/v1/accounts/%0a",
    "/v1/accounts/" + "x" * 129, "/v1/authorizations", "/v1/authorizations?user_id=",
    "/v1/authorizations?user_id=a&transaction_id=b", "/v1/authorizations?user_id=a&colour=b",
    "/v1/authorizations?user_id=a&user_id=b", "/v1/authorizations?user_id=a&limit=0",
    "/v1/authorizations?user_id=a&limit=x", "/v1/authorizations?user_id=a&cursor=x",
    "/v1/accounts/a/entries?cursor=x", "/v1/accounts/a/entries?limit=201",
    "/v1/sagas", "/v1/sagas?state=stuck&cursor=x", "/v1/sagas?state=STUCK"])
def test_parameters_that_are_refused(system, path):
    [answer] = raw_http.send(system, f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")


@pytest.mark.parametrize("body, pointer", [
    ({}, ""), ({"credit_limit": -1}, "/credit_limit"), ({"credit_limit": "x"}, "/credit_limit"),
    ({"credit_limit": 1, "credit_limit_minor": 1}, "/credit_limit_minor"),
    ({"credit_limit_minor": 1.5}, "/credit_limit_minor"), ({"status": "gone"}, "/status"),
    ({"status": None}, "/status"), ({"currency": "XYZ"}, "/currency"), ({"limit": 1}, "/limit"),
    ({"credit_limit": 10**12}, "/credit_limit"), ([], "")])
def test_accounts_that_are_refused(system, body, pointer):
    answer = system.put("/v1/accounts/user-refused", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert system.get("/v1/accounts/user-refused").status_code == 404


def test_account_limit_too_precise(system):
    answer = system.put("/v1/accounts/user-precise", {"credit_limit": "1.001", "currency": "USD"})
    assert (answer.status_code, answer.json()["code"]) == (422, "amount_precision")


def test_void_with_fields(system):
    made = system.authorize("user-problem").json()["id"]
    answer = system.post(f"/v1/authorizations/{made}/void", {"amount": 1})
    assert answer.json()["errors"][0]["pointer"] == "/amount"
    assert system.post(f"/v1/authorizations/{made}/void", {}).status_code == 200


def test_void_of_what_is_not_there(system):
    assert void(system, uuid.uuid4()).status_code == 404
    assert void(system, "nothing").status_code == 404


def test_body_too_large_is_said_before_it_is_read(system):
    head = raw_http.post("/authorize", b"", "Expect: 100-continue", "Idempotency-Key: k")
    head = head.replace(b"Content-Length: 0", b"Content-Length: 1000000000")
    with raw_http.connection(system) as sock:
        sock.sendall(head)
        [answer] = raw_http.read_answers(sock, 1)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert batch_of_text(system, 1024 * 1024).status_code == 400
    assert batch_of_text(system, 1024 * 1024 + 1).status_code == 413


def test_refused_requests_leave_nothing_behind(system):
    """No refusal is remembered: the same key serves the mended request."""
    broken = system.post("/authorize", {"amount": 1}, key="key-mended")
    assert broken.status_code == 422
    assert system.authorize("user-mended", key="key-mended").status_code == 201


def test_slow_drip_is_cut_off(system):
    """A total deadline: a byte now and then does not keep a connection for ever."""
    data = raw_http.post("/authorize", b"{}" * 1000, "Idempotency-Key: drip")
    with raw_http.connection(system) as sock, concurrent.futures.ThreadPoolExecutor(1) as pool:
        sock.settimeout(0.5)
        ended = pool.submit(drip, sock, data)
        assert ended.result(timeout=30)


def drip(sock, data):
    """True when the other side has ended the connection before all was sent."""
    for at in range(len(data)):
        try:
            sock.sendall(data[at:at + 1])
            if sock.recv(1000) == b"":
                return True
        except socket.timeout:
            continue
        except OSError:
            return True
    return False


def test_json_numbers_are_kept_as_written(system):
    body = b'{"transaction_id": "tx-big-number", "user_id": "u", "amount": 0.1000000000000000055}'
    answer = system.post("/authorize", body)
    assert json.loads(answer.content)["code"] == "amount_precision"
