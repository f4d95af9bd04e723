"""The services are apart: nobody reads another's tables, the inner doors open by the secret alone,
and a service that is away stops nobody but those who wait for its answer."""
import uuid

import psycopg
import pytest

from system.harness import wait_until

SCHEMA_OF = {
    "tallystick_gateway": "gateway",
    "tallystick_authorization": "authorization",
    "tallystick_ledger": "ledger",
    "tallystick_outbox": "bus",
    "tallystick_saga": "saga",
}

BUS = {("bus", name) for name in ("bus_partition", "bus_message", "bus_cursor")}
OUTBOXES = {(schema, name) for schema in ("authorization", "ledger", "saga")
            for name in ("outbox", "outbox_lane")}

# All that a role may read outside its own schema.
ALLOWED = {
    "tallystick_gateway": set(),
    "tallystick_authorization": BUS,
    "tallystick_ledger": BUS,
    "tallystick_outbox": OUTBOXES,
    "tallystick_saga": BUS,
}

ID = uuid.uuid4()
INNER_ROUTES = [
    ("authorization", "POST", "/internal/authorizations"),
    ("authorization", "GET", f"/internal/authorizations/{ID}"),
    ("authorization", "GET", "/internal/authorizations?transaction_id=tx-1"),
    ("authorization", "GET", "/internal/authorizations?user_id=user-1"),
    ("authorization", "GET", "/internal/accounts/user-1"),
    ("authorization", "GET", "/internal/accounts/user-1/balance"),
    ("ledger", "GET", f"/internal/accounts/{ID}/entries"),
    ("ledger", "GET", f"/internal/accounts/{ID}/balance"),
    ("saga", "GET", f"/internal/sagas/{ID}"),
    ("saga", "GET", "/internal/sagas?state=stuck"),
    ("saga", "POST", "/internal/sagas/wait"),
    ("saga", "POST", f"/internal/sagas/{ID}/deeds"),
    ("authorization", "GET", "/nowhere"),
    ("ledger", "GET", "/nowhere"),
    ("saga", "GET", "/nowhere"),
]

WRONG_CREDENTIALS = {
    "none": {},
    "another secret": {"Authorization": "Bearer secret of somebody else, also long enough"},
    "the start of the secret": {"Authorization": "Bearer secret of the system tests"},
    "another scheme": {"Authorization": "Basic secret of the system tests, 32 bytes or more"},
    "no scheme": {"Authorization": "secret of the system tests, 32 bytes or more"},
    "an empty secret": {"Authorization": "Bearer "},
}


def tables(cluster, database):
    rows = cluster.sql(database, """
        SELECT table_schema, table_name FROM information_schema.tables
         WHERE table_schema IN ('gateway', 'authorization', 'ledger', 'bus', 'saga')""")
    assert len(rows) > 30
    return {(row.table_schema, row.table_name) for row in rows}


def readable(cluster, database, role, names):
    """Which of the tables the role gets an answer from."""
    found = set()
    with psycopg.connect(cluster.url(database, role), autocommit=True) as db:
        for schema, table in names:
            try:
                db.execute(f'SELECT 1 FROM "{schema}"."{table}" LIMIT 0')
                found.add((schema, table))
            except psycopg.errors.InsufficientPrivilege:
                pass
    return found


@pytest.mark.parametrize("role", SCHEMA_OF)
def test_role_is_refused_select_on_the_others_tables(role, cluster, make_database):
    database = make_database()
    others = {name for name in tables(cluster, database) if name[0] != SCHEMA_OF[role]}
    assert readable(cluster, database, role, others) == ALLOWED[role]


@pytest.mark.parametrize("role", SCHEMA_OF)
def test_role_changes_nothing_of_the_others(role, cluster, make_database):
    database = make_database()
    rows = cluster.sql(database, """
        SELECT table_schema, table_name, privilege_type FROM information_schema.table_privileges
         WHERE grantee IN (%s, 'PUBLIC') AND privilege_type <> 'SELECT'
           AND table_schema IN ('gateway', 'authorization', 'ledger', 'bus', 'saga')
           AND table_schema <> %s""", role, SCHEMA_OF[role])
    outboxes = {(schema, table, "DELETE" if table == "outbox" else "UPDATE")
                for schema, table in OUTBOXES}
    cursors = {("bus", "bus_cursor", verb) for verb in ("INSERT", "UPDATE", "DELETE")}
    allowed = {"tallystick_outbox": outboxes, "tallystick_gateway": set()}.get(role, cursors)
    assert {tuple(row) for row in rows} == allowed


def test_ledger_role_cannot_change_what_is_written(cluster, make_database):
    database = make_database()
    for table in ("entry", "journal"):
        for change in (f"DELETE FROM ledger.{table}", f"UPDATE ledger.{table} SET lane = lane",
                       f"TRUNCATE ledger.{table}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                cluster.sql(database, change, role="tallystick_ledger")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):  # not even the owner
                cluster.sql(database, change)


@pytest.mark.parametrize("given", WRONG_CREDENTIALS)
def test_inner_doors_answer_401_without_the_secret(given, system):
    for door, method, path in INNER_ROUTES:
        answer = system.request(method, path, door=door, headers=WRONG_CREDENTIALS[given],
                                data=b"{}" if method == "POST" else None)
        assert answer.status_code == 401, (door, method, path)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "unauthenticated"


def test_inner_doors_answer_services(system):
    assert system.inside("ledger", f"/internal/accounts/{ID}/balance").status_code == 404
    assert system.inside("saga", f"/internal/sagas/{ID}").status_code == 404
    assert system.inside("authorization", "/internal/accounts/nobody").status_code == 404


@pytest.mark.matrix
def test_outbox_paused__door_decides_and_no_saga_starts(system):
    system.pause("outbox")
    try:
        made = [system.authorize("user-outbox", "1.00") for _ in range(20)]
        patient = system.authorize("user-outbox", "1.00", headers={"Prefer": "wait=1"})
        sagas = [system.get(f"/v1/sagas/{one.json()['saga_id']}").status_code for one in made]
    finally:
        system.resume("outbox")
    assert [one.status_code for one in made] == [201] * 20
    assert patient.headers["Tallystick-Booking"] == "pending"
    assert sagas == [404] * 20
    for one in [*made, patient]:
        system.wait_saga(one.json())
    system.settle()
    system.verify()


@pytest.mark.matrix
def test_ledger_stopped__door_decides_and_booking_catches_up(system):
    system.stop("ledger")
    made = [system.authorize("user-ledger", "1.00") for _ in range(20)]
    patient = system.authorize("user-ledger", "1.00", headers={"Prefer": "wait=1"})
    entries = system.get("/v1/accounts/user-ledger/entries")
    system.start("ledger")

    assert [one.status_code for one in made] == [201] * 20
    assert (patient.status_code, patient.headers["Tallystick-Booking"]) == (201, "pending")
    assert (entries.status_code, entries.json()["code"]) == (503, "dependency_down")
    for one in [*made, patient]:
        system.wait_saga(one.json())
    account_id = patient.json()["account_id"]
    balance = system.inside("ledger", f"/internal/accounts/{account_id}/balance").json()
    assert balance["pending"]["net"]["amount"] == "21.00"
    system.settle()
    system.verify()


@pytest.mark.matrix
def test_saga_stopped__door_decides_and_booking_catches_up(system):
    system.stop("saga")
    made = system.authorize("user-saga", "1.00", headers={"Prefer": "wait=1"})
    system.start("saga")
    assert (made.status_code, made.headers["Tallystick-Booking"]) == (201, "pending")
    system.wait_saga(made.json())


@pytest.mark.matrix
def test_authorization_stopped__door_says_so_and_recovers(system):
    system.stop("authorization")
    refused = system.authorize("user-authorization", "1.00", key="key-authorization-away",
                               transaction_id="tx-authorization-away")
    system.start("authorization")
    assert (refused.status_code, refused.json()["code"]) == (503, "dependency_down")
    assert "Retry-After" in refused.headers

    def again():
        answer = system.authorize("user-authorization", "1.00", key="key-authorization-away",
                                  transaction_id="tx-authorization-away")
        return answer if answer.status_code == 201 else None

    assert wait_until(again).json()["status"] == "approved"
