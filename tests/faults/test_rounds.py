"""Kill rounds: something is struck while clients do everything at once, over and over, and
afterwards nothing is lost and nothing has happened twice. `make test-faults` plays many; a run
prints its seed, and TALLYSTICK_TEST_SEED=... plays the same rounds again."""
import os
import random

import pytest

from conftest import CELLS, opened
from faults import checker, oracles, plan
from faults.cluster import StruckCluster
from faults.strikes import strike
from faults.traffic import Traffic
from system import tally
from system.harness import System

pytestmark = pytest.mark.matrix

SEED = int(os.environ["TALLYSTICK_TEST_SEED"])
# In `make test` each cell has as many as it has parts of its own to strike, and some more.
SHORT = {("postgres", "none"): 4, ("kafka", "dynamodb"): 4, ("sns-sqs", "none"): 2}
ROUNDS = os.environ.get("ROUNDS")
STAGE_ROUNDS = 10  # on one system, so that faults meet what earlier ones have left
KEEPERS = ("postgres", "kafka")  # of messages; to read so many from moto's queues takes minutes
CLIENTS = 64
IN_FLIGHT = 50
REST_S = 0.5  # of each client between two requests, once something was struck
AFTER = 60   # answers between the end of a fault and the end of the load
SETTINGS = {"TALLYSTICK_DECISION_TIMEOUT_MS": 2000,
            "TALLYSTICK_KEYSTORE_LEASE_MS": 3000}  # what a gateway that was killed had claimed


def rounds_of(config):
    """(cell, number of the stage, what is planned for the round)."""
    cells = [config.cell] if config.is_one_cell else CELLS
    found = []
    for cell in cells:
        count = int(ROUNDS or SHORT.get(cell, 4))
        for planned in plan.deal(SEED, *cell, count):
            found.append(((cell, planned.number // STAGE_ROUNDS), planned))
    return found


def name_of(value):
    if isinstance(value, plan.Round):
        return f"{value.number}-{value.kind}-{'-'.join(value.victims)}"
    (bus, keystore), number = value
    return f"{bus}+{keystore}-{number}"


def pytest_generate_tests(metafunc):
    if "planned" in metafunc.fixturenames:
        metafunc.parametrize("stage,planned", rounds_of(metafunc.config), ids=name_of,
                             indirect=["stage"], scope="module")


class Stage:
    """What the faults of some rounds strike."""

    def __init__(self, system):
        self.system, self.cluster = system, system.cluster
        self.traffic, self.draw = None, None

    def part(self, name):
        return self.cluster.parts.get(name)

    def sql(self, query, *params):
        return self.cluster.sql("postgres", query, *params)


@pytest.fixture(scope="module")
def own_cluster(pytestconfig):
    it = StruckCluster(*pytestconfig.cell)
    yield it
    it.close()


@pytest.fixture(scope="module")
def stage(request, own_cluster):
    (bus, keystore), _ = request.param
    with opened(System(own_cluster, bus=bus, keystore=keystore, env=SETTINGS)) as system:
        yield Stage(system)
        if bus in KEEPERS:
            oracles.check_order(system.bus.events())


def test_round(stage, planned):
    print(f"\nround {planned.number}: {planned.kind} {' and '.join(planned.victims)}, "
          f"{planned.lasts_s} s; again by SEED={SEED}")
    name = f"{SEED} {planned.number}"
    stage.draw = random.Random(name)
    path = stage.system.dir / f"history-{planned.number}.jsonl"
    stage.traffic = Traffic(stage.system, path, name, clients=CLIENTS)
    with stage.traffic.flowing() as traffic:
        traffic.wait_for_more(planned.before)
        traffic.wait_in_flight(IN_FLIGHT)
        with strike(stage, planned):
            traffic.rest_s = REST_S  # however long it takes to mend
        traffic.wait_for_more(AFTER)
    traffic.finish()
    print(f"round {planned.number}: {dict(traffic.counts)}")
    oracles.check_books(stage.system)
    checker.check(path)
    tally.add_kill_round(SEED, traffic.counts)
