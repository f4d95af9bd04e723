"""What judges a kill round finds what is wrong: each oracle is shown a case broken by hand. And a
plan is what its seed says."""
import random

import pytest

from conftest import BUSES, KEYSTORES
from faults import oracles, plan

JOURNAL_TWICE = """
    SET session_replication_role = replica;
    INSERT INTO ledger.journal SELECT lane, chain_seq + 1000000, gen_random_uuid(), type,
           authorization_id, saga_id, command_id, currency, trace_id, previous_hash, hash,
           created_at FROM ledger.journal LIMIT 1"""
DEAD_LETTER = """
    INSERT INTO ledger.dead_letter (id, consumer_group, key, event_id, topic, partition, "offset",
           published_at, headers, payload, attempts, error_class, error_message, first_failed_at,
           last_failed_at, service_version, trace_id)
    VALUES (gen_random_uuid(), 'ledger', gen_random_uuid(), gen_random_uuid(), 'x', 0, 0, now(),
            '{}', '{}', 1, 'bug', 'made by hand', now(), now(), '0', '')"""

# What is done to the books, what is said of it, and how it is made good again.
BROKEN = [
    ("UPDATE saga.saga SET state = 'stuck'", "all sagas ended",
     "UPDATE saga.saga SET state = 'completed'"),
    ('UPDATE "authorization".account SET held_minor = held_minor + 1', "held_matches",
     'UPDATE "authorization".account SET held_minor = held_minor - 1'),
    (DEAD_LETTER, "given up", "DELETE FROM ledger.dead_letter"),
]


@pytest.fixture(scope="module")
def ended(open_system):
    """A system that has booked something and does nothing more."""
    system = open_system()
    for number in range(3):
        system.authorize(f"user-{number}", "1.00")
    system.settle()
    system.stop()
    return system


@pytest.mark.parametrize("breaks,said,mends", BROKEN, ids=["saga", "verify", "letter"])
def test_check_books(ended, breaks, said, mends):
    oracles.check_books(ended)
    ended.sql(breaks)
    with pytest.raises(AssertionError, match=said):
        oracles.check_books(ended, timeout=0)
    ended.sql(mends)


def test_check_order(ended):
    messages = ended.bus.events("saga.v1")
    oracles.check_order(messages)
    first = messages[0]
    at = next(at for at, one in enumerate(messages) if at and one.key == first.key)
    with pytest.raises(AssertionError):
        oracles.check_order([messages[at], *messages[1:at], first, *messages[at + 1:]])
    with pytest.raises(AssertionError):
        oracles.check_order(messages[1:] + messages[:1])


def test_check_nothing_twice(ended):
    oracles.check_nothing_twice(ended)
    ended.sql(JOURNAL_TWICE)
    with pytest.raises(AssertionError, match="done twice"):
        oracles.check_nothing_twice(ended)


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("keystore", KEYSTORES)
def test_deal(bus, keystore):
    """One seed, one plan; every fault once before any twice; a cell's own parts first."""
    deck = plan.make_deck(random.Random(1), bus, keystore)
    dealt = plan.deal(7, bus, keystore, 2 * len(deck))
    assert dealt == plan.deal(7, bus, keystore, 2 * len(deck))
    assert dealt[:5] == plan.deal(7, bus, keystore, 5)
    assert dealt != plan.deal(8, bus, keystore, 2 * len(deck))
    kinds = sorted(kind for kind, _ in deck)
    for half in (dealt[:len(deck)], dealt[len(deck):]):
        assert sorted(one.kind for one in half) == kinds
    parts = {bus, keystore} - {"postgres", "none"}
    own = [one for one in dealt[:len(deck)] if parts.intersection(one.victims)]
    assert own == dealt[:len(own)]
    assert {victim for one in own for victim in one.victims} >= parts
