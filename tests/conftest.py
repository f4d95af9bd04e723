"""Fixtures of the system and store tests; tests/README.md tells how to use them."""
import contextlib
import signal

import pytest

from system.harness import Cluster, System

open_systems = []


def pytest_configure():
    """A run that is told to end takes its servers along."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("told to end", returncode=143))


@pytest.fixture(scope="session")
def cluster():
    """One private PostgreSQL cluster for the whole run."""
    it = Cluster()
    yield it
    it.close()


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of the services' logs."""
    report = yield
    if report.failed:
        for system in open_systems:
            report.sections.append((f"services over {system.database}", system.tails()))
    return report
