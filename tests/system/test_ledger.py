"""The ledger alone: what it does about commands that come once, twice, late and out of order, when
it refuses, and what it answers over HTTP. Other services are off, so each message is the test's."""
import itertools
import uuid

import pytest
from conftest import opened
from system import contracts
from system.harness import System, wait_until
from system.ledger_commands import (TRACE, Saga, account_id, answers, check_books, entries,
                                    net_pending, publish, tell)

pytestmark = pytest.mark.matrix

NOBODY = "00112233-4455-8677-8899-aabbccddeeff"  # no account of any test has this id
HOLD = [("debit", "pending", 9999), ("credit", "pending", 9999)]


@pytest.fixture(scope="module")
def ledger(cluster):
    with opened(System(cluster), start=False) as it:
        yield it.start("ledger")


@pytest.fixture(autouse=True)
def books(ledger):
    yield
    check_books(ledger)


@pytest.fixture
def saga():
    return Saga(account_id())


def secret(ledger):
    with open(ledger.env["TALLYSTICK_SERVICE_SECRET_FILE"]) as file:
        return {"Authorization": f"Bearer {file.read().strip()}"}


def ask(ledger, account, what, **options):
    return ledger.get(f"/internal/accounts/{account}/{what}", door="ledger",
                      headers=secret(ledger), **options)


def hold_of(answer):
    hold = answer.payload["hold"]
    return answer.type, hold["state"], hold["amount"]["amount_minor"], hold["reason"]


def set_status(ledger, account, status):
    ledger.sql("UPDATE ledger.ledger_account SET status = %s WHERE id = %s", status, account)


# ---- a hold and its end ----------------------------------------------------------------------


def test_a_hold_is_recorded_then_released(ledger, saga):
    recorded, = tell(ledger, saga, saga.do())
    assert hold_of(recorded) == ("ledger.hold_recorded", "recorded", 9999, None)
    assert recorded.payload["change"] == {"from": None, "to": "recorded", "by": "saga"}
    assert recorded.command_id == saga.commands["record_hold", "do"]
    assert recorded.sequence == 1
    assert entries(ledger, saga) == HOLD
    assert net_pending(ledger, saga.account) == 9999

    released, = tell(ledger, saga, saga.release())
    assert hold_of(released) == ("ledger.hold_released", "released", 9999, None)
    assert released.payload["change"] == {"from": "recorded", "to": "released", "by": "saga"}
    assert released.sequence == 2
    assert entries(ledger, saga) == HOLD * 2
    assert net_pending(ledger, saga.account) == 0


def test_a_journal_and_the_log_carry_the_trace_of_the_request(ledger, saga):
    answer, = tell(ledger, saga, saga.do())
    journal, = ledger.sql("SELECT * FROM ledger.journal WHERE saga_id = %s", saga.id)
    assert journal.trace_id == TRACE
    assert answer.origin_traceparent.split("-")[1] == TRACE
    assert answer.payload["hold"]["journal_id"] == str(journal.id)
    line = wait_until(lambda: ledger.logs("ledger", event="ledger.hold_recorded", saga_id=saga.id))
    assert line[0]["trace_id"] == TRACE
    assert line[0]["auth_id"] == saga.authorization


def test_a_release_releases_what_is_pending_and_no_more(ledger, saga):
    tell(ledger, saga, saga.do())
    saga.amount_minor = 1000000
    released, = tell(ledger, saga, saga.release())
    assert hold_of(released)[2] == 9999
    assert net_pending(ledger, saga.account) == 0


def test_the_settlement_account_is_kept_per_lane(ledger):
    sagas = [Saga(account_id(lane), amount_minor=100) for lane in (1, 2)]
    for one in sagas:
        tell(ledger, one, one.do())
    rows = ledger.sql("""SELECT b.lane FROM ledger.balance AS b
                           JOIN ledger.ledger_account AS a
                             ON a.lane = b.lane AND a.id = b.ledger_account_id
                          WHERE a.code = '2100:default' AND b.lane IN (1, 2)""")
    assert sorted(row.lane for row in rows) == [1, 2]


# ---- twice, late, out of order ---------------------------------------------------------------


def test_a_repeated_command_is_answered_the_same_and_changes_nothing(ledger, saga):
    first, = tell(ledger, saga, saga.do())
    again, third = tell(ledger, saga, saga.do(), saga.do())
    assert first.payload == again.payload == third.payload
    assert first.command_id == again.command_id
    assert first.sequence == again.sequence
    assert entries(ledger, saga) == HOLD


def test_a_repeated_release_is_answered_the_same_and_changes_nothing(ledger, saga):
    tell(ledger, saga, saga.do())
    first, again = tell(ledger, saga, saga.release(), saga.release())
    assert first.payload == again.payload
    assert entries(ledger, saga) == HOLD * 2


def test_a_message_delivered_twice_is_answered_once(ledger, saga):
    message = saga.do()
    publish(ledger, message, message)
    tell(ledger, saga, saga.release())
    publish(ledger, message)
    marker = Saga(saga.account)
    tell(ledger, marker, marker.do())
    assert [row.type for row in answers(ledger, saga)] == \
        ["ledger.hold_recorded", "ledger.hold_released"]
    assert entries(ledger, saga) == HOLD * 2


def test_an_undo_before_its_do_leaves_nothing_behind(ledger, saga):
    undone, late = tell(ledger, saga, saga.undo(), saga.do())
    assert hold_of(undone) == ("ledger.hold_released", "released", 0, None)
    assert undone.payload["hold"]["journal_id"] is None
    assert undone.payload["change"]["from"] is None
    assert hold_of(late) == ("ledger.refused", "refused", 9999, "already_released")
    assert entries(ledger, saga) == []


def test_a_release_before_its_hold_leaves_nothing_behind(ledger):
    """The two come from two sagas, so the barrier of one does not know the other's."""
    authorize = Saga(account_id())
    release = Saga(authorize.account, authorization=authorize.authorization)
    early, = tell(ledger, release, release.release())
    assert hold_of(early) == ("ledger.hold_released", "released", 0, None)
    late, = tell(ledger, authorize, authorize.do())
    assert hold_of(late) == ("ledger.refused", "refused", 9999, "already_released")
    assert entries(ledger, authorize) == []


def test_every_order_of_do_undo_and_their_repeats_ends_at_zero(ledger):
    for order in sorted(set(itertools.permutations("ddur"))):
        saga = Saga(account_id(lane=9))
        make = {"d": saga.do, "u": saga.undo, "r": saga.release}
        tell(ledger, saga, *(make[letter]() for letter in order))
        assert net_pending(ledger, saga.account) == 0, order
        assert len(entries(ledger, saga)) in (0, 4), order


def test_one_authorization_has_one_hold_whoever_asks(ledger, saga):
    first, = tell(ledger, saga, saga.do())
    other = Saga(saga.account, amount_minor=5, authorization=saga.authorization)
    second, = tell(ledger, other, other.do())
    assert second.payload["hold"] == first.payload["hold"]
    assert entries(ledger, saga) == HOLD


# ---- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("status, reason", [("frozen", "account_frozen"),
                                            ("closed", "account_closed")])
def test_an_account_that_is_not_open_refuses_holds_but_releases(ledger, saga, status, reason):
    tell(ledger, saga, saga.do())
    set_status(ledger, saga.account, status)
    later = Saga(saga.account)
    refused, = tell(ledger, later, later.do())
    assert hold_of(refused) == ("ledger.refused", "refused", 9999, reason)
    assert refused.payload["change"] == {"from": None, "to": "refused", "by": "saga"}
    assert refused.sequence == 0
    undone, = tell(ledger, later, later.undo())
    assert hold_of(undone) == ("ledger.hold_released", "released", 0, None)
    released, = tell(ledger, saga, saga.release())
    assert hold_of(released) == ("ledger.hold_released", "released", 9999, None)
    assert net_pending(ledger, saga.account) == 0


def test_another_currency_is_refused(ledger, saga):
    tell(ledger, saga, saga.do())
    other = Saga(saga.account, currency="EUR")
    refused, = tell(ledger, other, other.do())
    assert hold_of(refused) == ("ledger.refused", "refused", 9999, "currency_mismatch")
    assert entries(ledger, other) == []


def test_a_refusal_stays_refused_when_the_account_opens_again(ledger, saga):
    tell(ledger, saga, saga.do())
    set_status(ledger, saga.account, "frozen")
    later = Saga(saga.account)
    tell(ledger, later, later.do())
    set_status(ledger, saga.account, "open")
    again, = tell(ledger, later, later.do())
    assert hold_of(again) == ("ledger.refused", "refused", 9999, "account_frozen")


# ---- what is no command ----------------------------------------------------------------------


@pytest.mark.parametrize("name, spoil", [
    ("no saga", lambda m: m.update(saga_id=str(uuid.UUID(int=0)))),
    ("another type", lambda m: m.update(type="dev.tallystick.ledger.sing.v1")),
    ("another step", lambda m: m["payload"].update(step="dance")),
    ("a do that undoes", lambda m: m["payload"].update(op="undo")),
    ("no amount", lambda m: m["payload"].pop("amount")),
    ("an amount of zero", lambda m: m["payload"]["amount"].update(amount_minor=0)),
    ("a negative amount", lambda m: m["payload"]["amount"].update(amount_minor=-1)),
    ("an unknown currency", lambda m: m["payload"]["amount"].update(currency="XYZ")),
    ("another account's key", lambda m: m["payload"].update(account_id=account_id())),
    ("another subject", lambda m: m["payload"].update(authorization_id=account_id())),
])
def test_what_is_no_command_is_a_dead_letter_and_holds_nobody_up(ledger, saga, name, spoil):
    message = saga.do()
    spoil(message)
    publish(ledger, message)
    good = Saga(saga.account)
    tell(ledger, good, good.do())
    letter = wait_until(lambda: ledger.sql(
        "SELECT error_class, error_message FROM ledger.dead_letter WHERE event_id = %s",
        message["id"]))
    assert letter[0].error_class == "schema"
    assert entries(ledger, saga) == []


def test_a_hold_is_not_released_under_another_accounts_name(ledger):
    saga = Saga(account_id(lane=30))
    tell(ledger, saga, saga.do())
    stranger = Saga(account_id(lane=30), authorization=saga.authorization)
    message = stranger.release()
    publish(ledger, message)
    letter = wait_until(lambda: ledger.sql(
        "SELECT error_message FROM ledger.dead_letter WHERE event_id = %s", message["id"]))
    assert "another account's" in letter[0].error_message
    assert net_pending(ledger, saga.account) == 9999
    assert net_pending(ledger, stranger.account) == 0


# ---- when something fails --------------------------------------------------------------------


def test_what_cannot_be_saved_holds_up_its_own_account_alone(ledger):
    poison = Saga(account_id(lane=20))
    after = Saga(poison.account)
    innocents = [Saga(account_id(lane=20 + number % 8)) for number in range(40)]
    ledger.sql(f"""CREATE FUNCTION ledger.refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN RAISE 'poison'; END $$;
                   CREATE TRIGGER poison BEFORE INSERT ON ledger.journal FOR EACH ROW
                   WHEN (NEW.authorization_id = '{poison.authorization}')
                   EXECUTE FUNCTION ledger.refuse_poison()""")
    publish(ledger, *(one.do() for one in innocents[:20]), poison.do(), after.do(),
            *(one.do() for one in innocents[20:]))
    for one in innocents:
        wait_until(lambda one=one: answers(ledger, one), what="an innocent's answer")
    parked = wait_until(lambda: ledger.sql("SELECT * FROM ledger.parked_key WHERE key = %s",
                                           poison.account))
    assert "poison" in parked[0].reason
    assert answers(ledger, poison) == answers(ledger, after) == []
    ledger.sql("DROP FUNCTION ledger.refuse_poison CASCADE")
    wait_until(lambda: answers(ledger, poison) and answers(ledger, after), timeout=60,
               what="the parked commands applied")
    order = ledger.sql("""SELECT authorization_id::text AS id FROM ledger.journal
                           WHERE authorization_id IN (%s, %s) ORDER BY chain_seq""",
                       poison.authorization, after.authorization)
    assert [row.id for row in order] == [poison.authorization, after.authorization]


def test_killed_again_and_again_nothing_is_lost_or_done_twice(cluster):
    with opened(System(cluster), start=False) as system:
        system.start("ledger")
        sagas = [Saga(account_id(lane=number % 64)) for number in range(600)]
        for first in range(0, len(sagas), 100):
            publish(system, *(one.do() for one in sagas[first:first + 100]))
            publish(system, *(one.release() for one in sagas[first:first + 100:2]))
            system.kill("ledger")
            system.start("ledger")
        wait_until(lambda: system.sql("SELECT count(*) FROM ledger.outbox")[0].count == 900,
                   timeout=60, what="every command answered")
        assert system.sql("SELECT count(*) FROM ledger.journal")[0].count == 900
        assert system.sql("SELECT sum(pending_minor) AS sum FROM ledger.hold")[0].sum == 300 * 9999
        check_books(system)


# ---- answers fit their contracts -------------------------------------------------------------


def test_answers_fit_their_schemas(ledger, saga):
    late = Saga(account_id())
    said = tell(ledger, saga, saga.do(), saga.release())
    said += tell(ledger, late, late.undo(), late.do())
    for answer in said:
        contracts.check(f"{answer.type}.v1", answer.payload)


# ---- questions -------------------------------------------------------------------------------


def test_entries_are_paged_from_the_newest(ledger):
    account = account_id(lane=12)
    sagas = [Saga(account, amount_minor=amount) for amount in range(1, 8)]
    for one in sagas:
        tell(ledger, one, one.do())
    seen, cursor = [], None
    for _ in range(3):
        page = ask(ledger, account, "entries", params={"limit": 3, "cursor": cursor}).json()
        seen += page["items"]
        cursor = page["next_cursor"]
    assert cursor is None
    assert [item["amount"]["amount_minor"] for item in seen] == [7, 6, 5, 4, 3, 2, 1]
    newest = seen[0]
    assert newest["authorization_id"] == sagas[-1].authorization
    assert (newest["type"], newest["layer"], newest["side"]) == ("record_hold", "pending", "debit")
    assert newest["counterpart"] == "2100:default"
    assert newest["amount"] == {"amount": "0.07", "amount_minor": 7, "currency": "USD",
                                "exponent": 2}


def test_a_full_last_page_has_no_next(ledger):
    account = account_id(lane=13)
    for one in [Saga(account), Saga(account)]:
        tell(ledger, one, one.do())
    page = ask(ledger, account, "entries", params={"limit": 2}).json()
    assert len(page["items"]) == 2
    assert page["next_cursor"] is None


def test_the_balance_shows_both_layers(ledger, saga):
    other = Saga(saga.account, amount_minor=1)
    tell(ledger, saga, saga.do(), saga.release())
    tell(ledger, other, other.do())
    balance = ask(ledger, saga.account, "balance").json()
    assert balance["status"] == "open"
    assert balance["code"] == f"1100:{saga.account}"
    assert balance["pending"]["debit"]["amount_minor"] == 10000
    assert balance["pending"]["credit"]["amount_minor"] == 9999
    assert balance["pending"]["net"]["amount"] == "0.01"
    assert balance["posted"]["net"]["amount_minor"] == 0


def test_an_account_unknown_to_the_ledger(ledger):
    account = account_id()
    assert ask(ledger, account, "entries").json() == {"items": [], "next_cursor": None}
    unknown = ask(ledger, account, "balance")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"cursor": "x"},
                                    {"cursor": "1"}, {"cursor": "1.x"}, {"cursor": "1.99999"}])
def test_parameters_that_are_not_valid(ledger, params):
    refused = ask(ledger, account_id(), "entries", params=params)
    assert (refused.status_code, refused.json()["code"]) == (400, "parameter_invalid")


@pytest.mark.parametrize("path", ["/", "/internal/accounts", "/internal/accounts/x/entries",
                                  f"/internal/accounts/{NOBODY}",
                                  f"/internal/accounts/{NOBODY}/entries/more"])
def test_paths_that_are_none(ledger, path):
    assert ledger.get(path, door="ledger", headers=secret(ledger)).status_code == 404


def test_methods_other_than_get(ledger):
    refused = ledger.request("DELETE", f"/internal/accounts/{account_id()}/balance", door="ledger",
                             headers=secret(ledger))
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_without_the_secret_nobody_is_answered(ledger, headers):
    refused = ledger.get(f"/internal/accounts/{account_id()}/balance", door="ledger",
                         headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
