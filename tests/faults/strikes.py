"""The faults of a round: each a context that strikes when it is entered and mends when it is left.
A fault that shows in PostgreSQL's log waits until it does: one that nobody felt proves nothing."""
import contextlib
import os
import re
import signal
import time

import psycopg

from faults.history import REFUSED, UNKNOWN
from system.common import wait_until
from system.harness import SERVICES

FELT_S = 60  # how long a fault may take to be felt
LITTLE = 20  # answers
LIBFAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
# One process's clock beside that of all others, in seconds; and back again.
CLOCKS_S = (-3600, -5, 5, 90, 3600, 86400 * 400)


@contextlib.contextmanager
def strike(stage, planned):
    """Plays the fault of a round."""
    with FAULTS[planned.kind](stage, *planned.victims):
        time.sleep(planned.lasts_s)  # part of the plan: so long it lasts
        yield


# ---- kills and pauses ----------------------------------------------------------------------------

@contextlib.contextmanager
def kill(stage, *victims):
    for victim in victims:
        kill_one(stage, victim)
    yield
    for victim in sorted(victims, key=SERVICES.__contains__):  # what a service needs first
        start_one(stage, victim)


def kill_one(stage, victim):
    if victim in SERVICES:
        stage.system.kill(victim)
    elif victim == "database":
        stage.cluster.kill()
    else:
        stage.part(victim).kill()


def start_one(stage, victim):
    if victim in SERVICES:
        stage.system.start(victim)
    elif victim == "database":
        stage.cluster.start()
    else:
        stage.part(victim).start()


@contextlib.contextmanager
def pause(stage, victim):
    """Slow, not dead: it keeps its connections and says nothing."""
    if victim in SERVICES:
        stage.system.pause(victim)
        yield
        stage.system.resume(victim)
    elif victim == "database":
        with stopped(stage.cluster.processes()):
            yield
    else:
        stage.part(victim).pause()
        yield
        stage.part(victim).resume()


@contextlib.contextmanager
def hang_backend(stage, service):
    """PostgreSQL's own process for a connection of the service hangs, with all its locks."""
    pids = stage.sql("""SELECT pid FROM pg_stat_activity WHERE usename = %s AND pid IS NOT NULL
                         ORDER BY xact_start NULLS LAST, state_change DESC LIMIT 1""",
                     f"tallystick_{service}")
    with stopped([row.pid for row in pids]):
        yield


@contextlib.contextmanager
def stopped(pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


# ---- nothing left of something -------------------------------------------------------------------

@contextlib.contextmanager
def fill_disk(stage, _):
    """PostgreSQL's disk has no byte left. It refuses statements, and may end when its log cannot
    grow; then it does not come back before there is room."""
    counts = stage.traffic.counts
    before = counts[REFUSED] + counts[UNKNOWN]
    stage.cluster.disk.fill()
    try:
        wait_until(lambda: counts[REFUSED] + counts[UNKNOWN] >= before + LITTLE, FELT_S,
                   what="requests fail on a full disk")
        yield
    finally:
        stage.cluster.disk.free()
    stage.cluster.start_if_ended()


@contextlib.contextmanager
def limit_role(stage, service):
    """A service has lost its connections and gets none: its role has reached its limit."""
    role = f"tallystick_{service}"
    with felt(stage, f'too many connections for role "{role}"'):
        stage.sql(f"ALTER ROLE {role} CONNECTION LIMIT 0")
        end_connections(stage, role)
    yield
    stage.sql(f"ALTER ROLE {role} CONNECTION LIMIT -1")


@contextlib.contextmanager
def take_connections(stage, service):
    """Somebody else has all connections that PostgreSQL allows, and has them again when the service
    loses its own and comes back."""
    role = f"tallystick_{service}"
    with contextlib.ExitStack() as taken:
        refused = felt_now(stage, rf"{role}@\w+ FATAL: .*(too many clients|reserved)")
        give_up = time.monotonic() + FELT_S
        while not refused():
            assert time.monotonic() < give_up, f"{role} always found a connection"
            take_all(stage, taken)
            end_connections(stage, role)
        yield


def take_all(stage, taken):
    url = stage.cluster.url("postgres", "tallystick_operator")
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            taken.enter_context(contextlib.closing(psycopg.connect(url)))


def end_connections(stage, role):
    stage.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", role)


@contextlib.contextmanager
def felt(stage, words):
    """Waits until PostgreSQL has said so since the block began."""
    is_felt = felt_now(stage, words)
    yield
    wait_until(is_felt, FELT_S, what=f"'{words}' in PostgreSQL's log")


def felt_now(stage, words):
    before = len(stage.cluster.log())
    return lambda: re.search(words, stage.cluster.log()[before:])


# ---- clocks --------------------------------------------------------------------------------------

@contextlib.contextmanager
def change_clock(stage, service):
    """One process's clock leaps while it works, and leaps back."""
    clock = stage.system.dir / f"{service}.clock"
    clock.write_text("+0")
    process = stage.system.services[service]
    honest, process.environment = process.environment, process.environment | {
        "LD_PRELOAD": LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "ASAN_OPTIONS": f"{process.environment['ASAN_OPTIONS']}:verify_asan_link_order=0"}
    stage.system.restart(service)
    stage.traffic.wait_for_more(LITTLE)
    clock.write_text(f"{stage.draw.choice(CLOCKS_S):+d}")
    yield
    clock.write_text("+0")
    process.environment = honest
    stage.system.restart(service)


FAULTS = {function.__name__: function for function in (
    kill, pause, hang_backend, fill_disk, limit_role, take_connections, change_clock)}
