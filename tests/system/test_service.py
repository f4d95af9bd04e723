"""A service's life: how it starts, what it refuses to start with, health, and how it stops."""
import json
import signal
import socket
import subprocess
import threading
import time
import uuid

import pytest
import requests

from system.harness import BINARY, SERVICES, free_ports, run_tallystick, wait_until

CHECKS = {"started", "database", "schema", "serving"}
SOFT_CHECKS = {service: {"key_store"} if service == "gateway" else {"bus"} for service in SERVICES}


def attempt(system, service, *args, **changes):
    """A start that is expected to fail: exit code and stderr. A change to None removes it."""
    environment = {name: value for name, value in (system.env | changes).items()
                   if value is not None}
    done = subprocess.run([BINARY, service, *args], env=environment, capture_output=True,
                          text=True, timeout=60, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr


def health(system, service, path):
    url = f"http://127.0.0.1:{system.ports[f'{service}_admin']}/{path}"
    return requests.get(url, timeout=5)


# ---- health -------------------------------------------------------------------------------------

@pytest.mark.parametrize("service", SERVICES)
def test_health__of_a_service_that_runs(system, service):
    for path, word in (("livez", "alive"), ("readyz", "ready"), ("startupz", "started"),
                       ("healthz", "ready")):
        answer = health(system, service, path)
        assert (answer.status_code, answer.json()) == (200, {"status": word})
    verbose = health(system, service, "healthz?verbose").json()
    assert {check["name"] for check in verbose["checks"]} == CHECKS | SOFT_CHECKS[service]
    assert all(check["ok"] for check in verbose["checks"])
    version = health(system, service, "version").json()
    assert version["service"] == service
    assert f"tallystick {version['version']}\n" == system.tallystick("version").stdout
    nothing = health(system, service, "nothing")
    assert nothing.status_code == 404
    assert nothing.headers["Content-Type"] == "application/problem+json"


def test_health__on_the_public_door(system):
    for path in ("/livez", "/readyz"):
        assert system.get(path).status_code == 200


def test_health__without_a_database_and_with_it_again(make_system):
    """Alive, but not ready within two seconds; ready again when the database is back."""
    system = make_system(start=False).start("ledger")
    system.cluster.sql("postgres", f"ALTER DATABASE {system.database} ALLOW_CONNECTIONS false")
    system.cluster.sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                   "WHERE datname = %s", system.database)
    wait_until(lambda: health(system, "ledger", "readyz").status_code == 503, 4)
    assert health(system, "ledger", "livez").status_code == 200
    down = {check["name"]: check["ok"] for check in
            health(system, "ledger", "healthz?verbose").json()["checks"] if check["name"] in CHECKS}
    assert down == {"started": True, "database": False, "schema": True, "serving": True}
    system.cluster.sql("postgres", f"ALTER DATABASE {system.database} ALLOW_CONNECTIONS true")
    wait_until(lambda: health(system, "ledger", "readyz").status_code == 200, 10)
    wait_until(lambda: system.logs("ledger", event="database.found"), 5)  # lines are gathered
    assert len(system.logs("ledger", event="database.lost")) == 1
    assert len(system.logs("ledger", event="database.found")) == 1


# ---- tallystick health --------------------------------------------------------------------------

def test_health_command__asks_all_one_or_an_address(system):
    everybody = system.tallystick("health")
    assert everybody.returncode == 0
    assert everybody.stdout.split() == [word for name in SERVICES for word in (name, "ready")]
    assert system.tallystick("health", "ledger").stdout.split() == ["ledger", "ready"]
    address = f"127.0.0.1:{system.ports['saga_admin']}"
    assert system.tallystick("health", address).stdout.split() == [address, "ready"]
    every_address = system.tallystick("health", "--listen-address", "0.0.0.0", "outbox")
    assert every_address.stdout.split() == ["outbox", "ready"]


def test_health_command__says_who_is_not_ready_or_not_there(system):
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port, dead = silent.getsockname()[1], closed.getsockname()[1]
        late = system.tallystick("health", f"127.0.0.1:{port}", "--health-timeout-ms", "200")
        assert (late.returncode, late.stdout) == (4, "")
        nobody = system.tallystick("health", "gateway", "--gateway-admin-port", str(dead))
        assert nobody.returncode == 4 and str(dead) in nobody.stderr
        rest = system.tallystick("health", "--gateway-admin-port", str(dead))
        assert rest.returncode == 0 and "gateway" not in rest.stdout
    system.pause("ledger")
    try:
        paused = system.tallystick("health", "--health-timeout-ms", "300")
        assert paused.returncode == 4 and "ledger" not in paused.stdout
    finally:
        system.resume("ledger")
    # A door that strangers get no word from: it answers, and does not say ready.
    door = f"127.0.0.1:{system.ports['ledger']}"
    refused = system.tallystick("health", door)
    assert refused.returncode == 1 and door in refused.stdout
    assert system.tallystick("health", "bank").returncode == 2
    assert system.tallystick("health", "saga", "ledger").returncode == 2


# ---- refusals -----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def stopped(open_system):
    return open_system(start=False)


REFUSALS = [
    ("no secret", {"TALLYSTICK_SERVICE_SECRET_FILE": None}, 2,
     "TALLYSTICK_SERVICE_SECRET is required"),
    ("a short secret", {"TALLYSTICK_SERVICE_SECRET_FILE": None,
                        "TALLYSTICK_SERVICE_SECRET": "fifteen letters"}, 2,
     "must have at least 16 characters"),
    ("a secret's file that is not there", {"TALLYSTICK_SERVICE_SECRET_FILE": "/nowhere"}, 2,
     "cannot read '/nowhere'"),
    ("no database", {"TALLYSTICK_DATABASE_URL": None}, 2, "TALLYSTICK_DATABASE_URL is required"),
    ("an unreachable database", {"TALLYSTICK_DATABASE_URL": "postgresql://127.0.0.1:1/x"}, 1,
     "check TALLYSTICK_DATABASE_URL"),
    ("dev beyond loopback", {"TALLYSTICK_LISTEN_ADDRESS": "0.0.0.0"}, 2,
     "listens on loopback only, not on '0.0.0.0'"),
    ("a misspelt variable", {"TALLYSTICK_LEDGR_PORT": "1"}, 2,
     "'TALLYSTICK_LEDGR_PORT' is not known; did you mean 'TALLYSTICK_LEDGER_PORT'?"),
    ("another profile", {"TALLYSTICK_PROFILE": "test"}, 2, "must be one of dev|prod, not 'test'"),
    ("a port of words", {"TALLYSTICK_LEDGER_ADMIN_PORT": "none"}, 2,
     "must be a port number from 0 to 65535, not 'none'"),
]


@pytest.mark.parametrize("change, code, words", [refusal[1:] for refusal in REFUSALS],
                         ids=[refusal[0] for refusal in REFUSALS])
def test_start__refused(stopped, change, code, words):
    ended, said = attempt(stopped, "ledger", **change)
    assert words in said
    assert ended == code


def test_start__never_shows_the_secret(stopped):
    for change in ({"TALLYSTICK_SERVICE_SECRET_FILE": None, "TALLYSTICK_SERVICE_SECRET": "hush"},
                   {"TALLYSTICK_PROFILE": "test"}):
        assert "hush" not in attempt(stopped, "ledger", **change)[1]
        assert stopped.secret not in attempt(stopped, "ledger", **change)[1]


def test_start__dev_beyond_loopback_where_it_was_allowed(make_system):
    """As in a container, whose port is published on loopback."""
    system = make_system(env={"TALLYSTICK_LISTEN_ADDRESS": "0.0.0.0",
                              "TALLYSTICK_DEV_LISTEN": "any"}, start=False).start("ledger")
    assert health(system, "ledger", "readyz").status_code == 200


@pytest.mark.parametrize("args, words", [
    (["--nonsense", "1"], "'--nonsense' is not known"),
    (["--gateway-port", "1"], "'--gateway-port' is not known"),
])
def test_start__refuses_flags_of_others(stopped, args, words):
    code, said = attempt(stopped, "ledger", *args)
    assert code == 2 and words in said


@pytest.mark.parametrize("option", ["ledger-port", "ledger-admin-port"])
def test_start__a_port_that_is_taken(stopped, option):
    """Names the port and the option that chooses another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        variable = "TALLYSTICK_" + option.upper().replace("-", "_")
        code, said = attempt(stopped, "ledger", **{variable: str(port)})
    line = json.loads(said.splitlines()[-1])
    assert code == 1
    assert line["event"] == "service.failed"
    assert str(port) in line["error"]
    assert line["choose_another_by"] == option


def test_start__from_a_file_and_by_flags(stopped, tmp_path):
    """Flags win over the environment, the environment over the file."""
    by_file, by_flag = free_ports(2)
    file = tmp_path / "tallystick.conf"
    file.write_text(f"# for the test\nledger-admin-port = {by_file}\nledger-port = 1\n")
    environment = stopped.env | {"TALLYSTICK_CONFIG_FILE": str(file)}
    del environment["TALLYSTICK_LEDGER_ADMIN_PORT"]
    process = subprocess.Popen([BINARY, "ledger", "--ledger-port", str(by_flag)], env=environment,
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_open(by_file) and is_open(by_flag), 20)
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stderr.close()


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# ---- stopping -----------------------------------------------------------------------------------

def test_stop__says_it_is_stopping_before_the_door_closes(make_system):
    system = make_system(env={"TALLYSTICK_DRAIN_MS": 1500}, start=False).start("ledger")
    system.services["ledger"].signal(signal.SIGTERM)
    wait_until(lambda: health(system, "ledger", "readyz").status_code == 503, 1.4, every=0.01)
    assert system.get("/internal/nothing", door="ledger").status_code == 401  # still answers
    assert system.services["ledger"].wait() == 0
    events = [line["event"] for line in system.logs("ledger")]
    assert events[-2:] == ["service.stopping", "service.stopped"]


def test_stop__answers_what_it_has_taken(make_system):
    """Under load every answer is whole, and what got no answer was not decided."""
    system = make_system()
    answered, unanswered, stop = {}, set(), threading.Event()

    def ask():
        while not stop.is_set():
            transaction_id = f"tx-{uuid.uuid4()}"
            try:
                answer = system.authorize("user-stop", "0.01", transaction_id)
                answered[transaction_id] = (answer.status_code, answer.json().get("code"))
            except requests.ConnectionError:
                unanswered.add(transaction_id)
                return

    clients = [threading.Thread(target=ask) for _ in range(16)]
    for client in clients:
        client.start()
    wait_until(lambda: len(answered) > 200)
    system.stop("gateway")
    stop.set()
    for client in clients:
        client.join()
    assert set(answered.values()) <= {(201, None), (503, "draining")}
    decided = {row.transaction_id for row in system.sql(
        """SELECT transaction_id FROM "authorization".credit_authorization""")}
    assert decided == {tx for tx, (status, _) in answered.items() if status == 201}
    assert len(answered) + len(unanswered) >= len(decided)


def test_stop__signals_that_come_together_are_one_wish(make_system):
    """Ctrl-C in a terminal reaches a service twice: from the terminal and from its starter."""
    system = make_system(env={"TALLYSTICK_DRAIN_MS": 300}, start=False).start("saga")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
        system.services["saga"].signal(number)
        time.sleep(0.05)
    assert system.services["saga"].wait() == 0


def test_stop__a_second_wish_ends_it_at_once(make_system):
    system = make_system(env={"TALLYSTICK_DRAIN_MS": 60000}, start=False).start("saga")
    system.services["saga"].signal(signal.SIGTERM)
    time.sleep(1.3)  # what makes it a second wish
    began = time.monotonic()
    system.services["saga"].signal(signal.SIGTERM)
    assert system.services["saga"].wait() == 1
    assert time.monotonic() - began < 5


# ---- the command table --------------------------------------------------------------------------

COMMANDS = [*SERVICES, "migrate", "verify", "account", "key", "dlq"]


def test_help__names_every_command(stopped):
    done = run_tallystick(stopped.env, "help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"  {command} " in done.stdout


@pytest.mark.parametrize("command", [[name] for name in COMMANDS] + [["ledger", "account"],
                                                                     ["saga", "ls"]])
def test_help__of_a_command(stopped, command):
    done = run_tallystick(stopped.env, *command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: tallystick")
    assert "TALLYSTICK_" in done.stdout


@pytest.mark.parametrize("args", [["gatway"], [], ["--verbose"]])
def test_command__unknown(stopped, args):
    done = run_tallystick(stopped.env, *args)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "tallystick" in done.stderr
