"""The books cannot be changed: not by the ledger's role, not by the owner, not by an INSERT that
does not balance. The chain shows who did it all the same."""
import psycopg
import pytest

ZEROS = "decode(repeat('00', 32), 'hex')"
JOURNAL = f"""INSERT INTO ledger.journal VALUES (3, %(seq)s, gen_random_uuid(), 'record_hold',
    gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'USD', repeat('a', 32),
    {ZEROS}, {ZEROS}, now())"""
ENTRIES = "INSERT INTO ledger.entry VALUES "
ACCOUNT = "11111111-1111-8111-8111-111111111103"
OTHER = "22222222-2222-8222-8222-222222222203"


def entry(line, side, amount, *, seq=1, layer="pending", currency="USD", account=ACCOUNT):
    return f"(3, {seq}, {line}, '{account}', '{side}', '{layer}', {amount}, '{currency}')"


BALANCED = [entry(1, "debit", 5), entry(2, "credit", 5, account=OTHER)]


@pytest.fixture(scope="module")
def books(cluster):
    """Runs statements as a role, in one SQL transaction; what they may not do, they raise."""
    database = cluster.create_database()

    def run(*statements, role="tallystick_ledger"):
        with psycopg.connect(cluster.url(database, role)) as db:
            for statement in statements:
                db.execute(statement)

    run(JOURNAL % {"seq": 1}, ENTRIES + ", ".join(BALANCED))
    yield run
    cluster.drop_database(database)


@pytest.mark.parametrize("role", ["tallystick_ledger", "tallystick_owner"])
@pytest.mark.parametrize("statement", [
    "UPDATE ledger.entry SET amount_minor = 6",
    "DELETE FROM ledger.entry",
    "TRUNCATE ledger.entry",
    "UPDATE ledger.journal SET created_at = now()",
    "DELETE FROM ledger.journal",
    "TRUNCATE ledger.journal",
])
def test_nobody_changes_the_books(books, role, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        books(statement, role=role)


@pytest.mark.parametrize("name, rows", [
    ("one side", [entry(1, "debit", 5, seq=2)]),
    ("a cent less", [entry(1, "debit", 5, seq=2), entry(2, "credit", 4, seq=2)]),
    ("two layers", [entry(1, "debit", 5, seq=2), entry(2, "credit", 5, seq=2, layer="posted")]),
    ("two currencies", [entry(1, "debit", 5, seq=2),
                        entry(2, "credit", 5, seq=2, currency="EUR")]),
    ("another currency than its journal's", [entry(1, "debit", 5, seq=2, currency="EUR"),
                                             entry(2, "credit", 5, seq=2, currency="EUR")]),
    ("no journal", [entry(1, "debit", 5, seq=9), entry(2, "credit", 5, seq=9)]),
    ("an amount of zero", [entry(1, "debit", 0, seq=2), entry(2, "credit", 0, seq=2)]),
    ("negative amounts", [entry(1, "debit", -5, seq=2), entry(2, "credit", -5, seq=2)]),
])
def test_entries_that_do_not_balance_are_refused(books, name, rows):
    with pytest.raises(psycopg.errors.CheckViolation):
        books(JOURNAL % {"seq": 2}, ENTRIES + ", ".join(rows))


def test_a_past_journal_gets_no_more_entries(books):
    with pytest.raises(psycopg.errors.CheckViolation):
        books(ENTRIES + ", ".join([entry(3, "debit", 1), entry(4, "credit", 1, account=OTHER)]))


def test_balanced_entries_are_taken(books):
    books(JOURNAL % {"seq": 7},
          ENTRIES + ", ".join([entry(1, "debit", 5, seq=7), entry(2, "credit", 3, seq=7),
                               entry(3, "credit", 2, seq=7, account=OTHER)]))


@pytest.mark.parametrize("statement", [
    "DELETE FROM ledger.balance",
    "DELETE FROM ledger.hold",
    "DELETE FROM ledger.chain_head",
    "INSERT INTO ledger.chain_head VALUES (0, 0, decode(repeat('00', 32), 'hex'))",
    "UPDATE ledger.command_step SET reason = NULL",
    "DELETE FROM ledger.command_step",
    "UPDATE ledger.ledger_account SET currency = 'EUR'",
    "DELETE FROM ledger.ledger_account",
])
def test_the_role_may_not_do_what_the_ledger_never_does(books, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        books(statement)


def test_an_operator_may_freeze_and_change_nothing_else(books):
    books("""SELECT ledger.set_account_status(lane, id, 'frozen', gen_random_uuid(), 'anna', NULL,
                                              'a test')
               FROM ledger.ledger_account""", role="tallystick_operator")
    for statement in ("UPDATE ledger.ledger_account SET status = 'open'",
                      "UPDATE ledger.ledger_account SET currency = 'EUR'",
                      "UPDATE ledger.balance SET debit_minor = 0",
                      "INSERT INTO ledger.entry SELECT * FROM ledger.entry"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            books(statement, role="tallystick_operator")
