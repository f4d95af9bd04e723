"""Services come and go and networks fail while clients keep asking. Afterwards nothing is lost,
nothing has happened twice, every account's events came in order, and the books are right. Kills are
the business of tests/faults/."""
import contextlib
import time

import pytest
from conftest import opened
from faults import oracles
from system.harness import Service, System, free_ports, wait_until
from system.traffic import Traffic

pytestmark = pytest.mark.matrix

ANSWER_MS = 2000   # what a client of these tests is ready to wait
SLACK_S = 2        # what a busy machine and sanitizers may add
CLIENTS = {"clients": 4, "rest_s": 0.05}  # what an outage holds up must be booked in the end


@contextlib.contextmanager
def staged(cluster, cell, env=None, **options):
    bus, keystore = cell
    with opened(System(cluster, bus=bus, keystore=keystore, env=env, **options)) as system:
        system.bus.watch()
        yield system


def check(system, traffic):
    traffic.check_nothing_lost()
    assert not traffic.undecided(), traffic.outcomes()
    system.settle()
    system.verify()
    oracles.check_order(system.bus.events())
    oracles.check_nothing_twice(system)
    oracles.check_nothing_given_up(system)


# ---- several of a service ------------------------------------------------------------------------

class Others:
    """More processes of services that run already, in the same consumer groups."""

    def __init__(self, system):
        self.system, self.running, self.count = system, [], 0

    def add(self, name):
        self.count += 1
        port, admin_port = free_ports(2)
        env = self.system.env | {f"TALLYSTICK_{name.upper()}_PORT": str(port),
                                 f"TALLYSTICK_{name.upper()}_ADMIN_PORT": str(admin_port)}
        log = self.system.dir / f"{name}-{self.count}.log"
        service = Service(name, env, log, admin_port)
        service.start()
        self.running.append(service)
        wait_until(service.is_ready, 30, what=f"another {name} ready")
        return service

    def end(self):
        for service in self.running:
            if service.process is not None:
                service.signal(15)
                assert service.wait() == 0, service.tail()
                service.check_unbroken()


@pytest.fixture
def others():
    made = []

    def make(system):
        made.append(Others(system))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.mark.cells(("kafka", "dynamodb"))
def test_orchestrators_and_ledgers_come_and_go(cell, cluster, others):
    """Two of each share the work; one of each is killed, another is added. Each command is applied
    once."""
    with staged(cluster, cell) as system, contextlib.ExitStack() as stack:
        more = others(system)
        stack.callback(more.end)
        seconds = {name: more.add(name) for name in ("saga", "ledger")}
        traffic = Traffic(system, **CLIENTS)
        with traffic.flowing():
            traffic.wait_for_more(200)
            for service in seconds.values():
                service.signal(9)
                service.wait()
            traffic.wait_for_more(100)
            thirds = [more.add(name) for name in seconds]
            traffic.wait_for_more(200)
            system.kill("saga", "ledger")
            traffic.wait_for_more(100)
        check(system, traffic)  # by those that came last alone
        assert set(traffic.outcomes()) == {201}
        assert all(service.process.poll() is None for service in thirds)
        system.start("saga", "ledger")


# ---- networks ------------------------------------------------------------------------------------

# What toxiproxy does to a connection, both ways.
FAULTS = {
    "latency": {"latency": 150, "jitter": 100},
    "bandwidth": {"rate": 20},  # kB a second
    "reset_peer": {"timeout": 100},
    "timeout": {"timeout": 0},  # a black hole: bytes get lost for good, nobody is told
}


def wait_for_tries(traffic, count):
    """Answered or not."""
    tries = lambda: sum(traffic.outcomes().values())
    goal = tries() + count
    wait_until(lambda: tries() >= goal, 40, what=f"{count} more tries")


def play_faults(system, proxy):
    """One fault after the other under load, and rest between them. Clients are answered in time."""
    traffic = Traffic(system, **CLIENTS)
    with traffic.flowing():
        traffic.wait_for_more(50)
        for kind, attributes in FAULTS.items():
            began = time.monotonic()
            proxy.fault(kind, **attributes)
            wait_for_tries(traffic, 30)
            print(f"{kind}: {time.monotonic() - began:.1f} s, {dict(traffic.outcomes())}")
            proxy.heal(kind)
            traffic.wait_for_more(50)
        proxy.cut()
        wait_for_tries(traffic, 30)
        proxy.mend()
        traffic.wait_for_more(50)
    print(f"slowest: {traffic.slowest_s():.1f} s, {dict(traffic.outcomes())}")
    check(system, traffic)
    assert traffic.slowest_s() < ANSWER_MS / 1000 + SLACK_S
    return traffic


@contextlib.contextmanager
def behind(proxy, cluster, cell, env, **options):
    """A system that finds one of its parts by way of the proxy."""
    answer = {"TALLYSTICK_DECISION_TIMEOUT_MS": ANSWER_MS}
    with contextlib.closing(proxy), staged(cluster, cell, env | answer, **options) as system:
        yield system


@pytest.mark.cells()
@pytest.mark.bus("postgres")
@pytest.mark.keystore("none")
def test_network_to_postgresql(cell, cluster):
    proxy = cluster.parts.proxy(f"{cluster.host}:5432")
    database = cluster.create_database()
    env = {"TALLYSTICK_DATABASE_URL": f"postgresql://{proxy.listen}/{database}"}
    with behind(proxy, cluster, cell, env, database=database) as system:
        assert set(play_faults(system, proxy).outcomes()) <= {201, 503, 504}


@pytest.mark.bus("kafka")
@pytest.mark.keystore("dynamodb")
def test_network_to_kafka(cell, cluster):
    proxy = cluster.parts.proxy_of("kafka")
    with behind(proxy, cluster, cell, {"KAFKA_BROKERS": proxy.listen}) as system:
        assert set(play_faults(system, proxy).outcomes()) == {201}


@pytest.mark.cells()
@pytest.mark.bus("sns-sqs")
@pytest.mark.keystore("none")
def test_network_to_sns_and_sqs(cell, cluster):
    proxy = cluster.parts.proxy_of("sns-sqs")
    url = f"http://{proxy.listen}"
    env = {"AWS_ENDPOINT_URL_SNS": url, "AWS_ENDPOINT_URL_SQS": url}
    with behind(proxy, cluster, cell, env) as system:
        assert set(play_faults(system, proxy).outcomes()) == {201}


@pytest.mark.bus("kafka")
@pytest.mark.keystore("dynamodb")
def test_network_to_dynamodb(cell, cluster):
    """The decision's own record answers while the key store does not."""
    proxy = cluster.parts.proxy_of("dynamodb")
    env = {"AWS_ENDPOINT_URL_DYNAMODB": f"http://{proxy.listen}"}
    with behind(proxy, cluster, cell, env) as system:
        assert set(play_faults(system, proxy).outcomes()) == {201}
