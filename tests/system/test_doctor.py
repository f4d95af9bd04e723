"""`tallystick doctor`: on a system that is well all is ok; each fault, a real one, is named by the
check that looks for it, with what to do."""
import contextlib
import http.server
import json
import threading

import pytest

from system.common import free_ports
from system.dead_letters import HASTY, refused
from system.harness import OWNER, run_tallystick, wait_until

CONTENT = {"fail": 1, "ok": 0, "warn": 0}


@pytest.fixture(scope="module")
def house(open_system):
    """Five services in order; they soon give a message up."""
    return open_system(HASTY)


def doctor(system, *args, env=None, code=0):
    """Findings by check; of several of one check, the worst."""
    done = run_tallystick(system.env | (env or {}), "doctor", "-o", "json", *args)
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}{done.stderr}"
    order = ("ok", "warn", "fail")
    findings = sorted(json.loads(done.stdout), key=lambda one: order.index(one["verdict"]))
    return {one["check"]: one for one in findings}


def found(system, check, words, advice, verdict="fail", **options):
    """The check alone says so, and what to do."""
    findings = doctor(system, code=CONTENT[verdict], **options)
    finding = findings[check]
    assert finding["verdict"] == verdict, finding
    assert words in finding["says"] and advice in finding["advice"], finding
    others = [name for name, one in findings.items()
              if one["verdict"] == "fail" and name != check]
    assert others == []
    return findings


def sql_of_server(system, *statements):
    for statement in statements:
        system.cluster.sql("postgres", statement)


# ---- in order ------------------------------------------------------------------------------------

def test_a_system_that_is_well_is_ok(house):
    house.authorize("doctor-user", "1.00")
    house.settle()
    findings = doctor(house)
    assert {name: one for name, one in findings.items() if one["verdict"] != "ok"} == \
        {"configuration.profile": findings["configuration.profile"]}  # dev is open to everybody
    assert findings["configuration.profile"]["verdict"] == "warn"
    assert all(one["advice"] is None for one in findings.values() if one["verdict"] == "ok")
    groups = {name.partition(".")[0] for name in findings}
    assert {"configuration", "database", "schema", "clock", "disk", "work", "service",
            "bus"} <= groups


def test_the_table_says_the_same(house):
    findings = doctor(house)
    table = house.tallystick("doctor")
    assert table.returncode == 0
    lines = [line.split()[:2] for line in table.stdout.splitlines()
             if line.split()[:1] and line.split()[0] in ("ok", "warn", "fail")]
    assert {(name, one["verdict"]) for name, one in findings.items()} == \
        {(name, verdict) for verdict, name in lines}
    assert f"{len(findings) - 1} ok, 1 to be warned of, 0 failed" in table.stdout


def test_production_needs_a_key(house):
    prod = {"TALLYSTICK_PROFILE": "prod"}
    found(house, "configuration.api_keys", "0 open the door", "tallystick key create", env=prod)
    assert house.tallystick("key", "create", "--name", "x", "--scopes", "admin").returncode == 0
    assert all(one["verdict"] == "ok" for one in doctor(house, env=prod).values())


# ---- configuration -------------------------------------------------------------------------------

@pytest.mark.parametrize("env, check, words, advice", [
    ({"TALLYSTICK_SAGA_STUCK_MS": "soon"}, "configuration.saga",
     "TALLYSTICK_SAGA_STUCK_MS must be a whole number", "tallystick saga --help"),
    ({"TALLYSTICK_AUTHORIZATION_URL": "localhost"}, "configuration.gateway",
     "must begin with http://", "tallystick gateway --help"),
])
def test_a_setting_that_cannot_be_read(house, env, check, words, advice):
    found(house, check, words, advice, env=env)


def test_a_secret_that_is_short_or_open_to_all(house, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("short")
    file = {"TALLYSTICK_SERVICE_SECRET_FILE": str(secret)}
    found(house, "configuration.service_secret", "less than 16", "openssl rand -hex 32", env=file)
    secret.write_text("long enough to be a secret")
    secret.chmod(0o644)
    found(house, "configuration.service_secret", "others may read", f"chmod 600 {secret}",
          verdict="warn", env=file)


def test_settings_that_nobody_knows_are_wrong_usage(house):
    done = run_tallystick(house.env | {"TALLYSTICK_SAGA_STUCK": "1"}, "doctor")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'TALLYSTICK_SAGA_STUCK_MS'" in done.stderr


# ---- the database --------------------------------------------------------------------------------

def test_a_database_that_is_away(house):
    findings = doctor(house, "--database-url", "postgresql://127.0.0.1:1/x", code=4)
    assert findings["database.reachable"]["verdict"] == "fail"
    assert "pg_isready" in findings["database.reachable"]["advice"]
    assert findings["service.gateway"]["verdict"] == "ok"  # what can be asked is asked


def test_a_database_that_was_never_migrated(house, make_database):
    url = house.cluster.url(make_database(migrated=False))
    findings = doctor(house, "--database-url", url, code=1)
    assert findings["schema"]["advice"] == "tallystick migrate apply"


def test_a_role_that_does_not_get_in(house):
    sql_of_server(house, "ALTER ROLE tallystick_ledger NOLOGIN")
    try:
        found(house, "database.role.ledger", "not permitted to log in",
              "ALTER ROLE tallystick_ledger LOGIN")
    finally:
        sql_of_server(house, "ALTER ROLE tallystick_ledger LOGIN")


def test_a_password_that_is_wrong(house, tmp_path):
    """A line of its own in pg_hba.conf asks one role for its password."""
    hba = house.cluster.sql("postgres", "SHOW hba_file")[0].hba_file
    before = open(hba).read()
    try:
        with open(hba, "w") as file:
            file.write(f"local all tallystick_saga scram-sha-256\n{before}")
        sql_of_server(house, "ALTER ROLE tallystick_saga PASSWORD 'right'",
                      "SELECT pg_reload_conf()")
        passwords = tmp_path / "pgpass"
        passwords.write_text("*:*:*:tallystick_saga:wrong\n")
        passwords.chmod(0o600)
        with_wrong = {"PGPASSFILE": str(passwords)}
        wait_until(lambda: "fail" in [one["verdict"] for one in json.loads(run_tallystick(
            house.env | with_wrong, "doctor", "-o", "json").stdout)])
        found(house, "database.role.saga", "password", r"\password tallystick_saga",
              env=with_wrong)
    finally:
        with open(hba, "w") as file:
            file.write(before)
        sql_of_server(house, "ALTER ROLE tallystick_saga PASSWORD NULL",
                      "SELECT pg_reload_conf()")


def test_one_user_for_all(house):
    found(house, "database.role", f"names user {OWNER}", "take the user out", verdict="warn",
          env={"TALLYSTICK_DATABASE_URL": house.owner_url()})


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_lose_what_was_answered(house, name):
    sql_of_server(house, f"ALTER SYSTEM SET {name} = off", "SELECT pg_reload_conf()")
    try:
        wait_until(lambda: house.sql(f"SELECT current_setting('{name}') AS it")[0].it == "off")
        found(house, f"database.{name}", "off: what was answered can be lost",
              f"ALTER SYSTEM SET {name} = on")
    finally:
        sql_of_server(house, f"ALTER SYSTEM RESET {name}", "SELECT pg_reload_conf()")
        wait_until(lambda: house.sql(f"SELECT current_setting('{name}') AS it")[0].it == "on")


def test_a_role_that_may_lose_what_was_answered(house):
    sql_of_server(house, "ALTER ROLE tallystick_authorization SET synchronous_commit = off")
    try:
        found(house, "database.role_settings", "ROLE tallystick_authorization",
              "ALTER ROLE tallystick_authorization RESET synchronous_commit")
    finally:
        sql_of_server(house, "ALTER ROLE tallystick_authorization RESET synchronous_commit")


def test_connections_that_run_out(house):
    database = house.database
    used = house.cluster.sql("postgres", """SELECT count(*) AS it FROM pg_stat_activity
                                             WHERE datname = %s""", database)[0].it
    sql_of_server(house, f"ALTER DATABASE {database} CONNECTION LIMIT {used + 12}")
    try:
        found(house, "database.connections", "of the database's limit", "CONNECTION LIMIT -1",
              verdict="warn")
    finally:
        sql_of_server(house, f"ALTER DATABASE {database} CONNECTION LIMIT -1")


# ---- schemas -------------------------------------------------------------------------------------

@pytest.mark.parametrize("change, back, words, advice", [
    ("""DELETE FROM "authorization".schema_migration WHERE name = '0010_appended_events'
        RETURNING version, name, sha256""",
     """INSERT INTO "authorization".schema_migration (version, name, sha256)
        VALUES (%s, %s, %s)""", "migration 0010_appended_events is not applied",
     "tallystick migrate apply"),
    ("""INSERT INTO "authorization".schema_migration (version, name, sha256)
        VALUES (99, '0099_later', '') RETURNING version""",
     """DELETE FROM "authorization".schema_migration WHERE version = %s""",
     "0099_later, which this binary does not know", "newer tallystick"),
])
def test_a_schema_of_another_version(house, change, back, words, advice):
    row = house.sql(change)[0]
    try:
        findings = doctor(house, code=1)
        assert words in findings["schema.authorization"]["says"]
        assert advice in findings["schema.authorization"]["advice"]
    finally:
        house.sql(back, *row)
        wait_until(house.services["authorization"].is_ready, what="the schema fits again")


@pytest.mark.parametrize("grant, revoke, words", [
    ("GRANT SELECT ON ledger.balance TO tallystick_gateway",
     "REVOKE ALL ON ledger.balance FROM tallystick_gateway",
     "tallystick_gateway reads ledger.balance of another service"),
    ("GRANT UPDATE ON ledger.entry TO tallystick_ledger",
     "REVOKE UPDATE, DELETE, TRUNCATE ON ledger.entry FROM tallystick_ledger",
     "tallystick_ledger may change ledger.entry"),
])
def test_a_right_too_many(house, grant, revoke, words):
    house.sql(grant)
    try:
        found(house, "schema.rights", words, revoke)
    finally:
        house.sql(revoke)  # the advice, taken
    assert doctor(house)["schema.rights"]["verdict"] == "ok"


# ---- work ----------------------------------------------------------------------------------------

@contextlib.contextmanager
def stopped(house, service):
    """Down for a while; up again however a test ends, for the tests after it."""
    house.stop(service)
    try:
        yield
    finally:
        house.start(service)


def test_a_service_that_is_down_and_what_it_leaves_undone(house):
    with stopped(house, "ledger"):
        made = check_down(house)
    house.wait_saga(made)
    assert doctor(house)["work.sagas"]["verdict"] == "ok"


def check_down(house):
    """What is said while the ledger is away, of it and of the saga that waits for it."""
    found(house, "service.ledger", "nobody answers", "tallystick ledger")
    made = house.authorize("doctor-stuck", "1.00").json()
    house.wait_saga(made, "running")
    old = doctor(house, "--doctor-saga-age-s", "0", code=1)["work.sagas"]
    assert old["verdict"] == "warn" and made["saga_id"] in old["says"]
    house.sql("UPDATE saga.saga SET state = 'stuck', deadline_at = NULL WHERE id = %s",
              made["saga_id"])
    findings = doctor(house, code=1)
    assert "1 stuck" in findings["work.sagas"]["says"]
    assert f"tallystick trace {made['saga_id']}" in findings["work.sagas"]["advice"]
    return made


def test_events_that_nobody_publishes(house):
    with stopped(house, "outbox"):
        house.authorize("doctor-outbox", "1.00")
        house.sql("""UPDATE "authorization".outbox
                        SET created_at = created_at - interval '1 hour'""")
        findings = doctor(house, code=1)
    assert "in the authorization outbox" in findings["work.outbox"]["says"]
    assert "tallystick outbox" in findings["work.outbox"]["advice"]
    house.settle()
    assert doctor(house)["work.outbox"]["verdict"] == "ok"


def test_a_dead_letter(house):
    with refused(house, "ledger.command_step", "NEW.amount_minor = 4711"):
        house.authorize("doctor-dead", "47.11")
        letter = wait_until(lambda: house.sql("SELECT id FROM operator.dead_letter"))[0].id
        found_it = doctor(house, code=1)["work.dead_letters"]
    assert "1 are open" in found_it["says"]
    assert f"tallystick dlq show {letter}" in found_it["advice"]
    assert house.tallystick("dlq", "redrive", str(letter)).returncode == 0
    house.settle()
    assert doctor(house)["work.dead_letters"]["verdict"] == "ok"


def test_holds_that_nobody_releases(house):
    with stopped(house, "authorization"):
        before = house.sql("""SELECT id, next_expiry_at FROM "authorization".account
                               WHERE next_expiry_at IS NOT NULL LIMIT 1""")[0]
        house.sql("""UPDATE "authorization".account SET next_expiry_at = now() - interval '1 hour'
                      WHERE id = %s""", before.id)
        findings = doctor(house, code=1)
        house.sql('UPDATE "authorization".account SET next_expiry_at = %s WHERE id = %s',
                  before.next_expiry_at, before.id)
    assert "not released" in findings["work.expiry"]["says"]
    assert "tallystick authorization" in findings["work.expiry"]["advice"]


# ---- parts ---------------------------------------------------------------------------------------

@contextlib.contextmanager
def collector(status):
    """Takes exports, with the answer given."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_who_takes_traces(house):
    with collector(200) as url:
        assert doctor(house, env={"OTEL_EXPORTER_OTLP_ENDPOINT": url})["traces"]["verdict"] == "ok"
    with collector(401) as url:
        found(house, "traces", "answers 401", "OTEL_EXPORTER_OTLP_HEADERS", verdict="warn",
              env={"OTEL_EXPORTER_OTLP_ENDPOINT": url})
    found(house, "traces", "/v1/traces", "is the collector there", verdict="warn",
          env={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_ports(1)[0]}/"})


def test_a_bus_and_a_key_store_that_are_away(house):
    nowhere = f"127.0.0.1:{free_ports(1)[0]}"
    findings = doctor(house, code=1, env={
        "TALLYSTICK_BUS": "kafka", "TALLYSTICK_KAFKA_BROKERS": nowhere,
        "TALLYSTICK_KEYSTORE": "dynamodb", "AWS_ENDPOINT_URL_DYNAMODB": f"http://{nowhere}",
        "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"})
    assert f"kcat -b {nowhere}" in findings["bus"]["advice"]
    assert findings["bus"]["verdict"] == findings["key_store"]["verdict"] == "fail"
    assert "aws dynamodb describe-table" in findings["key_store"]["advice"]


@pytest.mark.parametrize("args, code, words", [
    (["now"], 2, "'now' is not expected"),
    (["--doctor-timeout-ms", "1"], 2, "doctor-timeout-ms is 100 to"),
    (["-o", "xml"], 2, "must be one of table|json"),
])
def test_doctor__refuses(house, args, code, words):
    done = house.tallystick("doctor", *args)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
