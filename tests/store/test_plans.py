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


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_statement__uses_an_index(database, path):
    code = path.read_text()
    params = len(re.findall(r"^-- param ", code, re.M))
    database.execute(f'SET search_path = "{path.parts[-3]}"')
    database.execute("DEALLOCATE ALL")
    database.execute(f"PREPARE planned AS {code}")
    values = f"({', '.join(['NULL'] * params)})" if params else ""
    plan = "\n".join(row[0] for row in database.execute(f"EXPLAIN EXECUTE planned {values}"))
    assert "Seq Scan" not in plan, plan
