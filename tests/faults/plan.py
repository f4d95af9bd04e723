"""What a run does to whom, and for how long: drawn from its seed alone, so that one seed plays the
same rounds again. Faults are dealt like cards: none comes twice before each has come once."""
import collections
import random

from faults.cluster import can_mount
from system.harness import SERVICES

# One round. `kind` is a function of strikes.py, `victims` whom it strikes, `lasts_s` how long it
# lasts, `before` how many requests are answered before it comes.
Round = collections.namedtuple("Round", "number kind victims lasts_s before")

BEFORE = (20, 120)
LASTS_S = (0.2, 2.0)
BOOKED = ("authorization", "ledger", "outbox", "saga")  # who works on connections to PostgreSQL
PAIRS = 2  # of the victims of a kill, at once


def deal(seed, bus, keystore, count):
    """`count` rounds over these parts."""
    draw = random.Random(f"{seed} {bus} {keystore}")
    cards = []
    while len(cards) < count:
        cards += shuffled_deck(draw, bus, keystore)
    return [make_round(seed, number, card) for number, card in enumerate(cards[:count])]


def make_round(seed, number, card):
    draw = random.Random(f"{seed} {number}")
    return Round(number, *card, round(draw.uniform(*LASTS_S), 2), draw.randint(*BEFORE))


def shuffled_deck(draw, bus, keystore):
    """A run of few rounds is about its own parts first."""
    deck = make_deck(draw, bus, keystore)
    draw.shuffle(deck)
    own = {bus, keystore}
    return sorted(deck, key=lambda card: own.isdisjoint(card[1]))


def make_deck(draw, bus, keystore):
    """Whatever there is to strike over these parts, as (kind, victims)."""
    parts = [part for part in (bus, keystore) if part not in ("postgres", "none")]
    # What moto holds is in its memory alone, and ends with it; so would nothing of Amazon's.
    killed = [*SERVICES, "database", *(part for part in parts if part != "sns-sqs")]
    deck = [("kill", (victim,)) for victim in killed]
    deck += [("kill", tuple(draw.sample(killed, 2))) for _ in range(PAIRS)]
    deck += [("pause", (victim,)) for victim in (*draw.sample(SERVICES, 2), "database", *parts)]
    if can_mount():
        deck.append(("fill_disk", ("database",)))
    deck += [("hang_backend", (draw.choice(BOOKED),)),
             ("limit_role", (draw.choice(BOOKED),)), ("take_connections", (draw.choice(BOOKED),)),
             ("change_clock", (draw.choice(SERVICES),))]
    return deck
