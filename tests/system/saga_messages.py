"""What the orchestrator hears, put straight on the bus: events of authorization and ledger, twice,
late and out of order. What it says is read from its outbox, so the outbox processor stays off in
these tests; `let_go` plays it."""
import datetime
import json
import uuid

from system.buses import Message
from system.harness import wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def id_in_lane(lane):
    raw = bytearray(uuid.uuid4().bytes)
    raw[15] = (raw[15] & 0xC0) | lane
    return str(uuid.UUID(bytes=bytes(raw)))


class Authorization:
    """One authorization and its sagas: makes the messages about them."""

    def __init__(self, lane=9):
        self.account, self.id = id_in_lane(lane), id_in_lane(lane)
        self.authorize, self.release = str(uuid.uuid4()), str(uuid.uuid4())

    def event(self, kind, saga=None, command=None, id=None, payload=None):
        """A message of a kind like ledger.refused; with a fresh event id unless given."""
        return {"topic": f"{kind.split('.')[0]}.v1", "key": self.account,
                "subject": self.id, "id": id or str(uuid.uuid4()),
                "type": f"dev.tallystick.{kind}.v1", "payload": payload or {},
                "saga_id": saga, "command_id": command}

    def body(self, status):
        money = {"amount": "99.99", "amount_minor": 9999, "currency": "USD", "exponent": 2}
        return {"authorization": {"id": self.id, "account_id": self.account, "user_id": "user-1",
                                  "status": status, "approved": money},
                "change": {"from": None, "to": status, "by": "api"}}

    def approved(self):
        return self.event("authorization.approved", id=self.authorize,
                          payload=self.body("approved"))

    def ended(self, how="voided"):
        return self.event(f"authorization.{how}", id=self.release, payload=self.body(how))

    def answer(self, system, kind, saga=None, reason=None):
        """An answer to the command that the saga has sent last."""
        saga = saga or self.authorize
        command = wait_until(lambda: commands(system, saga), what=f"a command of {saga}")[-1]
        payload = {"hold": {"authorization_id": self.id, "reason": reason}}
        return self.event(kind, saga, command.command_id, payload=payload)


def headers(message):
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = {"content-type": "application/json", "ce_specversion": "1.0", "ce_id": message["id"],
            "ce_source": "/tallystick/test", "ce_type": message["type"],
            "ce_subject": message["subject"], "ce_time": now, "ce_partitionkey": message["key"],
            "ce_sequence": f"{1:020d}", "ce_tenantid": "default", "traceparent": TRACEPARENT,
            "ce_traceparent": TRACEPARENT}
    if message["saga_id"]:
        head |= {"ce_sagaid": message["saga_id"], "ce_commandid": message["command_id"]}
    return head


def publish(system, *messages):
    """Appends messages to their topics, as the bus's publisher does."""
    system.bus.publish(*(Message(message["topic"], message["key"], message["id"], headers(message),
                                 json.dumps(message["payload"])) for message in messages))


def said(system, saga):
    """Everything a saga has said and that is still in the outbox, in order."""
    return system.sql("""SELECT id::text, type, aggregatetype, partitionkey::text AS key, sequence,
                                command_id::text, traceparent, payload::json AS payload
                           FROM saga.outbox WHERE saga_id = %s ORDER BY seq""", saga)


def commands(system, saga):
    return [one for one in said(system, saga) if one.command_id]


def told(system, saga):
    """The types of the events about a saga, in order."""
    return [one.type for one in said(system, saga) if not one.command_id]


def let_go(system, saga):
    """As if the outbox processor had published what the saga has said."""
    system.sql("DELETE FROM saga.outbox WHERE saga_id = %s", saga)


def row(system, saga):
    """The saga's row; None where there is none."""
    rows = system.sql("SELECT *, deadline_at IS NOT NULL AS waits FROM saga.saga WHERE id = %s",
                      saga)
    return rows[0] if rows else None


def steps(system, saga):
    return {(step.step, step.op): step.state for step in
            system.sql("SELECT * FROM saga.every_step WHERE saga_id = %s", saga)}


def wait_state(system, saga, state):
    """The row as soon as the saga is in this state."""
    return wait_until(lambda: (found := row(system, saga)) and found.state == state and found,
                      what=f"saga {saga} {state}, it is {row(system, saga)}")


def settle(system):
    """Every message on the bus has been handled by the orchestrators."""
    wait_until(lambda: system.bus.lag("saga") == 0, what="the bus is drained")


def get_stuck(system, saga):
    """As if a saga had waited for its answer for hours; its row once it is stuck."""
    system.sql("""UPDATE saga.saga SET step_started_at = clock_timestamp() - interval '2 hours',
                         deadline_at = clock_timestamp() - interval '1 second'
                   WHERE id = %s AND state IN ('started', 'running', 'compensating')""", saga)
    return wait_state(system, saga, "stuck")
