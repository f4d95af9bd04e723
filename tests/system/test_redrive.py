"""The way back of a dead letter: in order, once, counted, on the record, only as it is asked."""
import concurrent.futures
import json
import uuid

import psycopg
import pytest

from system.dead_letters import (answers, died, dlq, ledger, letter_of, letters_of, ls,
                                 on_dlq_topic, poisoned, redrive, saga, show, tell)
from system.harness import OWNER, wait_until
from system.ledger_commands import TRACE, Saga, account_id, check_books, entries, publish


pytestmark = pytest.mark.matrix


# ---- and back -----------------------------------------------------------------------------------

def test_a_redrive_heals_once_the_cause_is_gone(ledger, saga):
    message, row = letter_of(ledger, saga)
    later = Saga(saga.account)
    tell(ledger, later, later.do())  # what came after it has gone by
    line, = redrive(ledger, str(row.id), "--reason", "the trigger is gone")
    assert (line["event_id"], line["outcome"]) == (message["id"], "redriven")
    wait_until(lambda: answers(ledger, saga))
    assert len(entries(ledger, saga)) == 2

    found = wait_until(lambda: (it := show(ledger, message["id"]))
                       and it["letter"]["state"] == "redriven, applied" and it)
    assert found["letter"]["redrive_count"] == "1"
    deed, = found["deeds"]
    assert deed["reason"] == "the trigger is gone"
    assert (deed["action"], deed["outcome"]) == ("dead_letter.redrive", "redriven")
    assert deed["deed_id"] == found["letter"]["redrive_id"]
    assert deed["os_user"] and deed["database_user"] == "tallystick_operator"
    assert ls(ledger, "--key", saga.account) == []
    assert [one["id"] for one in ls(ledger, "--key", saga.account, "--state", "redriven")] == \
        [str(row.id)]


def test_it_goes_on_in_the_same_trace(ledger, saga):
    message, _ = letter_of(ledger, saga)
    redrive(ledger, message["id"])
    wait_until(lambda: answers(ledger, saga))
    wait_until(lambda: ledger.logs("ledger", event="message.unparked", event_id=message["id"]))
    told = [line["event"] for line in ledger.logs("ledger", trace_id=TRACE)
            if message["id"] == line.get("event_id") or saga.id == line.get("saga_id")]
    assert told == ["message.parked", "message.dead_lettered", "ledger.hold_recorded",
                    "message.unparked"]


def test_what_is_sent_back_to_a_service_that_is_down_waits_for_it(ledger, saga):
    message, _ = letter_of(ledger, saga)
    ledger.kill("ledger")
    redrive(ledger, message["id"])
    assert show(ledger, message["id"])["letter"]["state"] == "redriven, waits for its turn"
    ledger.start("ledger")
    wait_until(lambda: answers(ledger, saga))


def test_letters_of_a_key_come_back_in_order(ledger):
    account = account_id()
    sagas = [Saga(account) for _ in range(6)]
    messages = letters_of(ledger, sagas)
    assert len(redrive(ledger, "--key", account, "--rate", "1000")) == 6
    for one in sagas:
        wait_until(lambda one=one: answers(ledger, one))
    order = ledger.sql("""SELECT authorization_id::text AS id FROM ledger.journal
                           WHERE authorization_id = ANY(%s::uuid[]) ORDER BY chain_seq""",
                       [one.authorization for one in sagas])
    assert [row.id for row in order] == [one.authorization for one in sagas]


def test_one_that_dies_again_is_open_again_and_counted(ledger, saga):
    message = saga.do()
    with poisoned(ledger, saga):
        publish(ledger, message)
        first = died(ledger, message)
        redrive(ledger, message["id"])
        again = died(ledger, message, times=2)
    assert again.id == first.id
    assert (again.redrive_count, again.attempts) == (1, 6)
    assert again.first_failed_at == first.first_failed_at
    heads = wait_until(lambda: len(them := on_dlq_topic(ledger, message)) == 2 and them)
    assert [head["x-dlq-redrive-count"] for head in heads] == ["0", "1"]
    assert [head["x-dlq-attempts"] for head in heads] == ["3", "6"]
    assert "x-dlq-redrive-id" not in heads[0]
    assert heads[1]["x-dlq-redrive-id"] == str(again.redrive_id)
    assert heads[0]["x-dlq-first-failed-at"] == heads[1]["x-dlq-first-failed-at"]


def test_three_redrives_are_enough_unless_forced(ledger, saga):
    message = saga.do()
    with poisoned(ledger, saga):
        publish(ledger, message)
        for times in range(1, 4):
            died(ledger, message, times)
            redrive(ledger, message["id"])
        died(ledger, message, times=4)
    for dry in ([], ["--dry-run"]):
        line, = redrive(ledger, message["id"], *dry, code=1)
        assert line["outcome"] == "too_often"
    assert answers(ledger, saga) == 0
    redrive(ledger, message["id"], "--force")
    wait_until(lambda: answers(ledger, saga))
    assert [deed["outcome"] for deed in show(ledger, message["id"])["deeds"]] == ["redriven"] * 4


def test_a_dry_run_changes_nothing(ledger, saga):
    message, row = letter_of(ledger, saga)
    line, = redrive(ledger, "--key", saga.account, "--dry-run")
    assert (line["id"], line["outcome"]) == (str(row.id), "would_redrive")
    assert died(ledger, message) == row
    assert show(ledger, message["id"])["deeds"] == []


def test_a_letter_that_is_on_its_way_back_is_not_sent_twice(ledger, saga):
    message, _ = letter_of(ledger, saga)
    redrive(ledger, message["id"])
    line, = redrive(ledger, message["id"], code=1)
    assert line["outcome"] == "not_open"
    assert redrive(ledger, "--key", saga.account) == []


def test_many_operators_at_once_send_each_letter_back_once(ledger):
    sagas = [Saga(account_id(lane=number)) for number in range(12)]
    messages = letters_of(ledger, sagas)
    names = [message["id"] for message in messages]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: ledger.tallystick("dlq", "redrive", *names, "--rate", "500",
                                                         "-o", "json"), range(4)))
    lines = [line for run in runs for line in json.loads(run.stdout)]
    assert sorted(line["event_id"] for line in lines if line["outcome"] == "redriven") == \
        sorted(names)
    for one in sagas:
        wait_until(lambda one=one: answers(ledger, one))
        assert len(entries(ledger, one)) == 2
    deeds = ledger.sql("""SELECT count(*) FROM operator.audit a JOIN operator.dead_letter d
                              ON d.id = a.subject WHERE d.event_id = ANY(%s::uuid[])""", names)
    assert deeds[0].count == 12


def test_what_comes_while_a_letter_comes_back_is_applied_once(ledger):
    """Redriven, handed over again by the bus, and new commands of the key, all at once."""
    account = account_id()
    sagas = [Saga(account) for _ in range(10)]
    messages = letters_of(ledger, sagas)
    new = [Saga(account) for _ in range(10)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        back = pool.submit(redrive, ledger, "--key", account, "--rate", "200")
        for one, old in zip(new, messages, strict=True):
            publish(ledger, one.do(), old)
        assert {line["outcome"] for line in back.result()} <= {"redriven", "already_applied"}
    for one in [*sagas, *new]:
        wait_until(lambda one=one: answers(ledger, one))
    wait_until(lambda: not ledger.sql("SELECT 1 FROM ledger.parked_key WHERE key = %s", account))
    for one in [*sagas, *new]:
        assert len(entries(ledger, one)) == 2
        assert answers(ledger, one) == 1


def test_a_service_killed_again_and_again_while_letters_come_back(ledger):
    sagas = [Saga(account_id(lane=number % 8)) for number in range(60)]
    messages = letters_of(ledger, sagas)
    names = [message["id"] for message in messages]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        back = pool.submit(redrive, ledger, *names, "--rate", "30")
        for _ in range(3):
            ledger.kill("ledger")
            ledger.start("ledger")
        assert {line["outcome"] for line in back.result()} == {"redriven"}
    for one in sagas:
        wait_until(lambda one=one: answers(ledger, one), timeout=30)
        assert len(entries(ledger, one)) == 2
    check_books(ledger)


def test_the_rate_is_kept(ledger):
    sagas = [Saga(account_id()) for _ in range(5)]
    messages = letters_of(ledger, sagas)
    redrive(ledger, *[message["id"] for message in messages], "--rate", "20")
    at = ledger.sql("""SELECT extract(epoch FROM max(redriven_at) - min(redriven_at)) AS seconds
                         FROM operator.dead_letter WHERE event_id = ANY(%s::uuid[])""",
                    [message["id"] for message in messages])
    assert at[0].seconds > 0.15  # four pauses of 50 ms, the first may come late


# ---- the record of it ---------------------------------------------------------------------------

def test_the_record_is_written_once(ledger, saga):
    message, row = letter_of(ledger, saga)
    redrive(ledger, message["id"])
    for change in ("DELETE FROM operator.audit", "UPDATE operator.audit SET reason = ''",
                   "TRUNCATE operator.audit"):
        for role in ("tallystick_operator", OWNER):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ledger.sql(change, role=role)
    assert ledger.sql("""SELECT seq FROM operator.audit_link WHERE hash <> recomputed_hash
                             OR previous_hash <> hash_before OR seq <> seq_before + 1""") == []


def test_an_operator_can_send_back_what_is_there_and_nothing_else(ledger, saga):
    message, row = letter_of(ledger, saga)
    for change in ("INSERT INTO ledger.parked_message (consumer_group) VALUES ('ledger')",
                   "INSERT INTO ledger.parked_key (consumer_group) VALUES ('ledger')",
                   "UPDATE ledger.dead_letter SET payload = ''", "DELETE FROM ledger.dead_letter",
                   "INSERT INTO operator.audit (action) VALUES ('nothing')",
                   "UPDATE operator.audit_head SET seq = 0"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ledger.sql(change, role="tallystick_operator")
    call = "SELECT * FROM ledger.redrive_dead_letter(%s, gen_random_uuid(), 3, '', '')"
    for role in ("tallystick_gateway", "tallystick_ledger", "tallystick_saga"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ledger.sql(call, row.id, role=role)
    assert ledger.sql(call, uuid.uuid4(), role="tallystick_operator")[0].outcome == "gone"


# ---- what is refused ----------------------------------------------------------------------------

NOBODY = str(uuid.uuid4())


@pytest.mark.parametrize("args, code, words", [
    ([], 2, "one of ls, show ID, redrive, discard is expected"),
    (["show"], 2, "one of ls, show ID, redrive, discard is expected"),
    (["ls", "more"], 2, "one of ls, show ID, redrive, discard is expected"),
    (["bury"], 2, "one of ls, show ID, redrive, discard is expected"),
    (["show", "x"], 1, "is not a dead letter's id"),
    (["show", NOBODY], 1, "there is no dead letter"),
    (["show", NOBODY, "--class", "bug"], 2, "show takes an ID and no filter"),
    (["redrive"], 2, "redrive takes IDs, or filters, or --all"),
    (["discard", "--reason", "x"], 2, "discard takes IDs, or filters, or --all"),
    (["discard", NOBODY], 2, "--reason is required"),
    (["discard", NOBODY, "--reason", "x"], 1, "there is no dead letter"),
    (["discard", NOBODY, "--reason", "x", "--force"], 2, "--force is for redrive, not for discard"),
    (["redrive", NOBODY, "--by", "x"], 2, "--by is for discard, not for redrive"),
    (["redrive", "--dry-run"], 2, "redrive takes IDs, or filters, or --all"),
    (["redrive", NOBODY, "--all"], 2, "redrive takes IDs, or filters, or --all"),
    (["redrive", NOBODY, "--class", "bug"], 2, "redrive takes IDs, or filters, or --all"),
    (["redrive", "--class", "bug", "--all"], 2, "redrive takes IDs, or filters, or --all"),
    (["redrive", "x"], 2, "'x' is not a dead letter's id"),
    (["redrive", NOBODY], 1, "there is no dead letter"),
    (["redrive", NOBODY, "--limit", "1"], 2, "--limit is for filters"),
    (["redrive", "--all", "--rate", "0"], 2, "--rate is 1 to 1000"),
    (["redrive", "--all", "--rate", "1001"], 2, "--rate is 1 to 1000"),
    (["redrive", "--all", "--reason", "x" * 501], 2, "--reason is at most 500"),
    (["redrive", "--all", "--state", "all"], 2, "--state is for ls, not for redrive"),
    (["ls", "--force"], 2, "--force is for redrive, not for ls"),
    (["ls", "--all"], 2, "--all is for redrive, not for ls"),
    (["show", NOBODY, "--dry-run"], 2, "--dry-run is for redrive, not for show"),
    (["ls", "--reason", "why"], 2, "--reason is for redrive, not for ls"),
    (["ls", "--class", "sad"], 2, "must be one of schema|business|transient_exhausted|bug"),
    (["ls", "--group", "gateway"], 2, "must be one of authorization|ledger|saga"),
    (["ls", "--code", "sad"], 2, "'sad' is no cause"),
    (["ls", "--type", "hold"], 2, "'hold' is no message type"),
    (["ls", "--key", "user-1"], 2, "'user-1' is no id"),
    (["ls", "--key", NOBODY, "--user", "user-1"], 2, "give one of them"),
    (["ls", "--since", "yesterday"], 2, "'yesterday' is no time"),
    (["ls", "--since", "h"], 2, "'h' is no time"),
    (["ls", "--until", "99999999999999999h"], 2, "is no time"),
    (["ls", "--cursor", "x"], 2, "'x' is no letter's id"),
    (["ls", "--limit", "100001"], 2, "--limit is at most 100000"),
    (["ls", "--colour"], 2, "'--colour' is not known"),
    (["ls", "--database-url", "postgresql://127.0.0.1:1/x"], 4, "127.0.0.1"),
])
def test_dlq__refuses(ledger, args, code, words):
    done = dlq(ledger, *args, code=code)
    assert words in done.stderr
    assert done.stdout == ""


def test_dlq__help_names_every_option(ledger):
    said = dlq(ledger, "--help").stdout
    for option in ("group", "class", "code", "type", "key", "user", "since", "until", "state",
                   "limit", "cursor", "all", "dry-run", "rate", "reason", "by", "force", "output"):
        assert f"  --{option} " in said


def test_dlq__on_a_database_that_is_not_migrated(ledger, make_database):
    other = make_database(migrated=False)
    done = dlq(ledger, "ls", "--database-url", ledger.cluster.url(other, OWNER), code=1)
    assert "run: tallystick migrate apply" in done.stderr
