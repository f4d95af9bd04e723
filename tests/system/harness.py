"""What the system tests stand on: a private PostgreSQL cluster, fresh databases, and a System of
five real processes that is driven from outside, as a client and an operator would.

Nothing here knows how the services work inside. Processes are ended by their id, never by name.
"""
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.parse
import uuid

import psycopg
import psycopg.rows
import requests
from system import tally
from system.aws import CREDENTIALS
from system.buses import open_bus
from system.common import ROOT, free_ports, wait_until
from system.parts import Parts

BINARY = pathlib.Path(
    os.environ.get("TALLYSTICK_BIN", ROOT / "build-asan/src/tallystick")
).resolve()
OWNER = "tallystick_owner"
SERVICES = ("gateway", "authorization", "ledger", "outbox", "saga")
DOORS = ("gateway", "authorization", "ledger", "saga")  # outbox listens on its admin port alone
READY_TIMEOUT_S = 30  # sanitizers and a busy machine are slow
STOP_TIMEOUT_S = 30

# What the services have not finished, beside what the bus holds; and how much they have heard.
OPEN_WORK = """
SELECT ((SELECT count(*) FROM "authorization".outbox)
      + (SELECT count(*) FROM ledger.outbox)
      + (SELECT count(*) FROM saga.outbox)
      + (SELECT count(*) FROM "authorization".parked_message)
      + (SELECT count(*) FROM ledger.parked_message)
      + (SELECT count(*) FROM saga.parked_message)
      + (SELECT count(*) FROM saga.saga
          WHERE state NOT IN ('completed', 'compensated', 'abandoned')))::bigint AS open,
       ((SELECT count(*) FROM "authorization".inbox)
      + (SELECT count(*) FROM ledger.inbox)
      + (SELECT count(*) FROM saga.inbox))::bigint AS heard
"""

# Cheap, however many wait: counting them over and over would keep a machine from ending them.
SOME_OPEN = "SELECT min(deadline_at) IS NOT NULL AS open FROM saga.saga"

# What a sanitizer, or an assertion of ours, leaves in stderr.
BROKEN = re.compile(
    rb"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|assertion failed"
)


def clean_environment():
    """The caller's environment without what would lead libpq, libcurl or a service elsewhere."""
    strange = re.compile(r"PG[A-Z]+|DATABASE_URL|TALLYSTICK_.*|AWS_.*|OTEL_.*|KAFKA_BROKERS|"
                         r"(https?|all|no)_proxy", re.I)
    kept = {name: value for name, value in os.environ.items() if not strange.fullmatch(name)}
    # LeakSanitizer stops every thread by ptrace at the very end of a process, and now and then that
    # never returns: the service has logged its stop and spins. Leaks are the unit tests' business
    # and the memory test's; addresses and undefined behaviour are checked here.
    return kept | {"ASAN_OPTIONS": "detect_leaks=0"}


class Cluster:
    """A PostgreSQL cluster of tools/cluster in a directory of its own, with a migrated template;
    and with it what else a system stands on: the parts, and which of them this run is about."""

    def __init__(self, bus="postgres", keystore="none", *, settings=(), lay=None):
        """With `settings` of PostgreSQL's besides; over data that `lay(cluster)` has put there."""
        self.bus, self.keystore, self.parts = bus, keystore, Parts()
        # Its socket is what services use. A loopback address of its own is for proxies before it.
        self.host = "127.{}.{}.{}".format(*random.choices(range(1, 255), k=3))
        self.settings = ("max_connections=300", f"listen_addresses={self.host}", *settings)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tallystick-test-", dir="/tmp"))
        self.dir.chmod(0o711)  # the server's user must get through to its data
        self.data = self.dir / "postgres/data"
        self.names = (f"test_{number}" for number in itertools.count(1))
        if lay:
            lay(self)
        self.start()
        self.socket = self._tool("socket").strip()
        self.template = None

    def _tool(self, command, *args):
        run = [ROOT / "tools/cluster", command, self.dir, *args]
        return subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True).stdout

    def url(self, database, user=None):
        query = {"host": self.socket} | ({"user": user} if user else {})
        return f"postgresql:///{database}?{urllib.parse.urlencode(query)}"

    def sql(self, database, query, *params, role=OWNER):
        """Rows of one statement, committed at once; [] where there are none to fetch."""
        rows = psycopg.rows.namedtuple_row
        with psycopg.connect(self.url(database, role), autocommit=True, row_factory=rows) as db:
            cursor = db.execute(query, params or None)
            return cursor.fetchall() if cursor.description else []

    def create_database(self, migrated=True):
        """A fresh database; a migrated one is a copy of a template, which takes no time."""
        if migrated and self.template is None:
            self.template = self.create_database(migrated=False)
            self.migrate(self.template)
        name = next(self.names)
        source = f" TEMPLATE {self.template}" if migrated else ""
        self.sql("postgres", f"CREATE DATABASE {name}{source}")
        return name

    def migrate(self, database):
        done = run_tallystick(self.environment(database), "migrate", "apply")
        assert done.returncode == 0, f"migrate apply: {done.stdout}{done.stderr}"

    def environment(self, database):
        return clean_environment() | {
            "TALLYSTICK_DATABASE_URL": self.url(database),
            "TALLYSTICK_MIGRATE_DATABASE_URL": self.url(database, OWNER),
        }

    def start(self):
        self._tool("start", *self.settings)  # waits until what was killed has gone

    def stop(self):
        self._tool("stop")

    def postmaster(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def crash(self):
        """The server ends at once, as by a power cut, and comes back from its log."""
        self.kill()
        self.start()

    def kill(self):
        os.kill(self.postmaster(), signal.SIGQUIT)

    def drop_database(self, name):
        self.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def close(self):
        self.parts.close()
        self._tool("destroy")
        shutil.rmtree(self.dir)


def run_tallystick(environment, *args, stdin=None, timeout=120):
    """One run of an operator's tool: its returncode, stdout and stderr."""
    assert BINARY.exists(), f"{BINARY} is not built; see tests/README.md"
    done = subprocess.run([BINARY, *args], env=environment, input=stdin, timeout=timeout,
                          capture_output=True, text=True)
    assert not BROKEN.search(done.stderr.encode()), f"tallystick {' '.join(args)}: {done.stderr}"
    return done


def where_threads_are(pid):
    """Each thread's name, state and where it waits in the kernel: why a process does not end."""
    said = []
    for task in sorted(pathlib.Path(f"/proc/{pid}/task").iterdir()):
        with contextlib.suppress(OSError):
            state = (task / "stat").read_text().rpartition(")")[2].split()[0]
            name, place = (task / "comm").read_text().strip(), (task / "wchan").read_text()
            said.append(f"thread {task.name} {name}: {state} in {place}, "
                        f"system call {(task / 'syscall').read_text().strip()}")
    return "\n".join(said)


class Service:
    """One process of a service, and its log in a file that outlives restarts."""

    def __init__(self, name, environment, log_path, admin_port, binary=BINARY):
        self.name, self.environment, self.binary = name, environment, binary
        self.log_path, self.admin_port = log_path, admin_port
        self.process = None

    def start(self):
        assert self.process is None, f"{self.name} runs already"
        # Dies with the test run, however that ends.
        command = ["setpriv", "--pdeathsig", "KILL", "--", self.binary, self.name]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)

    def is_ready(self):
        code = self.process.poll()
        assert code is None, f"{self.name} ended with {code} at its start:\n{self.tail()}"
        return self.health("readyz") == 200

    def health(self, check):
        """Status of a health path on the admin port; None when nobody answers."""
        door = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException):
            door.request("GET", f"/{check}")
            return door.getresponse().status
        return None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=STOP_TIMEOUT_S):
        """The exit code; a process that does not end is killed and that is a failure."""
        process, self.process = self.process, None
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            threads = where_threads_are(process.pid)
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} did not end:\n{threads}\n{self.tail()}") from None

    def log_bytes(self):
        return self.log_path.read_bytes() if self.log_path.exists() else b""

    def tail(self, lines=15):
        return b"\n".join(self.log_bytes().splitlines()[-lines:]).decode(errors="replace")

    def check_unbroken(self):
        assert not BROKEN.search(self.log_bytes()), f"{self.name}:\n{self.tail(60)}"


class System:
    """Five services over a database of their own. Made by the fixtures `system`, `make_system`."""

    def __init__(self, cluster, profile="dev", env=None, *, database=None, binary=BINARY, bus=None,
                 keystore=None):
        """Over the bus and the key store named, or those that this run is about. Over a database
        that others use already, it shares their bus and key store."""
        self.cluster = cluster
        self.bus_kind, self.keystore = bus or cluster.bus, keystore or cluster.keystore
        self.database = database or cluster.create_database()
        # Databases are apart by themselves; topics, queues and tables of other parts by a prefix.
        is_apart = self.bus_kind == "postgres"
        self.prefix = "tallystick" if is_apart else self.database.replace("_", "")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.database}-", dir=cluster.dir))
        self.local = threading.local()
        self.ports = self._choose_ports()
        self.bus = open_bus(self)
        self.env = self._environment(profile) | {k: str(v) for k, v in (env or {}).items()}
        if self.keystore == "dynamodb" and database is None:
            self.make_table()
        self.services = {
            name: Service(name, self.env, self.dir / f"{name}.log", self.ports[f"{name}_admin"],
                          binary)
            for name in SERVICES
        }

    def _choose_ports(self):
        doors = [*DOORS, *(f"{name}_admin" for name in SERVICES)]
        return dict(zip(doors, free_ports(len(doors)), strict=True))

    def _environment(self, profile):
        self.secret = "secret of the system tests, 32 bytes or more"
        secret = self.dir / "service-secret"
        secret.write_text(f"{self.secret}\n")
        secret.chmod(0o600)
        peers = {f"TALLYSTICK_{name.upper()}_URL": self.url(name)
                 for name in ("authorization", "ledger", "saga")}
        ports = {f"TALLYSTICK_{door.upper()}_PORT": str(port) for door, port in self.ports.items()}
        return self.cluster.environment(self.database) | peers | ports | self._parts() | {
            "TALLYSTICK_PROFILE": profile,
            "TALLYSTICK_SERVICE_SECRET_FILE": str(secret),
            "TALLYSTICK_LOG_FORMAT": "json",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        }

    def _parts(self):
        """How the services find their bus and key store; nothing of parts that they do not use."""
        found = {}
        if self.bus_kind != "postgres":
            found |= {"TALLYSTICK_BUS": self.bus_kind, "TALLYSTICK_TOPIC_PREFIX": self.prefix}
            found |= self.bus.environment()
        if self.keystore == "dynamodb":
            endpoint = self.cluster.parts.get("dynamodb").endpoint
            found |= {"TALLYSTICK_KEYSTORE": "dynamodb", "TALLYSTICK_DYNAMODB_TABLE": self.table,
                      "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
                      # A Java program's first answers take their time on a small, busy machine.
                      "TALLYSTICK_KEYSTORE_TIMEOUT_MS": "10000"}
        if self.bus_kind == "sns-sqs" or self.keystore == "dynamodb":
            found |= CREDENTIALS
        return found

    @property
    def table(self):
        """Where the gateway keeps its keys in DynamoDB."""
        return f"{self.database}_idempotency"

    def make_table(self):
        done = self.tallystick("migrate", "apply")
        assert done.returncode == 0, f"migrate apply: {done.stdout}{done.stderr}"

    # ---- processes ------------------------------------------------------------------------------

    def start(self, *names):
        """Starts the services named, or all, and waits until they are ready."""
        services = [self.services[name] for name in names or SERVICES]
        for service in services:
            service.start()
        for service in services:
            wait_until(service.is_ready, READY_TIMEOUT_S, what=f"{service.name} ready")
        return self

    def stop(self, *names, how=signal.SIGTERM):
        """Ends the services named, or all that run. By SIGTERM they must leave with exit code 0."""
        services = [self.services[name] for name in names or self.running()]
        for service in services:
            service.signal(how)
            service.signal(signal.SIGCONT)
        codes = {service.name: service.wait() for service in services}
        expected = 0 if how in (signal.SIGTERM, signal.SIGINT) else -how
        for service in services:
            service.check_unbroken()
            assert codes[service.name] == expected, \
                f"{service.name} ended with {codes[service.name]}:\n{service.tail()}"

    def kill(self, *names):
        self.stop(*names, how=signal.SIGKILL)

    def restart(self, *names, how=signal.SIGTERM):
        names = names or SERVICES
        self.stop(*names, how=how)
        self.start(*names)

    def pause(self, name):
        """The process stays and does nothing, like one on a machine that hangs."""
        self.services[name].signal(signal.SIGSTOP)

    def resume(self, name):
        self.services[name].signal(signal.SIGCONT)

    def running(self):
        return [name for name, service in self.services.items() if service.process is not None]

    def memory_kb(self, name):
        status = pathlib.Path(f"/proc/{self.services[name].process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])

    def close(self):
        try:
            self.stop()
            tally.add(self)
        finally:
            for name in self.running():
                self.services[name].signal(signal.SIGKILL)
                self.services[name].wait()
            self.bus.close()
            self.cluster.drop_database(self.database)

    # ---- as a client ----------------------------------------------------------------------------

    def url(self, door="gateway"):
        return f"http://127.0.0.1:{self.ports[door]}"

    def request(self, method, path, door="gateway", headers=None, **options):
        """A requests.Response; each thread keeps a connection of its own."""
        if not hasattr(self.local, "session"):
            self.local.session = requests.Session()
            self.local.session.trust_env = False  # no proxy stands between us
        options.setdefault("timeout", 30)
        return self.local.session.request(method, self.url(door) + path, headers=headers, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def put(self, path, body, **options):
        return self.request("PUT", path, json=body, **options)

    def post(self, path, body=None, key="", headers=None, **options):
        """POST of a dict as JSON, or of bytes as they are. The key is a fresh one unless given;
        None leaves the header out."""
        headers = {"Content-Type": "application/json"} | (headers or {})
        if key is not None:
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        return self.request("POST", path, headers=headers, data=data, **options)

    def authorize(self, user_id="user-1", amount="10.00", transaction_id=None, key="", headers=None,
                  **fields):
        """POST /authorize with a fresh transaction id and key unless they are given."""
        body = {"transaction_id": transaction_id or f"tx-{uuid.uuid4()}", "user_id": user_id,
                "amount": amount, **fields}
        return self.post("/authorize", body, key=key, headers=headers)

    def saga(self, authorization):
        """The state of the saga that books an authorization (its body)."""
        return self.get(f"/v1/sagas/{authorization['saga_id']}").json().get("state")

    def wait_saga(self, authorization, state="completed", timeout=20):
        return wait_until(lambda: self.saga(authorization) == state, timeout,
                          what=f"saga {authorization['saga_id']} {state}")

    def inside(self, door, path):
        """GET at a door that is for services only, with their secret."""
        return self.get(path, door=door, headers={"Authorization": f"Bearer {self.secret}"})

    # ---- as an operator -------------------------------------------------------------------------

    def tallystick(self, *args, **options):
        """Runs `tallystick ARGS` beside the services: returncode, stdout, stderr."""
        return run_tallystick(self.env, *args, **options)

    def verify(self, expect=0, **options):
        done = self.tallystick("verify", "--unseen-s", "0", **options)  # whoever asks has waited
        assert done.returncode == expect, \
            f"verify ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    def sql(self, query, *params, role=OWNER):
        """Rows as named tuples: system.sql("SELECT count(*) FROM x WHERE y = %s", y)[0].count"""
        return self.cluster.sql(self.database, query, *params, role=role)

    def owner_url(self):
        return self.cluster.url(self.database, OWNER)

    def is_settled(self):
        """Nothing that was decided is still on its way: no event, command or saga. What is not in
        a database is on the bus; a message that left it between the two looks was heard."""
        if self.sql(SOME_OPEN)[0].open:
            return False
        before = self.sql(OPEN_WORK)[0]
        return (before.open == 0 and self.bus.lag() == 0
                and self.sql(OPEN_WORK)[0] == before)

    def settle(self, timeout=60):
        """Waits until everything that was decided is booked, or undone, to the end."""
        wait_until(self.is_settled, timeout, every=0.05, what="all sagas ended")

    def make_due(self, user_id, authorization=None):
        """As if a user's holds, or one of them, had been made long ago: waiting for them to expire
        would depend on how fast they were made and booked."""
        only = authorization["id"] if authorization else None
        self.sql("""WITH due AS (
                        UPDATE "authorization".credit_authorization
                           SET expires_at = clock_timestamp() - interval '1 second'
                         WHERE user_id = %s AND remaining_minor > 0
                           AND id = coalesce(%s::uuid, id)
                        RETURNING lane, account_id)
                    UPDATE "authorization".account AS a
                       SET next_expiry_at = clock_timestamp() - interval '1 second'
                      FROM (SELECT DISTINCT lane, account_id FROM due) AS d
                     WHERE a.lane = d.lane AND a.id = d.account_id""", user_id, only)

    def logs(self, *names, **wanted):
        """Log lines in order of time, as dicts: of the services named (or all) and with the fields
        given, as in logs("saga", trace_id=..., event="saga.started")."""
        lines = []
        for name in names or SERVICES:
            for line in self.services[name].log_bytes().splitlines():
                with contextlib.suppress(ValueError):
                    lines.append({"svc": name} | json.loads(line))
        lines = [line for line in lines if all(line.get(k) == v for k, v in wanted.items())]
        return sorted(lines, key=lambda line: line.get("ts", ""))

    def tails(self):
        """The end of every log, for the report of a test that failed."""
        return "\n".join(f"--- {s.name}\n{s.tail()}" for s in self.services.values())
