"""`tallystick trace`: one transaction's whole story from the databases alone, whatever became of it
and what has not happened yet."""
import contextlib
import json
import uuid

import pytest

from system.dead_letters import HASTY, dlq, refused
from system.harness import wait_until

POISON_MINOR = 4711  # an amount that the ledger cannot save


@pytest.fixture(scope="module")
def house(open_system):
    """Five services that soon give a message up."""
    system = open_system(HASTY)
    yield system
    system.settle()
    system.verify()


def trace(system, *args, code=0):
    done = system.tallystick("trace", *args)
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def story_of(system, name):
    """As JSON; and the table tells the same, line by line."""
    story = json.loads(trace(system, name, "--json").stdout)
    if not story["waits"]:  # their times move
        table = trace(system, name).stdout
        assert all(line["says"] in table for line in story["events"])
        assert f"stands         {story['stands'].split(',')[0]}" in table
    return story


def events(story, service=None):
    return [line["event"] for line in story["events"] if service in (None, line["service"])]


def line(story, event, part="events"):
    return next(line for line in story[part] if line["event"] == event)


def in_order(story, *wanted):
    """These events have happened, in this order."""
    rest = iter(events(story))
    assert all(event in rest for event in wanted), events(story)


def minor(facts, name):
    return facts[name]["amount_minor"]


def ended(system, made, state="completed"):
    """Its saga has, and all that was said about it has gone out."""
    system.wait_saga(made, state)
    system.settle()


def user():
    return f"story-{uuid.uuid4()}"


# ---- from its request to its end -----------------------------------------------------------------

def test_an_approved_one_is_told_from_request_to_booking(house):
    who, name = user(), f"tx-{uuid.uuid4()}"
    house.authorize(who, "100.00")
    made = house.authorize(who, "99.99", transaction_id=name).json()
    ended(house, made)
    story = story_of(house, name)
    in_order(story, "request", "approved", "saga_started", "command_sent", "ledger_recorded",
             "step_ended", "saga_completed")
    assert story["waits"] == []
    assert story["stands"].startswith("approved and booked; holds 99.99 USD")
    assert (story["authorization_id"], story["trace_id"]) == (made["id"], made["trace_id"])

    room = line(story, "approved")["facts"]["afterwards"]
    assert (minor(room, "limit"), minor(room, "held"), minor(room, "available")) == \
        (100000, 19999, 80001)
    booked = line(story, "ledger_recorded")["facts"]
    assert [(one["side"], minor(one, "amount"), one["layer"]) for one in booked["entries"]] == \
        [("debit", 9999, "pending"), ("credit", 9999, "pending")]
    assert line(story, "step_ended")["facts"]["tries"] == 1
    offsets = [one["offset_us"] for one in story["events"]]
    assert offsets[0] == 0 and offsets == sorted(offsets)


@pytest.mark.bus("postgres")
def test_each_message_is_told_as_published_and_as_applied(house):
    made = house.authorize(user(), "5.00").json()
    ended(house, made)
    story = story_of(house, made["id"])
    said = [(one["event"], one["service"], one["facts"]["type"]) for one in story["events"]
            if one["event"] in ("published", "applied")]
    assert said == [("published", "outbox", "authorization.approved"),
                    ("applied", "saga", "authorization.approved"),
                    ("published", "outbox", "ledger.record_hold"),
                    ("applied", "ledger", "ledger.record_hold"),
                    ("published", "outbox", "ledger.hold_recorded"),
                    ("applied", "saga", "ledger.hold_recorded")]


def test_it_is_found_by_each_of_its_ids(house):
    name = str(uuid.uuid4())  # a transaction id that looks like one of ours
    made = house.authorize(user(), "1.00", transaction_id=name).json()
    ended(house, made)
    for given, found_by in ((name, "transaction"), (made["id"], "authorization"),
                            (made["saga_id"], "saga")):
        story = story_of(house, given)
        assert (story["found_by"], story["transaction_id"]) == (found_by, name)


def test_a_declined_one_says_what_there_was(house):
    who = user()
    house.authorize(who, "900.00")
    made = house.authorize(who, "100.01").json()
    house.settle()
    story = story_of(house, made["transaction_id"])
    declined = line(story, "declined")
    assert "credit_limit_exceeded" in declined["says"]
    room = declined["facts"]["afterwards"]
    assert (minor(room, "limit"), minor(room, "held"), minor(room, "available")) == \
        (100000, 90000, 10000)
    assert story["waits"] == [] and "saga_started" not in events(story)
    assert story["stands"] == "declined; there is nothing to book"


def test_what_was_there_stays_told_when_the_limit_moves(house):
    who = user()
    made = house.authorize(who, "900.00").json()
    assert house.tallystick("account", "put", who, "--credit-limit", "5.00").returncode == 0
    room = line(story_of(house, made["id"]), "approved")["facts"]["afterwards"]
    assert minor(room, "limit") == 100000


def test_a_decision_of_an_older_version_has_no_limit_to_tell(house):
    made = house.authorize(user(), "3.00").json()
    house.sql("""UPDATE "authorization".credit_authorization
                    SET limit_minor = NULL, held_minor = NULL WHERE id = %s""", made["id"])
    approved = line(story_of(house, made["id"]), "approved")
    assert "limit and held were not kept" in approved["says"]
    assert list(approved["facts"]["afterwards"]) == ["available"]


def test_every_key_that_it_was_answered_under_is_told(house):
    made = house.authorize(user(), "2.00", transaction_id=f"tx-{uuid.uuid4()}")
    again = house.post("/authorize", json.loads(made.request.body))
    assert (made.status_code, again.status_code) == (201, 200)
    told = [one["facts"]["http_status"]
            for one in story_of(house, made.json()["id"])["events"] if one["event"] == "answered"]
    assert told == [201, 200]


def test_a_voided_one_has_two_sagas(house):
    made = house.authorize(user(), "40.00").json()
    ended(house, made)
    house.post(f"/v1/authorizations/{made['id']}/void")
    house.settle()
    story = story_of(house, made["id"])
    in_order(story, "approved", "ledger_recorded", "saga_completed", "voided", "saga_started",
             "ledger_released", "saga_completed")
    sides = [one["side"] for one in line(story, "ledger_released")["facts"]["entries"]]
    assert sides == ["credit", "debit"] or sides == ["debit", "credit"]
    assert story["stands"] == "voided; nothing is held any more"


def test_a_refused_booking_is_told_with_its_reason_and_its_undo(house):
    who = user()
    house.wait_saga(house.authorize(who, "1.00").json())
    assert house.tallystick("ledger", "account", "freeze", who).returncode == 0
    made = house.authorize(who, "7.00").json()
    ended(house, made, "compensated")
    story = story_of(house, made["id"])
    in_order(story, "approved", "saga_started", "ledger_refused", "reversed", "saga_compensated")
    assert line(story, "ledger_refused")["facts"]["reason"] == "account_frozen"
    assert [one["facts"]["step"] for one in story["events"] if one["event"] == "command_sent"] == \
        ["record_hold", "release_authorization"]
    assert story["stands"] == "reversed; nothing is held any more"


@contextlib.contextmanager
def impatient(service):
    """While it is started so, the orchestrator soon calls a saga stuck."""
    before = service.environment
    service.environment = before | {"TALLYSTICK_SAGA_REPEAT_MS": "300",
                                    "TALLYSTICK_SAGA_STUCK_MS": "900"}
    yield
    service.environment = before


# ---- half-way ------------------------------------------------------------------------------------

def test_a_ledger_that_is_down_is_where_it_stands(house):
    house.stop("ledger")
    made = house.authorize(user(), "8.00").json()
    house.wait_saga(made, "running")
    story = story_of(house, made["id"])
    missing = line(story, "step_not_taken", "waits")
    assert missing["service"] == "ledger"
    assert "sent 1 time; next deadline in" in missing["says"]
    assert "ledger_recorded" not in events(story)
    house.start("ledger")
    ended(house, made)
    assert story_of(house, made["id"])["waits"] == []


def test_a_saga_that_is_stuck_says_so(house):
    house.stop("ledger", "saga")
    with impatient(house.services["saga"]):
        house.start("saga")
        made = house.authorize(user(), "8.00").json()
        house.wait_saga(made, "stuck")
        house.stop("saga")
    house.start("saga")
    story = story_of(house, made["id"])
    assert "not at its end" in story["stands"]
    missing = line(story, "step_not_taken", "waits")
    assert missing["service"] == "ledger"
    assert "hold not recorded yet; saga waits for it since" in missing["says"]
    assert "the saga is stuck" in missing["says"]
    assert missing["waits_us"] >= 900_000
    assert line(story, "saga_not_ended", "waits")["facts"]["state"] == "stuck"
    assert "ledger_recorded" not in events(story)
    assert "not yet" in trace(house, made["id"]).stdout
    house.start("ledger")
    ended(house, made)
    assert story_of(house, made["id"])["waits"] == []


@pytest.mark.bus("postgres")
def test_a_message_that_is_not_read_waits_at_its_reader(house):
    house.stop("saga")
    first, second = (house.authorize("unread-user", "1.00").json() for _ in range(2))
    house.bus.watch()
    wait_until(lambda: any(one["event"] == "published"
                           for one in story_of(house, second["id"])["events"]))
    unread = line(story_of(house, second["id"]), "not_read", "waits")
    assert (unread["service"], unread["facts"]["messages_before"]) == ("saga", 1)
    assert "the next in its order" in line(story_of(house, first["id"]), "not_read",
                                           "waits")["says"]
    assert line(story_of(house, first["id"]), "saga_not_started", "waits")["service"] == "saga"
    house.start("saga")
    house.wait_saga(second)


def test_an_event_that_is_not_published_waits_in_its_outbox(house):
    house.stop("outbox")
    made = house.authorize(user(), "1.00").json()
    story = story_of(house, made["id"])
    waiting = line(story, "not_published", "waits")
    assert waiting["facts"]["type"] == "authorization.approved"
    assert "in the authorization outbox since" in waiting["says"]
    house.start("outbox")
    ended(house, made)
    assert story_of(house, made["id"])["waits"] == []


def test_a_dead_letter_and_its_redrive_are_part_of_the_story(house):
    with refused(house, "ledger.command_step", f"NEW.amount_minor = {POISON_MINOR}"):
        made = house.authorize(user(), "47.11").json()
        wait_until(lambda: line_or_none(story_of(house, made["id"]), "dead"),
                   what="the command is a dead letter")
        story = story_of(house, made["id"])
    letter = line(story, "dead_letter")["facts"]
    assert (letter["error_code"], letter["type"]) == ("database_refused", "ledger.record_hold")
    assert f"dlq show {letter['letter_id']}" in line(story, "dead", "waits")["says"]
    dlq(house, "redrive", letter["letter_id"], "--reason", "the poison is gone")
    ended(house, made)
    story = story_of(house, made["id"])
    in_order(story, "approved", "dead_letter", "redrive", "ledger_recorded", "saga_completed")
    deed = line(story, "redrive")
    assert deed["facts"]["outcome"] == "redriven" and "the poison is gone" in deed["says"]
    assert story["waits"] == []


def line_or_none(story, event):
    return next((one for one in story["waits"] if one["event"] == event), None)


# ---- as a command --------------------------------------------------------------------------------

@pytest.mark.parametrize("args, code, words", [
    ([], 2, "one ID is expected"),
    (["tx-1", "tx-2"], 2, "one ID is expected"),
    (["tx-never-seen"], 1, "no transaction id 'tx-never-seen' of tenant 'default'"),
    ([str(uuid.uuid4())], 1, "no authorization and no saga of this database"),
    (["tx-1", "--tenant", "other"], 1, "of tenant 'other'"),
    (["tx-1", "-o", "xml"], 2, "must be one of table|json"),
    (["tx-1", "--database-url", "postgresql://127.0.0.1:1/x"], 4, "127.0.0.1"),
])
def test_trace__refuses(house, args, code, words):
    done = trace(house, *args, code=code)
    assert words in done.stderr
    assert done.stdout == ""


def test_trace__on_a_database_that_is_not_migrated(house, make_database):
    url = house.cluster.url(make_database(migrated=False))
    done = trace(house, "tx-1", "--database-url", url, code=1)
    assert "tallystick migrate apply" in done.stderr
