"""Processes die under load: what was answered is there, same keys have one outcome, and everything
recovers by itself."""
import pytest

from system.harness import SERVICES, wait_until
from system.traffic import Traffic

pytestmark = pytest.mark.matrix


def wait_for_more(traffic, count, timeout=40):
    goal = traffic.answered() + count
    wait_until(lambda: traffic.answered() >= goal, timeout, what=f"{count} more answers")


def check(system, traffic):
    traffic.check_nothing_lost()
    undecided = [ask for ask in traffic.all() if ask.tries[-1].outcome != 201]
    assert not undecided, traffic.outcomes()
    assert set(traffic.outcomes()) <= {201, 500, 503, 504, "ConnectionError"}, traffic.outcomes()
    system.settle()
    system.verify()


def test_database_crashes_under_load(system):
    traffic = Traffic(system)
    processes = {name: system.services[name].process.pid for name in SERVICES}
    with traffic.flowing():
        for _ in range(2):
            wait_for_more(traffic, 100)
            system.cluster.crash()
        wait_for_more(traffic, 100)
    check(system, traffic)
    assert {name: system.services[name].process.pid for name in SERVICES} == processes
    assert 500 not in traffic.outcomes(), traffic.outcomes()


def test_database_crashes_while_nobody_asks__the_next_answers_are_right(system):
    made = system.authorize("user-idle", "1.00").json()
    system.settle()
    paths = [f"/v1/authorizations/{made['id']}", "/v1/accounts/user-idle/balance",
             "/v1/accounts/user-idle/entries", f"/v1/sagas/{made['saga_id']}",
             "/v1/sagas?state=completed"]
    before = [system.get(path).content for path in paths]
    system.cluster.crash()
    assert [system.get(path).content for path in paths] == before
    assert system.authorize("user-idle", "1.00").status_code == 201


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_killed_under_load(name, system):
    traffic = Traffic(system)
    with traffic.flowing():
        wait_for_more(traffic, 100)
        system.kill(name)
        system.start(name)
        wait_for_more(traffic, 100)
    check(system, traffic)
    if name in ("ledger", "outbox", "saga"):
        assert set(traffic.outcomes()) == {201}


def test_every_service_is_killed_at_once(system):
    traffic = Traffic(system)
    with traffic.flowing():
        wait_for_more(traffic, 100)
        system.kill()
        system.start()
        wait_for_more(traffic, 100)
    check(system, traffic)
