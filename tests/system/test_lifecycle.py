"""Services start, refuse to start, stop and start again; and do not grow."""
import itertools
import re
import socket

import pytest

from system.driver import drive, drive_batches
from system.harness import DOORS, ROOT, SERVICES, run_tallystick
from system.traffic import Traffic

PATIENT = ("ledger", "outbox", "saga")  # nobody waits for their answers
SCHEMAS = {"gateway": "gateway", "authorization": "authorization", "ledger": "ledger",
           "outbox": "bus", "saga": "saga"}


# ---- stop ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", PATIENT)
@pytest.mark.matrix
def test_stop_under_load__the_door_does_not_notice(name, system):
    traffic = Traffic(system)
    with traffic.flowing():
        traffic.wait_for_more(50)
        system.restart(name)
        traffic.wait_for_more(50)
    assert set(traffic.outcomes()) == {201}
    traffic.check_nothing_lost()
    system.settle()
    system.verify()


@pytest.mark.matrix
def test_stop_gateway_under_load__whole_answers_or_none_at_all(system):
    """Who got no answer was not heard either: nothing is decided for a client that was cut off."""
    traffic = Traffic(system, clients=16, insists=False)
    with traffic.flowing():
        for _ in range(3):
            traffic.wait_for_more(50)
            system.restart("gateway")
        traffic.wait_for_more(50)
    assert set(traffic.outcomes()) <= {201, 503, "ConnectionError"}, traffic.outcomes()
    stored = traffic.check_nothing_lost()
    unheard = [ask for ask in traffic.all() if ask.outcomes() != [201]]
    assert [ask.outcomes() for ask in unheard if ask.transaction_id in stored] == []
    system.settle()
    system.verify()


@pytest.mark.matrix
def test_stop_authorization_under_load__every_client_gets_an_answer(system):
    traffic = Traffic(system, clients=16)
    with traffic.flowing():
        for _ in range(3):
            traffic.wait_for_more(50)
            system.restart("authorization")
        traffic.wait_for_more(50)
    assert set(traffic.outcomes()) <= {201, 503, 504}, traffic.outcomes()
    traffic.check_nothing_lost()
    system.settle()
    system.verify()


@pytest.mark.matrix
def test_stop_all_under_load(system):
    traffic = Traffic(system)
    with traffic.flowing():
        traffic.wait_for_more(50)
        system.restart()
        traffic.wait_for_more(50)
    traffic.check_nothing_lost()
    system.settle()
    system.verify()


@pytest.mark.matrix
def test_second_start_keeps_everything(make_system):
    first = make_system()
    first.put("/v1/accounts/user-kept", {"credit_limit": "50.00"})
    made = first.authorize("user-kept", "20.00", "tx-kept", key="key-kept")
    void = first.authorize("user-kept", "5.00").json()
    first.post(f"/v1/authorizations/{void['id']}/void")
    first.settle()
    paths = [f"/v1/authorizations/{made.json()['id']}", f"/v1/authorizations/{void['id']}",
             "/v1/accounts/user-kept", "/v1/accounts/user-kept/balance",
             "/v1/accounts/user-kept/entries", f"/v1/sagas/{made.json()['saga_id']}"]
    before = [first.get(path).content for path in paths]
    first.restart()
    assert [first.get(path).content for path in paths] == before
    again = first.authorize("user-kept", "20.00", "tx-kept", key="key-kept")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (made.content, "true")
    first.verify()


# ---- refusing to start ---------------------------------------------------------------------------

@pytest.mark.parametrize("name", SERVICES)
def test_older_schema_is_refused_and_says_what_to_run(name, make_system):
    system = make_system(start=False)
    system.sql(f"""DELETE FROM "{SCHEMAS[name]}".schema_migration
                   WHERE version = (SELECT max(version) FROM "{SCHEMAS[name]}".schema_migration)""")
    refused = system.tallystick(name, timeout=20)
    assert refused.returncode == 1
    assert re.search(r"schema is at version \d and this binary needs \d", refused.stderr)
    assert "run: tallystick migrate apply" in refused.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_newer_schema_is_refused_and_says_what_to_run(name, make_system):
    system = make_system(start=False)
    system.sql(f"""INSERT INTO "{SCHEMAS[name]}".schema_migration (version, name, sha256)
                   VALUES (9999, 'of_tomorrow', repeat('0', 64))""")
    refused = system.tallystick(name, timeout=20)
    assert refused.returncode == 1
    assert "9999" in refused.stderr and "newer" in refused.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_empty_database_is_refused_and_says_what_to_run(name, make_system, cluster):
    system = make_system(start=False, database=cluster.create_database(migrated=False))
    refused = system.tallystick(name, timeout=20)
    assert refused.returncode == 1
    assert "tallystick migrate apply" in refused.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_unknown_variable_is_refused_by_name(name, make_system):
    system = make_system(start=False)
    refused = run_tallystick(system.env | {"TALLYSTICK_GATEWAY_PROT": "1"}, name, timeout=20)
    assert refused.returncode == 2
    assert "TALLYSTICK_GATEWAY_PROT" in refused.stderr
    assert "did you mean 'TALLYSTICK_GATEWAY_PORT'" in refused.stderr


@pytest.mark.parametrize("variable", [f"{name}_PORT" for name in DOORS] +
                         [f"{name}_ADMIN_PORT" for name in SERVICES])
def test_taken_port_is_named(variable, make_system):
    system = make_system(start=False)
    variable = f"TALLYSTICK_{variable.upper()}"
    name = variable.split("_")[1].lower()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = run_tallystick(system.env | {variable: port}, name, timeout=20)
    assert refused.returncode == 1
    assert port in refused.stderr and variable.removeprefix("TALLYSTICK_").lower().replace(
        "_", "-") in refused.stderr.lower()


def test_database_away__services_wait_for_it_or_say_so(make_system):
    system = make_system(start=False)
    nowhere = system.env | {"TALLYSTICK_DATABASE_URL": f"postgresql:///{system.database}"
                                                       "?host=/nowhere/at/all"}
    refused = run_tallystick(nowhere, "ledger", timeout=30)
    assert refused.returncode == 1
    assert "/nowhere/at/all" in refused.stderr


# ---- growth --------------------------------------------------------------------------------------

def release_binary():
    """A build without sanitizers: they keep freed memory on purpose."""
    for folder in ("build-gcc", "build"):
        binary = ROOT / folder / "src/tallystick"
        if binary.exists():
            return binary
    raise AssertionError("there is no build without sanitizers: run `make build` first")


DECLINED = '{"transaction_id":"%{run}-%{item}","user_id":"load-1","amount":"99999.00"}'


def ask_20000(system):
    """Half of it is declined, and so not booked: that would take minutes."""
    drive_batches(system, 100, transaction=DECLINED, connections=8)
    drive_batches(system, 50, connections=8)
    drive(system, connections=64, requests=5000)
    system.settle(120)


def test_memory_is_flat_over_100000_requests(make_system):
    """What leaks grows with every 20,000 requests. Buffers that have met their largest batch do
    not, and all of them together are small."""
    system = make_system(binary=release_binary())
    sizes = []
    for _ in range(5):
        ask_20000(system)
        sizes.append({name: system.memory_kb(name) for name in SERVICES})
    for name in SERVICES:
        story = [size[name] for size in sizes]
        steps = [late - early for early, late in itertools.pairwise(story)]
        assert min(steps) < 512, f"{name} grows: {story} kB"
        assert max(story) < 128 * 1024, f"{name} is large: {story} kB"
    system.verify()
