"""What verify promises: clean books are clean, and one row corrupted by hand is named.

The rows are corrupted as a superuser with triggers off, each time in a fresh copy of a database
that has seen approvals, a decline, a void, a replay and a booking that was refused.
"""
import json
import os
import pty
import subprocess
import uuid

import psycopg
import pytest

from system.harness import BINARY, OWNER, run_tallystick

ONE_ENTRY = "(lane, chain_seq, line) = (SELECT lane, chain_seq, line FROM ledger.entry LIMIT 1)"
ONE_BALANCE = """ctid = (SELECT b.ctid FROM ledger.balance AS b WHERE layer = 'pending'
                          AND debit_minor > credit_minor LIMIT 1)"""
ONE_APPROVED = """id = (SELECT id FROM "authorization".credit_authorization
                         WHERE status = 'approved' LIMIT 1)"""
ONE_CHANGE = """ctid = (SELECT ctid FROM "authorization".authorization_change LIMIT 1)"""
ONE_ACCOUNT = """ctid = (SELECT ctid FROM "authorization".account LIMIT 1)"""
ONE_KEY = """ctid = (SELECT min(ctid) FROM "authorization".idempotency_key WHERE version = 1)
             AND tableoid = (SELECT tableoid FROM "authorization".idempotency_key
                              WHERE version = 1 LIMIT 1)"""
NEWEST_JOURNAL = """(lane, chain_seq) = (SELECT lane, max(chain_seq) FROM ledger.journal
                                          GROUP BY lane LIMIT 1)"""

# Invariant, what was done to the books, how.
CORRUPTIONS = [
    ("journals_balance", "an entry grows",
     f"UPDATE ledger.entry SET amount_minor = amount_minor + 1 WHERE {ONE_ENTRY}"),
    ("journals_balance", "an entry is lost", f"DELETE FROM ledger.entry WHERE {ONE_ENTRY}"),
    ("journals_balance", "an entry changes its currency",
     f"UPDATE ledger.entry SET currency = 'EUR' WHERE {ONE_ENTRY}"),
    ("journals_balance", "an entry without a journal",
     "INSERT INTO ledger.entry SELECT lane, 1000000, line, ledger_account_id, side, layer, "
     f"amount_minor, currency FROM ledger.entry WHERE {ONE_ENTRY}"),
    ("trial_balance", "a balance grows on one side",
     f"UPDATE ledger.balance SET debit_minor = debit_minor + 1 WHERE {ONE_BALANCE}"),
    ("balances_match_entries", "a balance grows on both sides",
     "UPDATE ledger.balance SET debit_minor = debit_minor + 1, credit_minor = credit_minor + 1 "
     f"WHERE {ONE_BALANCE}"),
    ("balances_match_entries", "a balance is lost",
     f"DELETE FROM ledger.balance WHERE {ONE_BALANCE}"),
    ("held_matches_open_authorizations", "an account holds a cent more",
     f"""UPDATE "authorization".account SET held_minor = held_minor + 1 WHERE {ONE_ACCOUNT}"""),
    ("held_matches_open_authorizations", "an account is lost",
     """DELETE FROM "authorization".account WHERE held_minor > 0"""),
    ("available_not_negative", "an approval left less than nothing",
     f"""UPDATE "authorization".credit_authorization SET available_minor = -1
          WHERE {ONE_APPROVED}"""),
    ("available_not_negative", "an account holds more than its limit",
     """UPDATE "authorization".account SET limit_minor = held_minor - 1
         WHERE version = 1 AND held_minor > 0"""),
    ("transaction_decided_once", "a transaction is decided twice",
     f"""UPDATE "authorization".credit_authorization SET transaction_id =
             (SELECT transaction_id FROM "authorization".credit_authorization
               WHERE status = 'declined' LIMIT 1) WHERE {ONE_APPROVED}"""),
    ("transaction_decided_once", "a decided transaction is forgotten",
     f"""DELETE FROM "authorization".decided_transaction
          WHERE authorization_{ONE_APPROVED}"""),
    ("transaction_decided_once", "a transaction is remembered under another id",
     f"""UPDATE "authorization".decided_transaction SET transaction_key = gen_random_uuid()
          WHERE authorization_{ONE_APPROVED}"""),
    ("keys_have_one_outcome", "a key's request changes",
     f"""UPDATE "authorization".idempotency_key SET fingerprint = sha256('x') WHERE {ONE_KEY}"""),
    ("keys_have_one_outcome", "a key's outcome is not there",
     f"""UPDATE "authorization".idempotency_key SET authorization_id = gen_random_uuid()
          WHERE {ONE_KEY}"""),
    ("keys_have_one_outcome", "a key has a second outcome on the next day",
     f"""INSERT INTO "authorization".idempotency_key
         SELECT k.day + 1, k.key_hash, a.fingerprint, a.lane, a.id, 1, 201, false, k.created_at
           FROM (SELECT * FROM "authorization".idempotency_key WHERE {ONE_KEY}) AS k,
                "authorization".credit_authorization AS a
          WHERE a.id <> k.authorization_id LIMIT 1"""),
    ("versions_match_changes", "a change is lost",
     f"""DELETE FROM "authorization".authorization_change WHERE {ONE_CHANGE}"""),
    ("versions_match_changes", "a version without a change",
     f"""UPDATE "authorization".credit_authorization SET version = 2 WHERE {ONE_APPROVED}"""),
    ("versions_match_changes", "a status without a change",
     f"""UPDATE "authorization".credit_authorization SET status = 'voided', remaining_minor = 0
          WHERE {ONE_APPROVED}"""),
    ("versions_match_changes", "a hold's version without a journal",
     "UPDATE ledger.hold SET version = version + 1 "
     "WHERE ctid = (SELECT min(ctid) FROM ledger.hold)"),
    ("events_applied_once", "a journal without its command",
     "DELETE FROM ledger.command_step WHERE ctid = "
     "(SELECT min(ctid) FROM ledger.command_step WHERE journal_id IS NOT NULL)"),
    ("events_applied_once", "a command booked twice",
     "UPDATE ledger.journal SET saga_id = (SELECT saga_id FROM ledger.journal WHERE "
     f"type = 'record_hold' AND NOT ({NEWEST_JOURNAL}) LIMIT 1), type = 'record_hold' "
     f"WHERE {NEWEST_JOURNAL}"),
    ("approved_is_booked_or_reversed", "a saga is lost",
     f"DELETE FROM saga.saga WHERE type = 'authorize' AND authorization_{ONE_APPROVED}"),
    ("approved_is_booked_or_reversed", "a completed saga booked nothing",
     f"DELETE FROM ledger.hold WHERE authorization_{ONE_APPROVED}"),
    ("approved_is_booked_or_reversed", "an undone saga left the credit held",
     f"UPDATE saga.saga SET state = 'compensated' WHERE authorization_{ONE_APPROVED}"),
    ("ledger_pending_matches_authorizations", "the ledger has less pending",
     "UPDATE ledger.hold SET pending_minor = pending_minor - 1 WHERE ctid = "
     "(SELECT min(ctid) FROM ledger.hold WHERE pending_minor > 1)"),
    ("ledger_pending_matches_authorizations", "an authorization holds less",
     f"""UPDATE "authorization".credit_authorization SET remaining_minor = remaining_minor - 1
          WHERE {ONE_APPROVED}"""),
    ("chain_unbroken", "a journal is changed",
     f"UPDATE ledger.journal SET trace_id = repeat('0', 32) WHERE {NEWEST_JOURNAL}"),
    ("chain_unbroken", "an entry moves to another account",
     f"UPDATE ledger.entry SET ledger_account_id = gen_random_uuid() WHERE {ONE_ENTRY}"),
    ("chain_unbroken", "the newest journal is taken back",
     f"DELETE FROM ledger.entry WHERE {NEWEST_JOURNAL}; "
     f"DELETE FROM ledger.journal WHERE {NEWEST_JOURNAL}"),
    ("chain_unbroken", "the head is set back",
     "UPDATE ledger.chain_head SET chain_seq = chain_seq - 1 WHERE lane = "
     "(SELECT min(lane) FROM ledger.chain_head WHERE chain_seq > 0)"),
    ("money_in_bounds", "an unknown currency",
     f"""UPDATE "authorization".account SET currency = 'XXX' WHERE {ONE_ACCOUNT}"""),
    ("money_in_bounds", "an amount beyond all bounds",
     f"UPDATE ledger.entry SET amount_minor = 1000000000000001 WHERE {ONE_ENTRY}"),
    ("audit_unbroken", "a deed is another's",
     "UPDATE operator.audit SET os_user = 'somebody else' WHERE seq = 1"),
    ("audit_unbroken", "the newest deed is taken back",
     "DELETE FROM operator.audit WHERE seq = (SELECT max(seq) FROM operator.audit)"),
    ("audit_unbroken", "a deed is taken out",
     "DELETE FROM operator.audit WHERE seq = 1"),
    ("given_up_by_deed", "a saga is abandoned behind everybody's back",
     """UPDATE saga.saga SET state = 'abandoned' WHERE ctid =
            (SELECT ctid FROM saga.saga LIMIT 1)"""),
    ("given_up_by_deed", "a deed is made up",
     """INSERT INTO operator.audit (seq, at, database_user, os_user, action, subject, operation_id,
                                     reason, detail, previous_hash, hash)
        SELECT seq + 1000, at, database_user, os_user, 'saga.abandon', subject, operation_id,
               reason, detail, previous_hash, hash FROM operator.audit LIMIT 1"""),
    ("given_up_by_deed", "a discard is made up",
     """INSERT INTO operator.audit (seq, at, database_user, os_user, action, subject, operation_id,
                                     reason, detail, previous_hash, hash)
        SELECT seq + 1000, at, database_user, os_user, 'dead_letter.discard', subject, operation_id,
               reason, '{"outcome": "discarded"}', previous_hash, hash
          FROM operator.audit LIMIT 1"""),
]

INVARIANTS = list(dict.fromkeys(name for name, _, _ in CORRUPTIONS))


@pytest.fixture(scope="module")
def books(cluster, open_system):
    """A database with a bit of everything in it, all sagas ended, and nobody connected to it."""
    system = open_system()
    held = [system.authorize(f"verify-{number % 4}", "12.34").json() for number in range(12)]
    declined = system.authorize("verify-0", "5000.00").json()
    assert declined["status"] == "declined"
    key = str(uuid.uuid4())
    first, again = (system.authorize("verify-1", "1.00", "tx-again", key) for _ in range(2))
    assert first.content == again.content
    system.settle()
    for made in held[:3]:
        assert system.post(f"/v1/authorizations/{made['id']}/void").status_code == 200
    assert system.tallystick("ledger", "account", "freeze", "verify-3").returncode == 0
    system.wait_saga(system.authorize("verify-3", "2.00").json(), "compensated")
    system.settle()
    make_deeds(system)
    system.stop()
    return system


def make_deeds(system):
    """What an operator does leaves rows that must not change; who, is filled in by itself."""
    for reason in ("it was late", 'it was "late" | again'):
        system.sql("""INSERT INTO operator.audit (os_user, action, subject, operation_id, reason,
                                                  detail)
                      VALUES ('somebody', 'dead_letter.redrive', gen_random_uuid(),
                              gen_random_uuid(), %s, '{}')""", reason)


def verify(system, database, *args):
    environment = system.env | system.cluster.environment(database)
    return run_tallystick(environment, "verify", *args)


@pytest.fixture
def copy(cluster, books):
    """A copy of the books that may be spoilt."""
    name = next(cluster.names)
    cluster.sql("postgres", f"CREATE DATABASE {name} TEMPLATE {books.database}")
    yield name
    cluster.drop_database(name)


def test_verify__clean_books(books):
    done = verify(books, books.database)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VIOLATED" not in done.stdout
    assert "sagas on their way: 0" in done.stdout
    assert "messages parked: 0, dead letters open: 0" in done.stdout
    report = json.loads(verify(books, books.database, "-o", "json").stdout)
    assert all(invariant["holds"] for invariant in report["invariants"])
    assert sorted(i["name"] for i in report["invariants"]) == sorted(INVARIANTS)


def test_verify__lists_its_invariants(books):
    done = verify(books, books.database, "--list", "-o", "json")
    assert done.returncode == 0
    assert sorted(row["invariant"] for row in json.loads(done.stdout)) == sorted(INVARIANTS)


@pytest.mark.parametrize("invariant, done, how", CORRUPTIONS,
                         ids=[f"{name}: {done}" for name, done, _ in CORRUPTIONS])
def test_verify__names_what_was_corrupted(cluster, books, copy, invariant, done, how):
    with psycopg.connect(cluster.url(copy, OWNER), autocommit=True) as db:
        db.execute("SET session_replication_role = replica")  # triggers off
        touched = sum(db.execute(step).rowcount for step in how.split("; "))
    assert touched > 0, "nothing was corrupted"
    found = verify(books, copy, "--only", invariant)
    assert found.returncode == 3, f"{found.stdout}{found.stderr}"
    assert f"{invariant}: " in found.stdout  # its promise and the first rows
    whole = verify(books, copy, "-o", "json")
    assert whole.returncode == 3
    violated = {i["name"]: i["rows"] for i in json.loads(whole.stdout)["invariants"]
                if not i["holds"]}
    assert violated[invariant], f"{done}: {violated}"


def test_verify__leaves_out_what_is_on_its_way(make_system):
    """An approval whose event has not left the outbox is no violation."""
    system = make_system(start=False).start("authorization", "ledger", "saga", "gateway")
    for number in range(5):
        assert system.authorize(f"open-{number}").status_code == 201
    system.verify()
    system.start("outbox")
    system.settle()
    system.verify()


def test_verify__gives_events_on_another_bus_their_time(cluster, books, copy):
    """What is on Kafka cannot be seen; after its time it is expected all the same."""
    with psycopg.connect(cluster.url(copy, OWNER), autocommit=True) as db:
        db.execute(f"""DELETE FROM saga.saga_step WHERE saga_id IN
                           (SELECT id FROM saga.saga WHERE authorization_{ONE_APPROVED})""")
        db.execute(f"DELETE FROM saga.saga WHERE authorization_{ONE_APPROVED}")
        db.execute(f"""UPDATE "authorization".credit_authorization SET created_at = now()
                        WHERE {ONE_APPROVED}""")
    for args, code in ((["--bus", "kafka", "--unseen-s", "3600"], 0), (["--bus", "kafka"], 0),
                       (["--bus", "kafka", "--unseen-s", "0"], 3), ([], 3)):
        found = verify(books, copy, *args)
        assert found.returncode == code, f"{args}: {found.stdout}{found.stderr}"


def test_verify__draws_a_bar_on_a_terminal(books):
    """And nowhere else; it is gone in the end, so that the table stands alone."""
    ours, theirs = pty.openpty()
    environment = books.env | books.cluster.environment(books.database)
    done = subprocess.run([BINARY, "verify"], env=environment, stderr=theirs,
                          stdout=subprocess.PIPE, timeout=60)
    os.close(theirs)
    drawn = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert done.returncode == 0
    frames = drawn.split("\r\033[K")[1:]
    assert [frame.split("]")[0].count("#") for frame in frames[:-1]] == sorted(
        frame.count("#") for frame in frames[:-1])
    assert [frame.split()[-1] for frame in frames[:-1]] == INVARIANTS
    assert frames[-1] == ""
    assert verify(books, books.database).stderr == ""


@pytest.mark.parametrize("args, code, words", [
    (["--only", "nothing"], 2, "'nothing' is no invariant"),
    (["everything"], 2, "'everything' is not expected"),
    (["--onyl", "x"], 2, "did you mean '--only'?"),
    (["--database-url", "postgresql://127.0.0.1:1/tallystick"], 4, "127.0.0.1"),
])
def test_verify__refuses(books, args, code, words):
    done = verify(books, books.database, *args)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stdout == ""
