"""Commands for the ledger, put straight on the bus: what a saga would send, and what goes wrong on
the way (twice, late, out of order). The answers are read from the ledger's outbox, so the outbox
processor stays off in these tests."""
import datetime
import json
import time
import uuid

from system.buses import Message
from system.harness import wait_until

TOPIC = "ledger.commands.v1"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
EXPONENTS = {"USD": 2, "EUR": 2}


def event_id():
    """Version 7, like every event's: the inbox forgets claims by the time in the id."""
    raw = bytearray(uuid.uuid4().bytes)
    raw[:6] = (time.time_ns() // 1_000_000).to_bytes(6, "big")
    raw[6] = 0x70 | raw[6] & 0x0F
    return str(uuid.UUID(bytes=bytes(raw)))


def account_id(lane=7):
    """An account of a lane: the last six bits of its id."""
    raw = bytearray(uuid.uuid4().bytes)
    raw[15] = (raw[15] & 0xC0) | lane
    return str(uuid.UUID(bytes=bytes(raw)))


class Saga:
    """One authorization's saga: makes its commands."""

    def __init__(self, account, amount_minor=9999, currency="USD", authorization=None):
        self.id, self.account = str(uuid.uuid4()), account
        self.authorization = authorization or account_id(uuid.UUID(account).bytes[15] & 63)
        self.amount_minor, self.currency = amount_minor, currency
        self.commands = {}  # a repeat has the same command id

    def do(self):
        return self.command("record_hold", "record_hold", "do")

    def undo(self):
        return self.command("release_hold", "record_hold", "undo")

    def release(self):
        return self.command("release_hold", "release_hold", "do")

    def command(self, kind, step, op):
        """A message with a fresh event id."""
        command_id = self.commands.setdefault((step, op), str(uuid.uuid4()))
        amount = {"amount": f"{self.amount_minor // 100}.{self.amount_minor % 100:02d}",
                  "amount_minor": self.amount_minor, "currency": self.currency,
                  "exponent": EXPONENTS.get(self.currency, 2)}
        payload = {"authorization_id": self.authorization, "account_id": self.account,
                   "user_id": "user-1", "amount": amount, "step": step, "op": op}
        return {"key": self.account, "id": event_id(), "payload": payload,
                "type": f"dev.tallystick.ledger.{kind}.v1", "subject": self.authorization,
                "saga_id": self.id, "command_id": command_id}


def headers(message):
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"content-type": "application/json", "ce_specversion": "1.0", "ce_id": message["id"],
            "ce_source": "/tallystick/saga", "ce_type": message["type"],
            "ce_subject": message["subject"], "ce_time": now, "ce_partitionkey": message["key"],
            "ce_sequence": f"{1:020d}", "ce_tenantid": "default", "ce_sagaid": message["saga_id"],
            "ce_commandid": message["command_id"], "traceparent": TRACEPARENT,
            "ce_traceparent": TRACEPARENT}


def publish(system, *messages):
    """Appends messages to the command topic, as the bus's publisher does: all at once."""
    system.bus.publish(*(Message(TOPIC, message["key"], message["id"], headers(message),
                                 json.dumps(message["payload"])) for message in messages))


def answers(system, saga):
    """What the ledger has said to a saga, in order."""
    return system.sql("""SELECT type, sequence, command_id::text, payload::json AS payload,
                                origin_traceparent
                           FROM ledger.outbox WHERE saga_id = %s ORDER BY seq""", saga.id)


def answered(system, saga):
    """The same, once it has left for the bus."""
    return [message for message in system.bus.events("ledger.v1")
            if message.headers.get("ce_sagaid") == saga.id]


def tell(system, saga, *messages):
    """Publishes and waits until each has its answer; the answers to these."""
    before = len(answers(system, saga))
    publish(system, *messages)
    wait_until(lambda: len(answers(system, saga)) >= before + len(messages),
               what=f"{len(messages)} answers to saga {saga.id}")
    return answers(system, saga)[before:]


def entries(system, saga):
    """(side, layer, amount) of every entry of an authorization, in order."""
    return [tuple(row) for row in system.sql(
        """SELECT e.side, e.layer, e.amount_minor FROM ledger.entry AS e
             JOIN ledger.journal AS j USING (lane, chain_seq)
            WHERE j.authorization_id = %s ORDER BY e.chain_seq, e.line""", saga.authorization)]


def net_pending(system, account):
    rows = system.sql("""SELECT debit_minor - credit_minor AS net FROM ledger.balance
                          WHERE ledger_account_id = %s AND layer = 'pending'""", account)
    return rows[0].net if rows else 0


def check_books(system):
    """What must hold whatever came: balanced, summed, chained."""
    assert system.sql("""SELECT lane, chain_seq FROM ledger.entry GROUP BY lane, chain_seq, layer
                         HAVING sum(CASE side WHEN 'debit' THEN amount_minor
                                    ELSE -amount_minor END) <> 0""") == []
    assert system.sql(
        """SELECT * FROM (SELECT lane, ledger_account_id, layer,
                                 sum(amount_minor) FILTER (WHERE side = 'debit') AS debit,
                                 sum(amount_minor) FILTER (WHERE side = 'credit') AS credit
                            FROM ledger.entry GROUP BY 1, 2, 3) AS e
             FULL JOIN ledger.balance AS b USING (lane, ledger_account_id, layer)
            WHERE coalesce(e.debit, 0) IS DISTINCT FROM b.debit_minor
               OR coalesce(e.credit, 0) IS DISTINCT FROM b.credit_minor""") == []
    assert system.sql("""SELECT lane, chain_seq FROM ledger.chain_link
                          WHERE hash <> recomputed_hash OR previous_hash <> hash_before
                             OR chain_seq <> chain_seq_before + 1""") == []
    assert system.sql(
        """SELECT h.lane FROM ledger.chain_head AS h
             LEFT JOIN ledger.chain_link AS l USING (lane, chain_seq)
            WHERE h.chain_seq > 0 AND h.hash IS DISTINCT FROM l.hash
               OR h.chain_seq <> (SELECT count(*) FROM ledger.journal AS j
                                   WHERE j.lane = h.lane)""") == []
