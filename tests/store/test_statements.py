"""Every statement of every room fits the migrated database, and its head comment tells the truth:
PostgreSQL finds the same types of parameters and the same columns, in the same order."""
import pathlib
import re

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATEMENTS = sorted((ROOT / "src").glob("**/sql/*.sql"))
ROW = re.compile(r"^-- (param|column|copied)\s+(\w+)\s+(\S+)", re.M)
COPIED = """
SELECT a.attname, t.typname
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid
 WHERE a.attrelid = %s::regclass
"""
# Folders whose statements run in the schemas of several services.
SHARED = ("messaging", "operator", "outbox", "service")
NAMES = {"smallint": "int2", "integer": "int4", "bigint": "int8", "boolean": "bool"}


def type_name(declared):
    """bigint[] as pg_type calls it: _int8."""
    element = declared.removesuffix("[]")
    return ("_" if declared.endswith("[]") else "") + NAMES.get(element, element)


@pytest.fixture(scope="module")
def database(cluster):
    name = cluster.create_database()
    with psycopg.connect(cluster.url(name, "tallystick_owner"), autocommit=True,
                         prepare_threshold=None) as connection:
        yield connection
    cluster.drop_database(name)


@pytest.fixture(scope="module")
def type_names(database):
    return dict(database.execute("SELECT oid::bigint, typname FROM pg_type").fetchall())


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_statement__is_as_its_head_says(database, type_names, path):
    code = path.read_text()
    folder = path.parent.parent.name
    database.execute(f'SET search_path = "{"saga" if folder in SHARED else folder}"')
    prepared = database.pgconn.prepare(b"", code.encode())
    assert prepared.status == psycopg.pq.ExecStatus.COMMAND_OK, prepared.error_message.decode()
    found = database.pgconn.describe_prepared(b"")
    params = [type_names[found.param_type(at)] for at in range(found.nparams)]
    columns = [(found.fname(at).decode(), type_names[found.ftype(at)])
               for at in range(found.nfields)]
    head = ROW.findall(code)
    assert params == [type_name(kind) for what, _, kind in head if what == "param"]
    # A statement may return what nobody reads, but not before what somebody does; an expression has
    # no name of its own.
    declared = {name: type_name(kind) for what, name, kind in head if what == "column"}
    for (found_name, found_type), (name, kind) in zip(columns, declared.items(), strict=False):
        assert found_type == kind
        assert found_name == name or found_name not in declared
    assert len(columns) >= len(declared)
    copied = {name: type_name(kind) for what, name, kind in head if what == "copied"}
    if copied:
        table = re.search(r"^COPY ([\w.]+)", code, re.M)[1]
        assert copied.items() <= dict(database.execute(COPIED, [table]).fetchall()).items()
