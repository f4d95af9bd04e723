"""What all systems of a run have done together, for its last lines: a run that booked nothing shows
nothing."""
import collections
import contextlib

import psycopg

COUNTS = {
    "transactions": 'SELECT count(*) FROM "authorization".credit_authorization',
    "compensations": "SELECT count(*) FROM saga.saga WHERE state = 'compensated'",
    "redrives": " UNION ALL ".join(f'SELECT sum(redrive_count) FROM "{schema}".dead_letter'
                                   for schema in ("authorization", "ledger", "saga")),
}

OUTCOMES = ("acknowledged", "refused", "unknown")

total = collections.Counter()
seeds = set()  # of the rounds in which something was killed


def add(system):
    """Before its database goes. One that was never migrated has nothing to count."""
    with contextlib.suppress(psycopg.errors.UndefinedTable):
        for name, query in COUNTS.items():
            total[name] += sum(int(row[0] or 0) for row in system.sql(query))


def add_kill_round(seed, outcomes):
    """`outcomes`: of all that was asked in it, how much was acknowledged, refused, unknown."""
    total["kill rounds"] += 1
    total.update(outcomes)
    seeds.add(seed)


def told():
    """All of it, as one process tells another."""
    return {"total": dict(total), "seeds": sorted(seeds)}


def add_told(tally):
    total.update(tally["total"])
    seeds.update(tally["seeds"])


def text():
    said = [f"{total[name]} {name}" for name in COUNTS]
    if seeds:
        asked = ", ".join(f"{total[name]} {name}" for name in OUTCOMES)
        said.append(f"{total['kill rounds']} kill rounds with {asked} "
                    f"(TALLYSTICK_TEST_SEED={' '.join(map(str, sorted(seeds)))})")
    return ", ".join(said)
