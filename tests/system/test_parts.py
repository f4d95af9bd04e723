"""Transactions from the door to the books and back, over each part, as clients see them that are
not Tallystick's: every message of a transaction is read from the bus and held against its contract,
and what the other parts keep is read with their own tools."""
import json
import uuid

import pytest
from conftest import opened
from system import contracts, ledger_commands
from system.aws import client
from system.buses import GROUPS, TOPICS, Message
from system.harness import System, wait_until

pytestmark = pytest.mark.matrix

# What each kind of transaction says, by topic; between topics no order is promised.
BOOKED = {
    "authorization.v1": ["authorization.approved"],
    "ledger.commands.v1": ["ledger.record_hold"],
    "ledger.v1": ["ledger.hold_recorded"],
    "saga.v1": ["saga.started", "saga.completed"],
}
UNDONE = {
    "authorization.v1": ["authorization.approved", "authorization.reversed"],
    "authorization.commands.v1": ["authorization.release"],
    "ledger.commands.v1": ["ledger.record_hold"],
    "ledger.v1": ["ledger.refused"],
    "saga.v1": ["saga.started", "saga.compensating", "saga.compensated"],
}


@pytest.fixture(scope="module")
def stage(cell, cluster):
    """Five services over a bus and a key store. Their books are right at the end."""
    bus, keystore = cell
    with opened(System(cluster, bus=bus, keystore=keystore)) as system:
        system.bus.watch()
        yield system
        system.settle()
        system.verify()


def name_of(message):
    return message.headers["ce_type"].removeprefix("dev.tallystick.").removesuffix(".v1")


def trace_of(traceparent):
    return traceparent.split("-")[1]


def told_of(system, made):
    """All messages of the transaction that was answered so, by topic; each once."""
    found = {}
    for message in system.bus.events():
        if trace_of(message.headers["ce_traceparent"]) == made["trace_id"]:
            found.setdefault(message.topic, {}).setdefault(message.id, message)
    return {topic: list(messages.values()) for topic, messages in found.items()}


def check_messages(system, made, expected):
    """The transaction said this and no more, each by its contract and with the request's trace."""
    system.settle()
    told = told_of(system, made)
    names = {topic: [name_of(message) for message in messages if "account." not in name_of(message)]
             for topic, messages in told.items() if topic != "account.v1"}
    assert names == expected
    spans = set()
    for message in (message for messages in told.values() for message in messages):
        contracts.check(contracts.ENVELOPE, message.headers)
        contracts.check(f"{name_of(message)}.v1", json.loads(message.payload))
        assert message.key == message.headers["ce_partitionkey"]
        assert trace_of(message.headers["traceparent"]) == made["trace_id"]
        spans.add(message.headers["traceparent"])
    assert len(spans) > 1  # each hop has a span of its own


def freeze_in_ledger(system, user):
    """The ledger's account alone; it is opened by its first hold."""
    system.wait_saga(system.authorize(user, "1.00").json())
    done = system.tallystick("ledger", "account", "freeze", user)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- whole transactions --------------------------------------------------------------------------

def test_a_booked_transaction(stage):
    made = stage.authorize("parts-booked", "99.99").json()
    stage.wait_saga(made)
    check_messages(stage, made, BOOKED)
    story = [line["svc"] for line in stage.logs(trace_id=made["trace_id"])]
    assert set(story) == {"gateway", "authorization", "outbox", "saga", "ledger"}


def test_a_compensated_transaction(stage):
    freeze_in_ledger(stage, "parts-undone")
    answer = stage.authorize("parts-undone", "50.00", headers={"Prefer": "wait=20"})
    assert (answer.status_code, answer.headers["Tallystick-Booking"]) == (201, "reversed")
    check_messages(stage, answer.json(), UNDONE)
    held = stage.get("/v1/accounts/parts-undone/balance").json()["held"]
    assert held["amount"] == "1.00"


def test_repeats_get_the_first_answer(stage):
    ask = {"user_id": "parts-again", "transaction_id": "tx-parts-again", "key": "key-parts-again"}
    first, *others = [stage.authorize(**ask) for _ in range(3)]
    for again in others:
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["Location"] == first.headers["Location"]
    reused = stage.authorize("parts-again", "2.00", key="key-parts-again")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    stage.wait_saga(first.json())


# ---- contracts that grow -------------------------------------------------------------------------

def test_a_consumer_reads_what_has_grown(stage):
    """A field and an attribute of tomorrow are no concern of today's ledger."""
    saga = ledger_commands.Saga(ledger_commands.account_id())
    command = saga.undo()  # of what was never done, so that the books stay as they are
    head = ledger_commands.headers(command) | {"ce_tomorrow": "1"}
    payload = command["payload"] | {"tomorrow": {"is": "another day"}}
    stage.bus.publish(Message(ledger_commands.TOPIC, command["key"], command["id"], head,
                              json.dumps(payload)))
    answer, = wait_until(lambda: ledger_commands.answered(stage, saga), what="the ledger's answer")
    assert name_of(answer) == "ledger.hold_released"


# ---- what cannot be applied ----------------------------------------------------------------------

def poison(lane=7):
    """A command that no ledger understands, under an account of its own."""
    command = ledger_commands.Saga(ledger_commands.account_id(lane)).do()
    return Message(ledger_commands.TOPIC, command["key"], command["id"],
                   ledger_commands.headers(command), '{"not":"a command"}')


def test_poison_goes_to_the_dead_letters_and_hurts_nobody(stage):
    bad = [poison(lane) for lane in (1, 2, 3)]
    stage.bus.publish(*bad)
    made = [stage.authorize(f"parts-beside-{number}", "1.00").json() for number in range(10)]
    for one in made:
        stage.wait_saga(one)
    topic = f"{ledger_commands.TOPIC}.dlq"
    wanted = {one.id for one in bad}
    wait_until(lambda: wanted <= {one.id for one in stage.bus.events(topic)},
               what="the dead letters on their topic")
    letters = {one.id: one for one in stage.bus.events(topic)}
    for one in bad:
        letter = letters[one.id]
        assert (letter.key, json.loads(letter.payload)) == (one.key, json.loads(one.payload))
        assert {name: letter.headers.get(name) for name in one.headers} == one.headers
        assert letter.headers["x-dlq-error-class"] == "schema"
        assert letter.headers["x-dlq-error-message"]
        assert letter.headers["x-dlq-trace-id"] == ledger_commands.TRACE
        assert letter.headers["x-dlq-original-topic"] == stage.bus.name(ledger_commands.TOPIC)
        kept, = stage.sql("SELECT * FROM ledger.dead_letter WHERE event_id = %s", one.id)
        assert (kept.consumer_group, kept.error_class, kept.trace_id) == \
            ("ledger", "schema", ledger_commands.TRACE)
        assert json.loads(kept.headers) == one.headers


# ---- what the parts keep -------------------------------------------------------------------------

@pytest.mark.bus("kafka")
def test_kafka_has_its_topics_and_everything_is_read(stage):
    stage.settle()
    known = stage.bus.topics()
    for topic in (*TOPICS, *(f"{one}.dlq" for topics in GROUPS.values() for one in topics)):
        assert known[stage.bus.name(topic)] == 12, topic
    assert all(stage.bus.members(group) > 0 for group in GROUPS)
    assert stage.bus.lag() == 0


@pytest.mark.bus("sns-sqs")
def test_queues_are_fifo_and_have_dead_letter_queues(stage):
    stage.settle()
    for group in GROUPS:
        about = stage.bus.sqs.get_queue_attributes(
            QueueUrl=stage.bus.queue(group), AttributeNames=["All"])["Attributes"]
        assert about["FifoQueue"] == "true"
        policy = json.loads(about["RedrivePolicy"])
        assert int(policy["maxReceiveCount"]) == 5
        name = policy["deadLetterTargetArn"].rpartition(":")[2]
        assert name == stage.bus.queue_name(f"{group}-dlq")
        dead = stage.bus.sqs.get_queue_attributes(
            QueueUrl=stage.bus.sqs.get_queue_url(QueueName=name)["QueueUrl"],
            AttributeNames=["All"])["Attributes"]
        assert (dead["FifoQueue"], dead["MessageRetentionPeriod"]) == ("true", "1209600")
    assert stage.bus.lag() == 0


@pytest.mark.keystore("dynamodb")
def test_dynamodb_keeps_the_answer_under_its_key(stage):
    table = client("dynamodb", stage.cluster.parts.get("dynamodb").endpoint)
    before = {item["key_hash"]["S"] for item in table.scan(TableName=stage.table)["Items"]}
    answer = stage.authorize("parts-kept", key=f"key-{uuid.uuid4()}")
    kept, = [item for item in
             table.scan(TableName=stage.table, ConsistentRead=True)["Items"]
             if item["key_hash"]["S"] not in before]
    assert (kept["state"]["S"], kept["status"]["N"]) == ("DONE", "201")
    assert kept["body"]["S"].encode() == answer.content
    assert kept["location"]["S"] == answer.headers["Location"]
    lasts_s = int(kept["expires_at"]["N"]) - int(kept["created_at"]["N"])
    assert lasts_s == 86400
    about = table.describe_time_to_live(TableName=stage.table)["TimeToLiveDescription"]
    assert about == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
