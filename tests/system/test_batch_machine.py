"""It is a batch machine: one commit serves many requests, and what is asked of the database finds
its rows by an index when the tables have grown."""
import concurrent.futures
import pathlib
import re

import psycopg
import pytest

from system.common import wait_until
from system.driver import drive, drive_batches
from system.harness import OWNER

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETTINGS = ("enable_seqscan = off", "plan_cache_mode = force_generic_plan", "jit = off")

# The statements that every request passes, and the indexes that they must use. Those of a schema
# that several services have are planned in one of them.
HOT = {
    "authorization/find_keys": ["idempotency_key_.*_pkey"],
    "authorization/find_transactions": ["decided_transaction_pkey"],
    "authorization/find_authorizations": ["credit_authorization_pkey"],
    "authorization/find_changes": ["authorization_change_pkey"],
    "authorization/find_due_accounts": ["account_next_expiry"],
    "authorization/find_due_holds": ["credit_authorization_open"],
    "authorization/find_next_expiry": ["credit_authorization_open"],
    "authorization/find_existing_accounts": ["account_pkey"],
    "authorization/list_authorizations": ["credit_authorization_of_account"],
    "authorization/lock_accounts": ["account_pkey"],
    "authorization/lock_free_accounts": ["account_pkey"],
    "authorization/update_accounts": ["account_pkey"],
    "authorization/update_released": ["credit_authorization_pkey"],
    "ledger/find_accounts": ["ledger_account_pkey"],
    "ledger/find_balance": ["ledger_account_pkey", "balance_pkey"],
    "ledger/find_holds": ["hold_pkey"],
    "ledger/find_steps": ["command_step_pkey"],
    "ledger/list_entries": ["entry_of_account", "journal_pkey"],
    "ledger/lock_chains": ["chain_head_pkey"],
    "ledger/move_chains": ["chain_head_pkey"],
    "saga/count_active_sagas": ["saga_deadline", "saga_uncommon"],
    "saga/find_due_sagas": ["saga_deadline"],
    "saga/list_sagas": ["saga_uncommon"],
    "saga/list_waiting_sagas": ["saga_deadline"],
    "saga/load_sagas": ["saga_lane_authorization_id_type_key"],
    "saga/load_new_sagas": ["saga_lane_authorization_id_type_key"],
    "saga/update_sagas": ["saga_lane_authorization_id_type_key"],
    "saga/read_steps": ["saga_step_pkey", "saga_pkey"],
    "outbox/delete_events": ["outbox_pkey"],
    "outbox/lock_lanes": ["outbox_pkey", "outbox_lane_pkey"],
    "outbox/read_events": ["outbox_pkey"],
    "bus/claim_cursors": ["bus_cursor_pkey", "bus_partition_pkey"],
    "bus/lock_partitions": ["bus_partition_pkey"],
    "bus/advance_partitions": ["bus_partition_pkey"],
    "bus/move_cursors": ["bus_cursor_pkey"],
    "bus/read_messages": ["bus_message_pkey"],
    "messaging/claim_inbox": [],  # an insert: its unique index is its plan
    "messaging/find_parked_keys": ["parked_key_pkey"],
}
SCHEMA = {"outbox": "authorization", "messaging": "ledger"}

# Values that a parameter of a type may have; a generic plan is the same for all, but partitions
# that cannot hold the value are left out when it runs.
VALUES = {"date": "current_date", "timestamptz": "now()", "uuid": "gen_random_uuid()",
          "text": "'text'", "smallint": "1", "integer": "1", "bigint": "1", "boolean": "true"}


def test_one_commit_serves_many_requests(system):
    """What 64 connections ask while a commit is on its way is the next commit."""
    drive_batches(system, batches=20, connections=4)  # all accounts are open
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = received(system) + 64
        system.pause("authorization")
        run = pool.submit(drive, system, connections=64, requests=64)
        wait_until(lambda: received(system) == waiting, what="64 requests wait in the gateway")
        system.resume("authorization")
        assert run.result()["statuses"] == {"201": 64}
    commits = system.sql("""SELECT count(DISTINCT xmin::text)
                              FROM (SELECT xmin FROM "authorization".credit_authorization
                                     ORDER BY id DESC LIMIT 64) AS newest""")[0].count
    assert commits <= 64 / 4
    system.settle()
    system.verify()


def received(system):
    return len(system.logs("gateway", event="request.received"))


@pytest.fixture(scope="module")
def grown(system):
    """A database of some ten thousand authorizations with their bookings, as analysed as one that
    has been running for a while."""
    drive_batches(system, batches=50, connections=4)
    system.settle()
    with psycopg.connect(system.cluster.url(system.database, OWNER), autocommit=True,
                         prepare_threshold=None) as db:
        db.execute("ANALYZE")
        for setting in SETTINGS:
            db.execute(f"SET {setting}")
        yield db


@pytest.mark.parametrize("statement", HOT)
def test_hot_statement_uses_its_index(statement, grown):
    folder, name = statement.split("/")
    code = next(ROOT.glob(f"src/**/{folder}/sql/{name}.sql")).read_text()
    types = re.findall(r"^-- param +\w+ +(\S+)", code, re.M)
    values = ", ".join(VALUES.get(kind, "'{}'") for kind in types)
    call = f"hot ({values})" if values else "hot"
    grown.execute("DEALLOCATE ALL")
    grown.execute(f'SET search_path = "{SCHEMA.get(folder, folder)}"')
    grown.execute(f"PREPARE hot AS {code}")
    plan = "\n".join(row[0] for row in grown.execute(f"EXPLAIN EXECUTE {call}"))
    assert "Seq Scan" not in plan, plan
    for index in HOT[statement]:
        assert re.search(rf"Index (Only )?Scan( Backward)? (using|on) {index}\b", plan), plan
