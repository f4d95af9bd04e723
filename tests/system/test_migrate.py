"""migrate: from nothing to the newest schema, once, however often and by however many it is run;
and services that refuse a schema which is not theirs."""
import concurrent.futures
import json
import re
import subprocess

import pytest

from system.harness import BINARY, ROOT, run_tallystick
from system.saga_messages import Authorization, publish, steps, wait_state

SCHEMAS = {"bus": "outbox", "gateway": "gateway", "authorization": "authorization",
           "ledger": "ledger", "saga": "saga",
           "operator": "operator"}  # and the folder of src/ that makes each
SERVICES = {schema: folder for schema, folder in SCHEMAS.items() if schema != "operator"}


def migrate(cluster, database, *args):
    return run_tallystick(cluster.environment(database), "migrate", *args)


def applied(cluster, database):
    return [(schema, row.version, row.name) for schema in SCHEMAS
            for row in cluster.sql(database, f"""SELECT version, name FROM
                                                 "{schema}".schema_migration ORDER BY version""")]


def known_migrations():
    """(schema, version, name) of every migration in the tree."""
    def names_in(folder):
        return sorted(path.stem for path in (ROOT / "src" / folder / "migrations").glob("*.sql"))
    for schema, folder in SCHEMAS.items():
        names = names_in(folder)
        if names[0].startswith("0002"):
            names = sorted(names + names_in("platform/messaging"))
        yield from ((schema, version, name) for version, name in enumerate(names, 1))


@pytest.fixture
def empty(make_database):
    return make_database(migrated=False)


def test_migrate__from_nothing_and_again(cluster, empty):
    check = migrate(cluster, empty, "check")
    assert check.returncode == 1
    plan = migrate(cluster, empty, "plan", "-o", "json")
    assert plan.returncode == 0
    pending = [(row["schema"], row["migration"]) for row in json.loads(plan.stdout)]
    assert pending == [(schema, name) for schema, _, name in known_migrations()]

    first = migrate(cluster, empty, "apply")
    assert first.returncode == 0, first.stderr
    assert applied(cluster, empty) == list(known_migrations())
    for schema, _, name in known_migrations():
        assert f"schema {schema}: {name} applied" in first.stderr

    before = cluster.sql(empty, "SELECT count(*), max(oid) FROM pg_class")
    again = migrate(cluster, empty, "apply")
    assert again.returncode == 0
    assert again.stderr == "migrate: nothing to do, the database is up to date\n"
    assert cluster.sql(empty, "SELECT count(*), max(oid) FROM pg_class") == before
    assert migrate(cluster, empty, "check").returncode == 0
    assert json.loads(migrate(cluster, empty, "plan", "-o", "json").stdout) == []


def test_migrate__many_at_once(cluster, empty):
    """Each migration is applied by exactly one of them, and none fails."""
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        runs = list(pool.map(lambda _: migrate(cluster, empty, "apply"), range(6)))
    assert [run.returncode for run in runs] == [0] * 6, [run.stderr for run in runs]
    said = "".join(run.stderr for run in runs)
    for schema, _, name in known_migrations():
        assert said.count(f"schema {schema}: {name} applied") == 1
    assert applied(cluster, empty) == list(known_migrations())


def test_migrate__stops_at_a_failure_and_goes_on(cluster, empty):
    """What fails leaves nothing behind; what came before stays."""
    cluster.sql(empty, "CREATE SCHEMA gateway")
    cluster.sql(empty, "CREATE TABLE gateway.api_key (in_the_way integer)")
    failed = migrate(cluster, empty, "apply")
    assert failed.returncode == 1
    assert re.search(r"schema 'gateway', migration '0001_gateway': .*already exists", failed.stderr)
    assert applied(cluster, empty) == [each for each in known_migrations() if each[0] == "bus"]
    cluster.sql(empty, "DROP TABLE gateway.api_key")
    assert migrate(cluster, empty, "apply").returncode == 0
    assert applied(cluster, empty) == list(known_migrations())


@pytest.mark.parametrize("change, words", [
    ("UPDATE ledger.schema_migration SET sha256 = repeat('0', 64) WHERE version = 2",
     "schema 'ledger': migration '0002_ledger' has changed since it was applied"),
    ("UPDATE ledger.schema_migration SET name = '0002_other' WHERE version = 2",
     "schema 'ledger': migration '0002_ledger' has changed since it was applied"),
    ("""INSERT INTO ledger.schema_migration (version, name, sha256)
        SELECT max(version) + 1, 'later', '' FROM ledger.schema_migration""",
     "schema 'ledger' has migration 'later', which this binary does not know"),
])
@pytest.mark.parametrize("verb", ["plan", "check", "apply"])
def test_migrate__refuses_another_past(cluster, make_database, verb, change, words):
    database = make_database()
    cluster.sql(database, change)
    done = migrate(cluster, database, verb)
    assert done.returncode == 1
    assert words in done.stderr


@pytest.mark.parametrize("args, code, words", [
    ([], 2, "one of plan, check, apply is expected"),
    (["undo"], 2, "'undo' is none of plan, check, apply"),
    (["apply", "--migrate-database-url", "postgresql://127.0.0.1:1/tallystick"], 4, "127.0.0.1"),
])
def test_migrate__refuses(cluster, make_database, args, code, words):
    done = migrate(cluster, make_database(), *args)
    assert done.returncode == code
    assert words in done.stderr


def test_migrate__without_its_own_url_takes_the_services(cluster, empty):
    environment = cluster.environment(empty)
    environment["TALLYSTICK_DATABASE_URL"] = environment.pop("TALLYSTICK_MIGRATE_DATABASE_URL")
    assert run_tallystick(environment, "migrate", "apply").returncode == 0


def test_migrate__operator_reads_everything_and_nobody_else_is_let_in(cluster, make_database):
    database = make_database()
    tables = cluster.sql(database, """SELECT table_schema, table_name FROM information_schema.tables
                                       WHERE table_schema = ANY(%s)""", list(SCHEMAS))
    assert len(tables) > 30
    for table in tables:
        cluster.sql(database, f'SELECT 1 FROM "{table.table_schema}"."{table.table_name}" LIMIT 0',
                    role="tallystick_operator")
    public = cluster.sql(database, """SELECT nspname FROM pg_namespace
                                       WHERE nspname = ANY(%s)
                                         AND has_schema_privilege('public', oid, 'USAGE')""",
                         list(SCHEMAS))
    assert public == []


# ---- services and their schema ------------------------------------------------------------------

def start(system, service):
    """One start that is expected to fail: its exit code and what it logged."""
    environment = system.env | {"TALLYSTICK_LOG_FORMAT": "text"}
    done = subprocess.run([BINARY, service], env=environment, capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr


@pytest.mark.parametrize("schema, service", SERVICES.items())
def test_service__refuses_another_schema(make_system, schema, service):
    system = make_system(start=False)
    table = f'"{schema}".schema_migration'
    newest = system.sql(f"SELECT * FROM {table} ORDER BY version DESC LIMIT 1")[0]

    system.sql(f"INSERT INTO {table} (version, name, sha256) VALUES (%s, 'later', '')",
               newest.version + 1)
    code, said = start(system, service)
    assert code == 1 and "this binary is older than the schema" in said

    system.sql(f"DELETE FROM {table} WHERE version >= %s", newest.version)
    code, said = start(system, service)
    assert code == 1 and "run: tallystick migrate apply" in said

    system.sql(f"DROP TABLE {table}")
    code, said = start(system, service)
    assert code == 1 and "run: tallystick migrate apply" in said


# As a database was before a saga's row said all about the step that it is at.
BEFORE_STEP_IN_SAGA = """
    INSERT INTO saga.saga_step
        SELECT * FROM saga.every_step ON CONFLICT DO NOTHING;
    DROP VIEW saga.every_step;
    DROP INDEX saga.saga_uncommon;
    CREATE INDEX saga_not_completed ON saga.saga (state, lane, id) WHERE state <> 'completed';
    ALTER TABLE saga.saga DROP COLUMN step_state, DROP COLUMN step_finished_at,
                          DROP COLUMN step_reason;
    DELETE FROM saga.schema_migration WHERE version >= 8"""


def test_a_database_grows_with_its_sagas_under_way(make_system):
    """The steps of those that have ended stay where they were; the others go on."""
    system = make_system(start=False).start("saga")
    done, asked, refused = (Authorization() for _ in range(3))
    publish(system, *(one.approved() for one in (done, asked, refused)))
    for one in (done, asked, refused):
        wait_state(system, one.authorize, "running")
    publish(system, done.answer(system, "ledger.hold_recorded"),
            refused.answer(system, "ledger.refused", reason="account_frozen"))
    wait_state(system, done.authorize, "completed")
    wait_state(system, refused.authorize, "compensating")
    before = [steps(system, one.authorize) for one in (done, asked, refused)]
    release = refused.answer(system, "authorization.reversed")

    system.stop("saga")
    system.sql(BEFORE_STEP_IN_SAGA)
    system.cluster.migrate(system.database)
    assert [steps(system, one.authorize) for one in (done, asked, refused)] == before
    system.start("saga")

    publish(system, asked.answer(system, "ledger.hold_recorded"), release)
    wait_state(system, asked.authorize, "completed")
    assert steps(system, asked.authorize) == {("record_hold", "do"): "done"}
    wait_state(system, refused.authorize, "compensated")
    assert steps(system, refused.authorize) == {("record_hold", "do"): "failed",
                                                ("release_authorization", "undo"): "compensated"}
