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

total = collections.Counter()


def add(system):
    """Before its database goes. One that was never migrated has nothing to count."""
    with contextlib.suppress(psycopg.errors.UndefinedTable):
        for name, query in COUNTS.items():
            total[name] += sum(int(row[0] or 0) for row in system.sql(query))


def text():
    return ", ".join(f"{total[name]} {name}" for name in COUNTS)
