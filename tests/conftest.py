"""Fixtures of the system and store tests; tests/README.md tells how to use them."""
import collections
import contextlib
import functools
import os
import pathlib
import random
import signal

import pytest
from xdist.workermanage import NodeManager

from system import tally
from system.harness import Cluster, System
from system.otlp_sink import Collector

open_systems = []

BUSES = ("postgres", "kafka", "sns-sqs")
KEYSTORES = ("none", "dynamodb")
# Where a run that names neither goes with the tests that ask for a cell: each part once.
CELLS = (("postgres", "none"), ("kafka", "dynamodb"), ("sns-sqs", "none"))
# The longest first: what `--durations=0` says, summed up.
LONG_FILES = tuple(f"tests/{name}.py" for name in (
    "faults/test_rounds", "system/test_part_faults", "system/test_run", "store/test_programs",
    "system/test_keystore", "system/test_degraded", "system/test_corners", "system/test_notify",
    "tools/test_parts"))
# One for all processes of a run, which inherit it: they must come to the same tests.
SEED = "TALLYSTICK_TEST_SEED"
MARKERS = (
    "matrix: runs in every cell of tools/test-matrix",
    "bus(*kinds): is about these event buses alone",
    "keystore(*kinds): is about these key stores alone",
    "cells(*cells): where a run goes through several cells, these alone",
)


# ---- which parts a run is about ------------------------------------------------------------------

def pytest_addoption(parser):
    parser.addoption("--bus", choices=BUSES, help="the event bus that systems stand on")
    parser.addoption("--keystore", choices=KEYSTORES, help="the key store that systems stand on")


def pytest_configure(config):
    signal.signal(signal.SIGTERM, functools.partial(end, config))
    if is_worker(config):
        signal.signal(signal.SIGINT, functools.partial(end, config))
    os.environ.setdefault(SEED, str(random.SystemRandom().randrange(10**9)))
    NodeManager.EXIT_TIMEOUT = 60  # seconds in which processes may end what they have started
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.cell = (config.getoption("bus") or "postgres", config.getoption("keystore") or "none")
    config.is_one_cell = any(map(config.getoption, ("bus", "keystore")))
    config.elsewhere = {}


def pytest_generate_tests(metafunc):
    """A test that asks for a `cell` gets the run's own, or one after the other."""
    if "cell" in metafunc.fixturenames:
        cells = [metafunc.config.cell] if metafunc.config.is_one_cell else CELLS
        metafunc.parametrize("cell", cells, ids="+".join, scope="module")


def cell_of(item):
    """(bus, key store) that a test will stand on."""
    called = getattr(item, "callspec", None)
    return called.params.get("cell", item.config.cell) if called else item.config.cell


def belongs(item):
    """The test's marks allow its cell."""
    few = item.get_closest_marker("cells")
    if few and not item.config.is_one_cell and cell_of(item) not in few.args:
        return False
    allowed = (set().union(*(mark.args for mark in item.iter_markers(name))) or {kind}
               for name, kind in zip(("bus", "keystore"), cell_of(item), strict=True))
    return all(kind in kinds for kind, kinds in zip(cell_of(item), allowed, strict=True))


def file_of(item):
    return item.nodeid.partition("::")[0]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Tests about other parts are left out, and counted. Of several processes none is to begin with
    a long file when the others have done all else."""
    elsewhere = [item for item in items if not belongs(item)]
    config.elsewhere = dict(collections.Counter(map(file_of, elsewhere)))
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if belongs(item)]
    if is_worker(config):
        places = {name: place for place, name in enumerate(LONG_FILES)}
        items.sort(key=lambda item: places.get(file_of(item), len(places)))


def pytest_terminal_summary(terminalreporter, config):
    if tally.total:
        terminalreporter.write_line(f"bus {config.cell[0]}, key store {config.cell[1]}: "
                                    f"{tally.text()}")
    if config.elsewhere:
        listed = ", ".join(f"{name}: {count}" for name, count in sorted(config.elsewhere.items()))
        terminalreporter.write_line(
            f"{sum(config.elsewhere.values())} left to other cells of the matrix: {listed}")


# ---- several processes: pytest -n ----------------------------------------------------------------
# Each has a cluster and parts of its own and takes whole files; the first process, which runs no
# test, tells of all.

def is_worker(config):
    return hasattr(config, "workerinput")


def pytest_sessionfinish(session):
    if is_worker(session.config):
        session.config.workeroutput |= {"tally": tally.told(),
                                        "elsewhere": session.config.elsewhere}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """A process has ended, perhaps without a word."""
    told = getattr(node, "workeroutput", {})
    if "tally" in told:
        tally.add_told(told["tally"])
        node.config.elsewhere = told["elsewhere"]


def end(config, *_):
    """A run that is told to end takes its servers along: whoever has some closes them."""
    children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    if config.getoption("numprocesses", None) and not is_worker(config) and children:
        for child in children:
            os.kill(int(child), signal.SIGTERM)
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a second one would leave servers behind
    session = config.pluginmanager.getplugin("session")
    if session is not None:
        session.shouldstop = "told to end"
    pytest.exit("told to end", returncode=143)


# ---- what tests stand on -------------------------------------------------------------------------

@pytest.fixture(scope="session")
def cluster(pytestconfig):
    """One private PostgreSQL cluster for the whole run, and the other parts as they are needed."""
    it = Cluster(*pytestconfig.cell)
    yield it
    it.close()


@pytest.fixture(scope="session")
def kafka(cluster):
    return cluster.parts.get("kafka")


@pytest.fixture(scope="session")
def dynamodb(cluster):
    return cluster.parts.get("dynamodb")


@pytest.fixture(scope="session")
def sns_sqs(cluster):
    return cluster.parts.get("sns-sqs")


@pytest.fixture
def make_database(cluster):
    """Makes databases without services; make_database(migrated=False) gives an empty one."""
    made = []

    def make(migrated=True):
        made.append(cluster.create_database(migrated))
        return made[-1]

    yield make
    for name in made:
        cluster.drop_database(name)


@contextlib.contextmanager
def opened(system, start=True):
    """Hands a system out, started, and closes it, whatever happened in between."""
    open_systems.append(system)
    try:
        yield system.start() if start else system
    except Exception as problem:
        problem.add_note(system.tails())
        raise
    finally:
        open_systems.remove(system)
        system.close()


@pytest.fixture(scope="module")
def system(cluster):
    """The five services in the dev profile with the defaults, one set for all tests of a file. What
    the tests have done to it must leave the books right."""
    with opened(System(cluster)) as it:
        yield it
        it.settle()
        it.verify()


@contextlib.contextmanager
def maker(cluster):
    with contextlib.ExitStack() as stack:
        def make(env=None, start=True, **options):
            return stack.enter_context(opened(System(cluster, env=env, **options), start))
        yield make


@pytest.fixture
def make_system(cluster):
    """Makes systems for one test: make_system(env={...}, profile="prod", start=False)."""
    with maker(cluster) as make:
        yield make


@pytest.fixture(scope="module")
def open_system(cluster):
    """As make_system, for all tests of a file."""
    with maker(cluster) as make:
        yield make


@pytest.fixture(scope="module")
def collector():
    """Takes what services send by OTLP, for all tests of a file; see system/otlp_sink.py."""
    with Collector() as it:
        yield it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of the services' logs."""
    report = yield
    if report.failed:
        for system in open_systems:
            report.sections.append((f"services over {system.database}", system.tails()))
    return report
