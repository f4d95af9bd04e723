"""No statement that runs while somebody waits reads a whole table: planned as the services plan (on
connect they forbid sequential scans and ask for generic plans), each finds an index."""
import pathlib
import re

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("authorization", "gateway", "ledger", "saga")
STATEMENTS = sorted(path for room in ROOMS for path in (ROOT / "src" / room / "sql").glob("*.sql")
                    if "\nCOPY " not in path.read_text())  # nothing to plan
SETTINGS = ("enable_seqscan = off", "plan_cache_mode = force_generic_plan", "jit = off")


@pytest.fixture(scope="module")
def database(cluster):
    name = cluster.create_database()
    with psycopg.connect(cluster.url(name, "tallystick_owner"), autocommit=True,
                         prepare_threshold=None) as connection:
        for setting in SETTINGS:
            connection.execute(f"SET {setting}")
        yield connection
    cluster.drop_database(name)


def plan_of(database, path):
    code = path.read_text()
    params = len(re.findall(r"^-- param ", code, re.M))
    database.execute(f'SET search_path = "{path.parts[-3]}"')
    database.execute("DEALLOCATE ALL")
    database.execute(f"PREPARE planned AS {code}")
    values = f"({', '.join(['NULL'] * params)})" if params else ""
    return "\n".join(row[0] for row in database.execute(f"EXPLAIN EXECUTE planned {values}"))


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_statement__uses_an_index(database, path):
    plan = plan_of(database, path)
    assert "Seq Scan" not in plan, plan


@pytest.mark.parametrize("name, index", [
    ("find_keys", "pkey"), ("find_transactions", "pkey"), ("find_authorizations", "pkey"),
    ("find_account_ids", "pkey"), ("update_released", "pkey"),
    ("list_authorizations", "of_account"), ("find_due_holds", "open"), ("find_next_expiry", "open"),
    ("count_open_holds", "open"),
])
def test_authorizations__are_found_by(database, name, index):
    """No other index that could serve, and would read a lane or an account's whole history."""
    plan = plan_of(database, ROOT / "src/authorization/sql" / f"{name}.sql")
    assert re.findall(r"credit_authorization_(\w+)", plan) == [index], plan
    assert "Sort" not in plan or name not in ("list_authorizations", "find_next_expiry"), plan
