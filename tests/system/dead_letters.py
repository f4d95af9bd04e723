"""The ledger's commands that cannot be applied, and the operator's tool for what became of them."""
import contextlib
import json
import uuid

import psycopg
import pytest

from system.harness import OWNER, wait_until
from system.ledger_commands import TOPIC, Saga, account_id, check_books, publish

HASTY = {"TALLYSTICK_PARK_WAIT_MS": 20, "TALLYSTICK_PARK_ATTEMPTS_MAX": 3}


# ---- fixtures: a test file imports them by name --------------------------------------------------

@pytest.fixture(scope="module")
def ledger(open_system):
    """A ledger that soon gives up, and the outbox processor that publishes what it says."""
    system = open_system(HASTY, start=False)
    system.bus.watch()
    yield system.start("ledger", "outbox")
    check_books(system)


@pytest.fixture
def saga():
    return Saga(account_id())


# ---- letters -------------------------------------------------------------------------------------

def dlq(system, *args, code=0):
    done = system.tallystick("dlq", *args)
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def ls(system, *args):
    return json.loads(dlq(system, "ls", *args, "-o", "json").stdout)


def show(system, name):
    return json.loads(dlq(system, "show", name, "-o", "json").stdout)


def redrive(system, *args, code=0):
    return json.loads(dlq(system, "redrive", *args, "-o", "json", code=code).stdout)


def died(system, message, times=1):
    """The letter of a message, once it has died so often."""
    return wait_until(lambda: system.sql(
        """SELECT * FROM operator.dead_letter WHERE event_id = %s AND redriven_at IS NULL
              AND redrive_count >= %s""", message["id"], times - 1), 20,
        what=f"message {message['id']} is a dead letter")[0]


def answers(system, saga):
    """How many of a saga's commands the ledger has done."""
    return system.sql("SELECT count(*) FROM ledger.command_step WHERE saga_id = %s",
                      saga.id)[0].count


def tell(system, saga, message):
    before = answers(system, saga)
    publish(system, message)
    wait_until(lambda: answers(system, saga) == before + 1, what=f"saga {saga.id} answered")


@contextlib.contextmanager
def refused(system, table, condition):
    """A service cannot save such rows: a bug, as far as anybody can see from outside."""
    name = f"{table.partition('.')[0]}.poison_{uuid.uuid4().hex}"
    system.sql(f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN RAISE 'poison'; END $$;
                   CREATE TRIGGER {name.partition('.')[2]} BEFORE INSERT ON {table} FOR EACH ROW
                   WHEN ({condition}) EXECUTE FUNCTION {name}()""")
    try:
        yield
    finally:
        system.sql(f"DROP FUNCTION {name} CASCADE")


def poisoned(system, *sagas):
    """The ledger cannot save the journals of these sagas' authorizations."""
    poison = ", ".join(f"'{one.authorization}'" for one in sagas)
    return refused(system, "ledger.journal", f"NEW.authorization_id IN ({poison})")


@contextlib.contextmanager
def lane_locked(system, account):
    """The lane of an account, as a batch of the ledger locks it."""
    with psycopg.connect(system.cluster.url(system.database, OWNER)) as db:
        db.execute("""SELECT FROM ledger.chain_head
                       WHERE lane = (SELECT lane FROM ledger.ledger_account WHERE id = %s)
                         FOR UPDATE""", [account])
        yield


def letter_of(system, saga, kind="do"):
    """A command that has died of poison, and its letter."""
    message = getattr(saga, kind)()
    with poisoned(system, saga):
        publish(system, message)
        return message, died(system, message)


def letters_of(system, sagas):
    """One command of each saga, all of which have died of poison."""
    messages = [one.do() for one in sagas]
    with poisoned(system, *sagas):
        publish(system, *messages)
        for message in messages:
            died(system, message)
    return messages


def on_dlq_topic(system, message):
    """Headers of what has been published of a message's deaths, in order."""
    return [one.headers for one in system.bus.events(f"{TOPIC}.dlq") if one.id == message["id"]]
