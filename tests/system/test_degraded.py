"""Without its bus or its key store a service still answers, and tells whoever watches it."""
import contextlib
import datetime
import re

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from system.harness import wait_until

SINCE = re.compile(r"away since (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)")


def ask(system, service, path):
    url = f"http://127.0.0.1:{system.ports[f'{service}_admin']}/{path}"
    return requests.get(url, timeout=5)


def state(system, service):
    """What /readyz says, as status code and word."""
    answer = ask(system, service, "readyz")
    return answer.status_code, answer.json()["status"]


def wait_state(system, service, word):
    wait_until(lambda: state(system, service) == (200, word), 60, what=f"{service} {word}")


def check_of(system, service, name):
    checks = ask(system, service, "readyz?verbose").json()["checks"]
    return next(check for check in checks if check["name"] == name)


def is_away(system, service, dependency):
    for family in text_string_to_metric_families(ask(system, service, "metrics").text):
        for sample in family.samples:
            if sample.name == "dependency_away" and sample.labels["dependency"] == dependency:
                return sample.value
    return None


def check_degraded(system, service, dependency):
    """Everywhere where it is told: checks with since when, status with why, metric."""
    before = datetime.datetime.now(datetime.UTC)
    check = check_of(system, service, dependency)
    since, = SINCE.fullmatch(check["detail"]).groups()
    assert not check["ok"]
    assert 0 <= (before - datetime.datetime.fromisoformat(since)).total_seconds() < 60
    status = ask(system, service, "status").json()
    told, = status["dependencies"]
    assert status["status"] == "degraded"
    assert (told["name"], told["away"], told["since"]) == (dependency, True, since)
    assert told["why"] != ""
    assert is_away(system, service, dependency) == 1


def check_whole(system, service, dependency):
    assert check_of(system, service, dependency)["ok"]
    status = ask(system, service, "status").json()
    assert (status["status"], status["dependencies"]) == \
        ("ready", [{"name": dependency, "away": False}])
    assert is_away(system, service, dependency) == 0


def check_order(system):
    """The ledger recorded the holds of each account in the order in which they were decided."""
    decided = system.sql("""SELECT account_id, array_agg(id ORDER BY created_at) AS ids
                              FROM "authorization".credit_authorization GROUP BY account_id""")
    booked = system.sql("""SELECT e.ledger_account_id, array_agg(j.authorization_id
                                                                 ORDER BY j.chain_seq) AS ids
                             FROM ledger.journal AS j JOIN ledger.entry AS e USING (lane, chain_seq)
                            WHERE j.type = 'record_hold' GROUP BY e.ledger_account_id""")
    found = {row.ledger_account_id: row.ids for row in booked}
    assert {row.account_id: found[row.account_id] for row in decided} == \
        {row.account_id: row.ids for row in decided}


READERS = ("authorization", "ledger", "saga")
BUS_USERS = (*READERS, "outbox")


@pytest.mark.bus("postgres")
def test_the_bus_takes_nothing(make_system):
    """Decisions go on and wait in the outbox; the relay says so, those who only read do not."""
    system = make_system()
    check_whole(system, "outbox", "bus")
    system.sql("REVOKE INSERT ON bus.bus_message FROM tallystick_outbox")
    made = [system.authorize(f"user-{number}") for number in range(3)]
    assert [answer.status_code for answer in made] == [201] * 3
    wait_state(system, "outbox", "degraded")
    check_degraded(system, "outbox", "bus")
    assert {service: state(system, service) for service in READERS} == \
        {service: (200, "ready") for service in READERS}
    assert system.sql('SELECT count(*) FROM "authorization".outbox')[0].count >= 3
    system.sql("GRANT INSERT ON bus.bus_message TO tallystick_outbox")
    wait_state(system, "outbox", "ready")
    check_whole(system, "outbox", "bus")
    system.settle()
    system.verify()


@pytest.mark.bus("postgres")
@pytest.mark.parametrize("service", READERS)
def test_the_bus_gives_nothing(make_system, service):
    system = make_system()
    system.sql(f"REVOKE SELECT ON bus.bus_message FROM tallystick_{service}")
    assert system.authorize().status_code == 201
    if service == "authorization":  # its commands are rare: let it look at least once
        system.sql("REVOKE ALL ON bus.bus_cursor FROM tallystick_authorization")
    wait_state(system, service, "degraded")
    check_degraded(system, service, "bus")
    assert state(system, "outbox") == (200, "ready")
    assert system.authorize().status_code == 201
    system.sql(f"GRANT SELECT ON bus.bus_message TO tallystick_{service}")
    system.sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON bus.bus_cursor TO tallystick_{service}")
    wait_state(system, service, "ready")
    check_whole(system, service, "bus")
    system.settle()
    system.verify()


def test_without_its_database_a_service_is_not_ready_at_all(make_system):
    """The bus is in the same database: that it is away is told, and is not the point."""
    system = make_system(start=False).start("ledger")
    system.cluster.sql("postgres", f"ALTER DATABASE {system.database} ALLOW_CONNECTIONS false")
    system.cluster.sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                   "WHERE datname = %s", system.database)
    wait_until(lambda: state(system, "ledger") == (503, "not_ready"), 10, what="not ready")
    system.cluster.sql("postgres", f"ALTER DATABASE {system.database} ALLOW_CONNECTIONS true")
    wait_state(system, "ledger", "ready")


@pytest.fixture(params=["killed", "hung"])
def broker(request, kafka):
    """Loses Kafka and brings it back, however a test ends."""
    class Broker:
        lost = False

        def lose(self):
            self.lost = True
            kafka.kill() if request.param == "killed" else kafka.pause()

        def regain(self):
            self.lost = False
            kafka.start() if request.param == "killed" else kafka.resume()

    it = Broker()
    yield it
    if it.lost:
        it.regain()


def test_the_broker_goes_and_comes_back(broker, make_system):
    """The API stays up and answers, the outbox holds, everybody on the bus is degraded; when the
    broker is back all drains, in the order of each account."""
    system = make_system(bus="kafka")
    system.wait_saga(system.authorize("user-before").json())
    system.settle()
    for service in BUS_USERS:
        check_whole(system, service, "bus")
    broker.lose()
    made = [system.authorize(f"user-{number % 3}") for number in range(12)]
    assert [answer.status_code for answer in made] == [201] * 12
    for service in BUS_USERS:
        wait_state(system, service, "degraded")
        check_degraded(system, service, "bus")
    assert state(system, "gateway") == (200, "ready")
    assert system.authorize("user-0").status_code == 201
    assert system.sql('SELECT count(*) FROM "authorization".outbox')[0].count >= 13
    broker.regain()
    for service in BUS_USERS:
        wait_state(system, service, "ready")
        check_whole(system, service, "bus")
    system.settle()
    system.verify()
    check_order(system)


def test_sns_and_sqs_go_and_come_back(cluster, make_system):
    with contextlib.closing(cluster.parts.proxy_of("sns-sqs")) as proxy:
        url = f"http://{proxy.listen}"
        system = make_system(bus="sns-sqs", env={"AWS_ENDPOINT_URL_SNS": url,
                                                 "AWS_ENDPOINT_URL_SQS": url})
        system.wait_saga(system.authorize("user-before").json())
        for service in BUS_USERS:
            wait_state(system, service, "ready")
        proxy.cut()
        assert [system.authorize("user-away").status_code for _ in range(3)] == [201] * 3
        for service in BUS_USERS:
            wait_state(system, service, "degraded")
            check_degraded(system, service, "bus")
        assert state(system, "gateway") == (200, "ready")
        proxy.mend()
        for service in BUS_USERS:
            wait_state(system, service, "ready")
            check_whole(system, service, "bus")
        system.settle()
        system.verify()
        check_order(system)


# ---- the key store ------------------------------------------------------------------------------

def test_the_public_door_tells_its_key_store(system):
    assert system.get("/readyz").json() == {"status": "ready"}
    check = {check["name"]: check["ok"]
             for check in system.get("/readyz?verbose").json()["checks"]}
    assert check["key_store"] is True


def wait_key_store(system):
    wait_until(lambda: system.authorize().status_code == 201 and
               system.get("/readyz").json() == {"status": "ready"}, 60, every=0.2,
               what="the gateway is ready")


def test_the_key_store_goes_and_comes_back(cluster, make_system):
    """Its fallback decides meanwhile. Nobody asks the store but requests, so one must come for the
    gateway to learn that it is back."""
    proxy = cluster.parts.proxy(cluster.parts.get("dynamodb").address)
    system = make_system(keystore="dynamodb",
                         env={"AWS_ENDPOINT_URL_DYNAMODB": f"http://{proxy.listen}"})
    wait_key_store(system)  # the first answer of a store that has just started may be late
    check_whole(system, "gateway", "key_store")
    proxy.cut()
    assert system.authorize().status_code == 201
    assert system.get("/readyz").json() == {"status": "degraded"}
    assert system.get("/readyz").status_code == 200
    check_degraded(system, "gateway", "key_store")
    proxy.mend()
    wait_key_store(system)
    check_whole(system, "gateway", "key_store")
    proxy.close()
    system.settle()
    system.verify()
