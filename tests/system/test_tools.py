"""The operator's tools: data on stdout, talk on stderr, an exit code that says what happened."""
import hashlib
import json
import uuid

import pytest

NOBODY = uuid.uuid4()


def ran(system, *args, code=0):
    done = system.tallystick(*args)
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def as_json(system, *args):
    return json.loads(ran(system, *args, "-o", "json").stdout)


# ---- key ----------------------------------------------------------------------------------------

def test_key__is_shown_once_and_kept_as_a_hash(system):
    made = ran(system, "key", "create", "--name", "till 7", "--scopes", "auth:write, auth:read")
    key = made.stdout.strip()
    assert "only time" in made.stderr
    tk, prefix, secret = key.split("_")
    assert tk == "tk" and len(prefix) == 8 and len(secret) == 48
    row = system.sql("SELECT * FROM gateway.api_key WHERE name = 'till 7'")[0]
    assert bytes(row.hash) == hashlib.sha256(key.encode()).digest()
    assert row.scopes == ["auth:write", "auth:read"]
    stored = json.dumps([str(value) for value in row])
    assert secret not in stored

    listed = next(k for k in as_json(system, "key", "ls") if k["name"] == "till 7")
    assert listed["id"] == str(row.id)
    assert listed["prefix"] == f"tk_{prefix}"
    assert listed["revoked_at"] is None
    assert secret not in ran(system, "key", "ls").stdout

    ran(system, "key", "revoke", str(row.id))
    first = system.sql("SELECT revoked_at FROM gateway.api_key WHERE id = %s", row.id)
    ran(system, "key", "revoke", str(row.id))
    assert system.sql("SELECT revoked_at FROM gateway.api_key WHERE id = %s", row.id) == first


def test_key__as_json(system):
    made = as_json(system, "key", "create", "--name", "for a program", "--scopes", "admin")
    assert made["key"].startswith(made["prefix"] + "_")
    assert any(key["id"] == made["id"] for key in as_json(system, "key", "ls"))


@pytest.mark.parametrize("args, code, words", [
    (["create"], 2, "needs --name and --scopes"),
    (["create", "--name", "x"], 2, "needs --name and --scopes"),
    (["create", "--name", "x", "--scopes", "auth:write,root"], 1, "'root' is not a scope"),
    (["create", "--name", "x", "--scopes", ""], 1, "'' is not a scope"),
    (["create", "--name", "x" * 101, "--scopes", "admin"], 2, "at most 100"),
    (["revoke"], 2, "one of create, ls, limit ID, revoke ID is expected"),
    (["revoke", "tk_12345678"], 1, "is not a key's id"),
    (["revoke", str(NOBODY)], 1, "there is no key"),
    (["lose"], 2, "one of create, ls, limit ID, revoke ID is expected"),
    (["ls", "--database-url", "postgresql://127.0.0.1:1/x"], 4, "127.0.0.1"),
])
def test_key__refuses(system, args, code, words):
    done = ran(system, "key", *args, code=code)
    assert words in done.stderr
    assert done.stdout == ""


# ---- account ------------------------------------------------------------------------------------

@pytest.mark.parametrize("user", ["tool-user", "with blank", "a/b?c%d", "Zoë"])
def test_account__put_get_balance(system, user):
    made = as_json(system, "account", "put", user, "--credit-limit", "250.50", "--currency", "EUR")
    assert made["user_id"] == user
    assert made["credit_limit"]["amount"] == "250.50"
    assert made["currency"] == "EUR"
    frozen = as_json(system, "account", "put", user, "--status", "frozen")
    assert frozen["status"] == "frozen"
    assert as_json(system, "account", "get", user) == frozen
    balance = as_json(system, "account", "balance", user)
    assert balance["available"]["amount"] == "250.50"
    shown = ran(system, "account", "get", user).stdout
    assert "250.50 EUR" in shown and "frozen" in shown


@pytest.mark.parametrize("args, code, words", [
    (["get"], 2, "and a USER are expected"),
    (["get", "nobody-here"], 1, "404"),
    (["put", "x"], 2, "put needs"),
    (["put", "x", "--credit-limit", "-1"], 2, "must be an amount"),
    (["put", "x", "--credit-limit", "1e2"], 2, "must be an amount"),
    (["put", "x", "--currency", "XXX"], 2, "ISO 4217"),
    (["put", "x", "--status", "gone"], 2, "must be one of open|frozen|closed"),
    (["put", "x", "--credit-limit", "1.001", "--currency", "USD"], 1, "(422)"),
    (["drop", "x"], 2, "none of get, balance, put"),
    (["get", "x", "--authorization-url", "http://127.0.0.1:1"], 4, "127.0.0.1:1"),
])
def test_account__refuses(system, args, code, words):
    done = ran(system, "account", *args, code=code)
    assert words in done.stderr
    assert done.stdout == ""


# ---- ledger account -----------------------------------------------------------------------------

def test_ledger_account__is_the_ledgers_alone(system):
    user = "ledger-tool"
    missing = ran(system, "ledger", "account", "show", user, code=1)
    assert "has no account in the ledger yet" in missing.stderr
    assert ran(system, "ledger", "account", "freeze", user, code=1).stdout == ""

    system.wait_saga(system.authorize(user, "12.34").json())
    account = as_json(system, "ledger", "account", "show", user)[0]
    assert (account["status"], account["pending"], account["posted"]) == ("open", "12.34", "0.00")
    for verb, status in (("freeze", "frozen"), ("close", "closed"), ("open", "open")):
        ran(system, "ledger", "account", verb, user)
        assert as_json(system, "ledger", "account", "show", user)[0]["status"] == status
        assert as_json(system, "account", "get", user)["status"] == "open"


@pytest.mark.parametrize("verb, reason", [("freeze", "account_frozen"),
                                          ("close", "account_closed")])
def test_ledger_account__refusal_gives_the_credit_back(system, verb, reason):
    user = f"refused-{verb}"
    system.wait_saga(system.authorize(user, "1.00").json())
    ran(system, "ledger", "account", verb, user)
    refused = system.authorize(user, "50.00").json()
    assert refused["status"] == "approved"
    system.wait_saga(refused, "compensated")
    assert system.get(f"/v1/authorizations/{refused['id']}").json()["status"] == "reversed"
    assert as_json(system, "account", "balance", user)["held"]["amount"] == "1.00"
    shown = as_json(system, "saga", "show", refused["saga_id"])
    fields = {row["field"]: row["value"] for row in shown["saga"]}
    assert (fields["state"], fields["reason"]) == ("compensated", reason)
    assert [(step["step"], step["state"]) for step in shown["steps"]] == [
        ("record_hold", "failed"), ("release_authorization", "compensated")]
    system.settle()
    system.verify()


@pytest.mark.parametrize("args, code, words", [
    (["account"], 2, "is expected"),
    (["account", "show"], 2, "is expected"),
    (["accounts", "show", "x"], 2, "is expected"),
    (["account", "drop", "x"], 2, "none of show, freeze, close, open"),
])
def test_ledger_account__refuses(system, args, code, words):
    assert words in ran(system, "ledger", *args, code=code).stderr


# ---- saga ---------------------------------------------------------------------------------------

def test_saga__ls_and_show(system):
    made = system.authorize("saga-tool", "3.00").json()
    system.wait_saga(made)
    listed = next(s for s in as_json(system, "saga", "ls") if s["id"] == made["saga_id"])
    assert listed["authorization_id"] == made["id"]
    assert (listed["type"], listed["state"]) == ("authorize", "completed")
    assert len(as_json(system, "saga", "ls", "--limit", "1")) == 1
    assert as_json(system, "saga", "ls", "--state", "stuck") == []
    completed = as_json(system, "saga", "ls", "--state", "completed")
    assert {saga["state"] for saga in completed} == {"completed"}
    shown = ran(system, "saga", "show", made["saga_id"]).stdout
    assert made["id"] in shown and "record_hold" in shown


@pytest.mark.parametrize("args, code, words", [
    (["ls", "--state", "lost"], 2, "must be one of"),
    (["ls", "--limit", "100001"], 2, "at most 100000"),
    (["show"], 2, "one of ls, show ID, retry"),
    (["show", "x"], 1, "is not a saga's id"),
    (["show", str(NOBODY)], 1, "there is no saga"),
    (["begin"], 2, "one of ls, show ID, retry"),
])
def test_saga__refuses(system, args, code, words):
    assert words in ran(system, "saga", *args, code=code).stderr


# ---- all of them --------------------------------------------------------------------------------

@pytest.mark.parametrize("args", [["key", "ls"], ["saga", "ls"], ["verify"],
                                  ["ledger", "account", "show", "x"]])
def test_tools__over_an_empty_database(cluster, make_database, system, args):
    database = make_database(migrated=False)
    done = system.tallystick(*args, "--database-url", cluster.url(database))
    assert done.returncode == 1
    assert "run: tallystick migrate apply" in done.stderr
