"""A synchronous standby, made and promoted by the runbook's own commands: what was answered
outlives the primary, and what only the primary has is not answered."""
import contextlib
import threading

import psycopg
import pytest
from conftest import opened

from system.common import wait_until
from system.harness import OWNER, System
from system.recovery import Pair, Places, verify
from system.traffic import Ask, Traffic

WAITING = """SELECT pid FROM pg_stat_activity
              WHERE wait_event = 'SyncRep' AND usename = 'tallystick_authorization'"""

LOCK = """SELECT a.transaction_id
            FROM "authorization".account AS c
            JOIN "authorization".credit_authorization AS a ON a.account_id = c.id
           WHERE c.user_id = %s AND a.transaction_id = %s FOR UPDATE OF c"""
READ_WRITE = "&target_session_attrs=read-write"


@pytest.fixture(scope="module")
def pair():
    with contextlib.ExitStack() as stack:
        places = Places()
        stack.callback(places.close)
        it = Pair(places)
        stack.callback(it.close)
        yield it


@pytest.fixture(scope="module")
def system(pair):
    with opened(System(pair, env={"TALLYSTICK_DECISION_TIMEOUT_MS": 1500})) as it:
        yield it
        it.settle()
        it.verify()


@contextlib.contextmanager
def standby_away(pair):
    pair.standby.stop()
    try:
        yield
    finally:
        pair.standby.start()
        wait_until(pair.is_synchronous, 30, what="the standby back")


def insist(system, ask):
    wait_until(lambda: ask.send(system), 40, what=f"an answer; it was {ask.outcomes()}")


def check_one_outcome(system, ask):
    """Nothing was answered before the standby had it, and then there is one decision."""
    bodies = {one.body for one in ask.tries if one.outcome in (200, 201)}
    assert len(bodies) == 1 and set(ask.outcomes()[:-1]) <= {503, 504}, ask.outcomes()
    stored = system.sql("""SELECT id FROM "authorization".credit_authorization
                            WHERE transaction_id = %s""", ask.transaction_id)
    assert len(stored) == 1 and str(stored[0].id).encode() in bodies.pop()


def test_while_the_standby_is_away_nothing_is_answered(system, pair):
    asks = [Ask("user-away", "1.00"), Ask("user-away", "1.00"), Ask("user-other", "1.00")]
    with standby_away(pair):
        for ask in asks + asks:
            assert not ask.send(system), ask.outcomes()
    for ask in asks:
        insist(system, ask)
        check_one_outcome(system, ask)


def end_waits(pair, stops):
    while not stops.wait(0.02):
        pair.sql("postgres", f"SELECT pg_cancel_backend(pid) FROM ({WAITING}) AS w")


@contextlib.contextmanager
def waits_are_ended(pair):
    """Whatever waits for the standby is told to wait no longer, again and again."""
    stops = threading.Event()

    def end_them():
        while not stops.wait(0.02):
            pair.sql("postgres", f"SELECT pg_cancel_backend(pid) FROM ({WAITING}) AS w")

    thread = threading.Thread(target=end_them)
    thread.start()
    try:
        yield
    finally:
        stops.set()
        thread.join()


def test_a_wait_that_somebody_ends_is_no_answer(system, pair):
    """PostgreSQL then says COMMIT with a warning, and shows what the standby does not have.
    Found again it is no safer: neither under the account's lock nor, where somebody else has that,
    without."""
    ask = Ask("user-ended", "1.00")
    url = pair.url(system.database, OWNER) + READ_WRITE
    with standby_away(pair), psycopg.connect(url) as db:
        with waits_are_ended(pair):
            for _ in range(2):
                assert not ask.send(system), ask.outcomes()
            assert db.execute(LOCK, [ask.user_id, ask.transaction_id]).fetchall() != []
        assert not ask.send(system), ask.outcomes()
        db.rollback()  # a commit would wait as well
    insist(system, ask)
    check_one_outcome(system, ask)


def test_tools_read_from_the_standby_when_they_are_told_to(system, pair):
    system.settle()
    alone = pair.standby.url(system.database)
    code, said = verify(pair, system.database, f"{alone}&target_session_attrs=any")
    assert code == 0, said
    code, said = verify(pair, system.database, alone)
    assert code != 0 and "session is read-only" in said


def test_the_primary_is_lost_under_load(system, pair):
    """Last of all: afterwards there is no primary but the one that was the standby."""
    traffic = Traffic(system, clients=16)
    with traffic.flowing():
        traffic.wait_for_more(200)
        pair.lose_primary()
        pair.promote()
        traffic.wait_for_more(200)
    traffic.check_nothing_lost()
    assert not traffic.undecided(), traffic.outcomes()
    assert set(traffic.outcomes()) <= {201, 503, 504}, traffic.outcomes()
    system.settle()
    system.verify()
