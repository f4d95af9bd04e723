"""Who may come in: API keys, scopes, the profiles, and the secret between services."""
import uuid

import pytest

from system.harness import System, wait_until


def create_key(system, *scopes, name="a test"):
    """A new key as its owner gets to see it, once."""
    done = system.tallystick("key", "create", "--name", name, "--scopes", ",".join(scopes))
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


AT_ONCE = {"TALLYSTICK_DRAIN_MS": 0}  # prod says for seconds that it stops before it does


@pytest.fixture(scope="module")
def prod(cluster):
    """The prod profile, and a key with every scope."""
    system = System(cluster, "prod", AT_ONCE)
    try:
        system.admin = create_key(system, "admin")
        yield system.start()
    finally:
        system.close()


def test_prod_refuses_to_start_without_a_key(make_system):
    system = make_system(AT_ONCE, profile="prod", start=False)
    gateway = system.services["gateway"]
    gateway.start()
    assert gateway.wait() == 1
    assert "tallystick key create" in gateway.tail()
    create_key(system, "admin")
    system.start("gateway")


def test_prod_refuses_to_start_with_only_revoked_keys(make_system):
    system = make_system(AT_ONCE, profile="prod", start=False)
    create_key(system, "admin")
    system.sql("UPDATE gateway.api_key SET revoked_at = now()")
    gateway = system.services["gateway"]
    gateway.start()
    assert gateway.wait() == 1


@pytest.mark.parametrize("header", [
    None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dXNlcjpwYXNz", "wrong"])
def test_prod_wants_a_key(prod, header):
    headers = {} if header is None else {"Authorization": header}
    for answer in (prod.authorize(headers=headers), prod.get("/v1/accounts/u", headers=headers)):
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_health_and_pages_need_no_key(prod):
    for path in ("/livez", "/readyz", "/openapi.yaml", "/problems/not_found"):
        assert prod.get(path).status_code == 200


def test_dev_is_open_but_not_to_wrong_keys(system):
    assert system.authorize().status_code == 201
    answer = system.authorize(headers=bearer("wrong"))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    wait_until(lambda: system.logs("gateway", event="service.open"),
               what="an open door says so at start")


def test_key_made_now_opens_now(prod):
    """A key that is not known yet is looked up, not refused."""
    prod.put("/v1/accounts/user-keys", {"credit_limit": 100}, headers=bearer(prod.admin))
    key = create_key(prod, "auth:write")
    answer = prod.authorize("user-keys", headers=bearer(key))
    assert (answer.status_code, answer.json()["status"]) == (201, "approved")


def test_revoked_key_closes_within_seconds(prod):
    key = create_key(prod, "auth:read")
    read = lambda: prod.get("/v1/accounts/nobody", headers=bearer(key)).status_code
    assert read() == 404
    prod.sql("UPDATE gateway.api_key SET revoked_at = now() WHERE NOT 'admin' = ANY (scopes)")
    wait_until(lambda: read() == 401, timeout=3, what="the revoked key is refused")


SCOPES = [
    ("auth:write", lambda s, h: s.authorize("user-scope", headers=h), 201),
    ("auth:write", lambda s, h: s.post("/v1/authorizations/batch", {"items": []}, headers=h), 422),
    ("auth:write", lambda s, h: s.post(f"/v1/authorizations/{uuid.uuid4()}/void", headers=h), 404),
    ("auth:read", lambda s, h: s.get(f"/v1/authorizations/{uuid.uuid4()}", headers=h), 404),
    ("auth:read", lambda s, h: s.get("/v1/authorizations?user_id=user-scope", headers=h), 200),
    ("auth:read", lambda s, h: s.get("/v1/accounts/user-nobody", headers=h), 404),
    ("auth:read", lambda s, h: s.get("/v1/accounts/user-nobody/balance", headers=h), 404),
    ("auth:read", lambda s, h: s.get("/v1/sagas?state=stuck", headers=h), 200),
    ("auth:read", lambda s, h: s.get(f"/v1/sagas/{uuid.uuid4()}", headers=h), 404),
    ("ledger:read", lambda s, h: s.get("/v1/accounts/user-nobody/entries", headers=h), 404),
    ("admin", lambda s, h: s.put("/v1/accounts/user-put", {"status": "open"}, headers=h), None),
]


def test_each_route_wants_its_scope(prod):
    names = sorted({scope for scope, _, _ in SCOPES})
    keys = {name: create_key(prod, name, name=name) for name in names}
    for wanted, call, status in SCOPES:
        for name, key in keys.items():
            answer = call(prod, bearer(key))
            if name in (wanted, "admin"):
                assert answer.status_code == (status or answer.status_code), (wanted, name)
                assert answer.status_code not in (401, 403), (wanted, name)
            else:
                assert answer.status_code == 403, (wanted, name)
                assert answer.json()["code"] == "scope_missing"
                assert wanted in answer.json()["detail"]


def test_put_account_without_admin(prod):
    key = create_key(prod, "auth:write", "auth:read", "ledger:read")
    answer = prod.put("/v1/accounts/user-6789", {"credit_limit": 1}, headers=bearer(key))
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert prod.get("/v1/accounts/user-6789", headers=bearer(prod.admin)).status_code == 404


def test_principal_is_part_of_the_idempotency_key(prod):
    prod.put("/v1/accounts/user-principal", {"credit_limit": 100}, headers=bearer(prod.admin))
    first, second = (bearer(create_key(prod, "auth:write", name=name)) for name in ("a", "b"))
    one = prod.authorize("user-principal", key="shared", headers=first)
    other = prod.authorize("user-principal", key="shared", headers=second)
    assert [one.status_code, other.status_code] == [201, 201]
    assert one.json()["id"] != other.json()["id"]


def test_unknown_user_is_declined_in_prod(prod):
    answer = prod.authorize("user-nobody", headers=bearer(prod.admin))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["decision_code"]) == ("declined", "account_not_found")


def test_reasons_are_for_trusted_callers(prod):
    key = create_key(prod, "auth:write", "auth:read")
    untold = prod.authorize("user-nobody", headers=bearer(key)).json()
    assert not untold.get("reasons")
    path = f"/v1/authorizations/{untold['id']}"
    assert not prod.get(path, headers=bearer(key)).json().get("reasons")
    assert prod.get(path, headers=bearer(prod.admin)).json()["reasons"] == ["account_not_found"]


@pytest.mark.parametrize("door, path", [
    ("authorization", "/internal/accounts/user-1"),
    ("ledger", f"/internal/accounts/{uuid.UUID(int=1)}/entries"),
    ("saga", "/internal/sagas?state=stuck")])
def test_services_answer_only_each_other(system, door, path):
    for headers in ({}, bearer("wrong"), {"Authorization": "Basic eDp5"}):
        answer = system.get(path, door=door, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_a_key_is_nowhere_in_the_logs(prod):
    key = create_key(prod, "auth:write")
    prod.authorize(headers=bearer(key), key="idempotency-key-in-no-log")
    prod.stop()
    for service in prod.services.values():
        assert key.encode() not in service.log_bytes()
        assert b"idempotency-key-in-no-log" not in service.log_bytes()
    prod.start()
