"""The checker of histories: it takes what one account after the other, one operation after the
other, could have answered, and refuses everything else: histories made by hand, and those of a real
server, whole, killed, and broken on purpose."""
import json
import os
import random

import pytest

from faults import checker
from faults.checker import LINEARIZABLE, USAGE, WRONG
from faults.mutants import mutant
from faults.traffic import Traffic

SEED = int(os.environ["TALLYSTICK_TEST_SEED"])
LIMIT = 1000


# ---- by hand -------------------------------------------------------------------------------------

class Story:
    """A history of one account; times are small numbers. It opens with a limit of 1000: by a PUT,
    or on first sight."""

    def __init__(self, is_put=True):
        self.lines = []
        self.first_sight = None if is_put else LIMIT
        if is_put:
            self.put(0, 1)

    def line(self, operation, start, end, given, said, outcome=None):
        outcome = outcome or ("unknown" if end is None else "acknowledged")
        self.lines.append({"client": len(self.lines) % 3, "account": "a", "operation": operation,
                           "input": given, "start_ns": start, "end_ns": end, "outcome": outcome,
                           "output": said})
        return self

    def put(self, start, end, limit=LIMIT, version=1, held=0, status="open", asked=None):
        return self.line("put", start, end, {"limit_minor": limit, "status": asked}, end and {
            "http": 200, "credit_limit_minor": limit, "held_minor": held, "status": status,
            "version": version})

    def ask(self, start, end, tx, amount, left=None, code="approved", outcome=None, **more):
        """Approved: so much is left. `more` is of input and output."""
        given = {"key": more.pop("key", f"key {tx}"), "transaction_id": tx, "amount_minor": amount}
        said = {"http": 201, "replayed": False, "id": tx, "code": code, "available_minor": left,
                "approved_minor": amount if code == "approved" else 0, "decided": tx, "body": tx,
                "bytes": tx, "expires_ns": 10**9} | more
        return self.line("authorize", start, end, given, None if left is None else said, outcome)

    def no(self, start, end, tx, amount, left, code="credit_limit_exceeded"):
        return self.ask(start, end, tx, amount, left, code)

    def void(self, start, end, tx, key="void", code=None, http=200, bytes="voided"):
        said = {"http": http, "status": "voided", "version": 2, "bytes": bytes, "replayed": False}
        if code:
            said = {"http": 409, "code": code}
        return self.line("void", start, end, {"key": key, "id": tx}, end and said)

    def balance(self, start, end, held, limit=LIMIT):
        return self.line("balance", start, end, {}, {
            "http": 200, "credit_limit_minor": limit, "held_minor": held,
            "available_minor": limit - held})

    def look(self, start, end, tx, status="approved", version=1, ended=None, decided=None):
        return self.line("look", start, end, {"id": tx}, {
            "http": 200, "status": status, "version": version, "ended_ns": ended,
            "decided": decided or tx})

    def list(self, at, *transactions):
        return self.line("list", at, at, {}, {"transactions": transactions})

    def judge(self, path, seconds=10):
        lines = [{"history": 1, "auto_open_limit_minor": self.first_sight}, *self.lines]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return checker.judge(path, seconds=seconds)


def story():
    return Story()


def unseen():
    return Story(is_put=False)


REUSED = {"http": 409, "code": "idempotency_key_reused"}

RIGHT = {
    "one after the other":
        story().ask(2, 3, "x", 600, 400).no(4, 5, "y", 500, 400).void(6, 7, "x").balance(8, 9, 0),
    "at the same time, in the order that the answers tell":
        story().ask(2, 9, "x", 600, 100).ask(3, 8, "y", 300, 700).balance(4, 7, 0),
    "unknown, and it happened":
        story().ask(2, None, "x", 600).balance(3, 4, 0).balance(5, 6, 600),
    "unknown, and it did not happen":
        story().ask(2, None, "x", 600).balance(3, 4, 0).balance(5, 6, 0),
    "unknown, and asked again": story().ask(2, None, "x", 600).ask(5, 6, "x", 600, 400)
        .ask(7, 8, "x", 600, 400, replayed=True).ask(9, 9, "x", 600, 400, key="other", http=200,
                                                     bytes="", replayed=True),
    "unknown, and its retry says that it happened long before":
        story().ask(2, None, "x", 600).balance(3, 4, 600).ask(5, 6, "x", 600, 400, replayed=True),
    "refused, and it did not happen":
        story().ask(2, 3, "x", 600, outcome="refused").balance(4, 5, 0).list(6),
    "an unknown change of the limit":
        story().put(2, None, 500).balance(3, 4, 0).balance(5, 6, 0, limit=500),
    "nobody knows, says the answer": story().line(
        "put", 2, None, {"limit_minor": 500}, {"http": 504, "code": "deadline_exceeded"})
        .balance(3, 4, 0).balance(5, 6, 0, limit=500),
    "expired in its time":
        story().ask(2, 3, "x", 600, 400, expires_ns=10).balance(12, 13, 0)
        .look(14, 15, "x", "expired", 2, ended=11),
    "expired, and nobody looked":
        story().ask(2, 3, "x", 600, 400, expires_ns=10).balance(12, 13, 600).balance(14, 15, 0),
    "voided too late": story().ask(2, 3, "x", 600, 400).void(4, 7, "x", "one")
        .void(5, 6, "x", "two", code="already_voided"),
    "frozen": story().put(2, 3, asked="frozen", status="frozen", version=2)
        .no(4, 5, "x", 10, LIMIT, code="account_frozen"),
    "opened by whoever reused a key":
        unseen().line("reuse", 2, 3, {"key": "other"}, REUSED).balance(4, 5, 0),
    "a limit below what is held":
        story().ask(2, 3, "x", 600, 400).put(4, 5, 100, version=2, held=600).balance(6, 7, 600, 100)
        .no(8, 9, "y", 1, -500),
}

WRONG_ONES = {
    "more than the limit": story().ask(2, 3, "x", 600, 400).ask(4, 5, "y", 500, -100),
    "more than the limit, each as if it were alone":
        story().ask(2, 5, "x", 600, 400).ask(3, 4, "y", 600, 400),
    "a lost update": story().ask(2, 5, "x", 300, 700).ask(3, 4, "y", 600, 400),
    "declined though it fits": story().no(2, 3, "x", 600, LIMIT),
    "approved though frozen": story().put(2, 3, asked="frozen", status="frozen", version=2)
        .ask(4, 5, "x", 10, 990),
    "opened by nobody": unseen().balance(2, 3, 0).line("reuse", 4, 5, {"key": "other"}, REUSED),
    "a stale balance": story().ask(2, 3, "x", 600, 400).balance(4, 5, 0),
    "a balance of the future": story().balance(2, 3, 600).ask(4, 5, "x", 600, 400),
    "two balances that go back":
        story().ask(2, 9, "x", 600, 400).balance(3, 4, 600).balance(5, 6, 0),
    "answered and forgotten": story().ask(2, 3, "x", 600, 400).ask(4, 5, "y", 10, 990),
    "decided twice": story().ask(2, 3, "x", 100, 900).ask(4, 5, "x", 100, 900),
    "two answers to one transaction":
        story().ask(2, 3, "x", 100, 900).ask(4, 5, "x", 100, 800, body="z", replayed=True),
    "two ids of one transaction":
        story().ask(2, 3, "x", 100, 900).ask(4, 5, "x", 100, 900, id="z", replayed=True),
    "other bytes": story().ask(2, 3, "x", 100, 900).ask(4, 5, "x", 100, 900, bytes="z",
                                                        replayed=True),
    "a decision was due": story().ask(2, 3, "x", 100, 900, http=409),
    "a key taken twice": story().ask(2, 3, "x", 100, 900).line(
        "reuse", 4, 5, {"key": "key x"}, {"http": 201, "code": "approved"}),
    "refused, and it happened":
        story().ask(2, 3, "x", 600, outcome="refused").balance(4, 5, 600),
    "refused, and it is there": story().ask(2, 3, "x", 600, outcome="refused").list(4, "x"),
    "answered, and it is not there": story().ask(2, 3, "x", 600, 400).list(4),
    "there, and nobody asked": story().list(4, "x"),
    "unknown, and it happened twice": story().ask(2, None, "x", 300).balance(3, 4, 600),
    "unknown, and it happened before it was asked":
        story().balance(2, 3, 300).ask(4, None, "x", 300),
    "unknown, happened, and took itself back":
        story().ask(2, None, "x", 300).balance(3, 4, 300).balance(5, 6, 0),
    "a void that frees nothing":
        story().ask(2, 3, "x", 600, 400).void(4, 5, "x").balance(6, 7, 600),
    "a void that frees twice": story().ask(2, 3, "x", 600, 400).ask(4, 5, "y", 100, 300)
        .void(6, 7, "x").balance(8, 9, -500),
    "voided by two": story().ask(2, 3, "x", 600, 400).void(4, 5, "x", "one").void(6, 7, "x", "two"),
    "one void, two outcomes":
        story().ask(2, 3, "x", 600, 400).void(4, 5, "x").void(6, 7, "x", code="already_voided"),
    "one void, two answers":
        story().ask(2, 3, "x", 600, 400).void(4, 5, "x").void(6, 7, "x", bytes="other"),
    "voided by nobody": story().ask(2, 3, "x", 600, 400).look(4, 5, "x", "voided", 2, ended=4),
    "too late for a void that came later":
        story().ask(2, 3, "x", 600, 400).void(4, 5, "x", "one", code="already_voided")
        .void(6, 7, "x", "two"),
    "voided, then approved":
        story().ask(2, 3, "x", 600, 400).void(4, 5, "x").look(6, 7, "x"),
    "expired before its time": story().ask(2, 3, "x", 600, 400, expires_ns=10)
        .look(14, 15, "x", "expired", 2, ended=8),
    "freed before it expires": story().ask(2, 3, "x", 600, 400, expires_ns=10).balance(5, 6, 0)
        .look(14, 15, "x", "expired", 2, ended=11),
    "expired, and nothing was freed": story().ask(2, 3, "x", 600, 400, expires_ns=10)
        .look(14, 15, "x", "expired", 2, ended=11).balance(16, 17, 600),
    "a decision that changes":
        story().ask(2, 3, "x", 600, 400).look(4, 5, "x", decided="otherwise"),
    "a limit that was ignored": story().put(2, 3, 500, version=2).balance(4, 5, 0),
    "a limit that comes back": story().put(2, 3, 500, version=2).put(4, 5, 800, version=3)
        .balance(6, 7, 0, limit=500),
    "a version left out": story().put(2, 3, 500, version=3),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_could_be_is_taken(name, tmp_path):
    verdict = RIGHT[name].judge(tmp_path / "history")
    assert verdict.code == LINEARIZABLE, verdict.text


@pytest.mark.parametrize("name", WRONG_ONES)
def test_what_cannot_be_is_refused(name, tmp_path):
    verdict = WRONG_ONES[name].judge(tmp_path / "history")
    assert verdict.code == WRONG, verdict.text


def test_the_first_answer_that_cannot_be_is_named(tmp_path):
    told = story().ask(2, 3, "x", 600, 400).balance(4, 5, 600).balance(6, 7, 601).balance(8, 9, 600)
    verdict = told.judge(tmp_path / "history")
    assert "no order explains line 5: client 0, balance" in verdict.text
    assert "then open, version 1, limit 1000, held 600, available 400" in verdict.text


@pytest.mark.parametrize("line", ["", "{}", '{"history": 2}', '{"history": 1}\n{"outcome": "so"}'])
def test_what_is_no_history_is_said_so(line, tmp_path):
    path = tmp_path / "history"
    path.write_text(line + "\n")
    assert checker.judge(path).code == USAGE
    assert checker.judge(tmp_path / "none").code == USAGE


# ---- a real server -------------------------------------------------------------------------------

def played(system, path, seed, count, strike=None, **options):
    """The traffic's history of so many operations, half of them before the strike."""
    print(f"again by: TALLYSTICK_TEST_SEED={SEED}")
    traffic = Traffic(system, path, seed, **options)
    with traffic.flowing():
        traffic.wait_for_more(count // 2)
        if strike:
            traffic.wait_in_flight(50)
            strike()
        traffic.wait_for_more(count // 2)
    traffic.finish()
    return traffic


def test_changes_of_accounts_while_answers_get_lost(system, tmp_path):
    """They have no key: made again, one would undo what came between. Found by this checker."""
    def strike():
        system.restart("authorization", how=9)
        system.cluster.crash()

    traffic = played(system, tmp_path / "history", f"{SEED} changes", 300, strike, users=14,
                     clients=50, weights={"authorize": 6, "limit": 1, "balance": 3})
    checker.check(traffic.path)


def test_what_a_real_server_answers(system, tmp_path):
    """Whole, then killed while it decides."""
    whole = played(system, tmp_path / "whole", f"{SEED} whole", 1000)
    assert set(whole.counts) == {"acknowledged"}
    killed = played(system, tmp_path / "killed", f"{SEED} killed", 1000,
                    lambda: system.restart("authorization", how=9))
    assert killed.counts["acknowledged"] > 1000
    for traffic in (whole, killed):
        print(dict(traffic.counts))
        checker.check(traffic.path)
        assert not [ask for ask in traffic.asks if ask.is_open()]
    system.settle()


# Each breaks one promise; what the clients are told gives it away.
MUTANTS = {
    "a void keeps the credit": [
        ("domain/authorization.c", "    account->held_minor -= authorization->remaining_minor;\n",
         "")],
}


@pytest.mark.parametrize("name", MUTANTS)
def test_what_a_broken_server_answers(name, make_system, tmp_path):
    program = mutant(tmp_path / "tallystick", *MUTANTS[name])
    system = make_system(binary=program)
    traffic = played(system, tmp_path / "history", f"{SEED} {name}", 400, users=2, short_holds=0,
                     weights={"authorize": 8, "void": 2, "balance": 2})
    verdict = checker.judge(traffic.path, seconds=10)
    print(verdict.text)
    assert verdict.code == WRONG and "no order explains" in verdict.text
