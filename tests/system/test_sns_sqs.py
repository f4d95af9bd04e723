"""The event bus on SNS and SQS: what its queues do that no other bus does, seen by boto3 beside the
services."""
import contextlib
import json
import uuid

import botocore.exceptions
import pytest
from system import ledger_commands
from system.aws import CREDENTIALS
from system.buses import DEAD_LETTERS, TOPICS, Message
from system.common import wait_until
from system.parts import Part
from system.traffic import Traffic

pytestmark = [pytest.mark.matrix, pytest.mark.bus("sns-sqs")]

VISIBILITY_S = 2


@pytest.fixture
def quick(make_system):
    """Five services whose messages come back soon after a crash."""
    return make_system({"TALLYSTICK_SQS_VISIBILITY_S": VISIBILITY_S})


def subscribers(bus, topic):
    """ARNs of the queues that get what is said there."""
    with contextlib.suppress(botocore.exceptions.ClientError):
        answer = bus.sns.list_subscriptions_by_topic(TopicArn=bus.arn(topic))
        return [one["Endpoint"] for one in answer["Subscriptions"]]
    return None


def attributes(bus, group):
    names = ["FifoQueue", "RedrivePolicy", "Policy", "VisibilityTimeout", "MessageRetentionPeriod",
             "DeduplicationScope", "FifoThroughputLimit"]
    return bus.sqs.get_queue_attributes(QueueUrl=bus.queue(group),
                                        AttributeNames=names)["Attributes"]


def test_topics_and_queues_are_made_as_documented(quick):
    bus = quick.bus
    wait_until(lambda: None not in (subscribers(bus, topic) for topic in (*TOPICS, *DEAD_LETTERS)),
               20, what="the topics")
    assert subscribers(bus, "saga.v1") == [], "nobody of ours reads it"
    for group, topics in {"authorization": ["authorization.commands.v1"],
                          "ledger": ["ledger.commands.v1"],
                          "saga": ["authorization.v1", "ledger.v1"]}.items():
        about, dead = attributes(bus, group), attributes(bus, f"{group}-dlq")
        assert about["FifoQueue"] == dead["FifoQueue"] == "true"
        assert about["VisibilityTimeout"] == str(VISIBILITY_S)
        assert (about["DeduplicationScope"], about["FifoThroughputLimit"]) == \
            ("messageGroup", "perMessageGroupId")
        assert dead["MessageRetentionPeriod"] == str(14 * 24 * 3600)
        redrive = json.loads(about["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"].endswith(f":{bus.prefix}-{group}-dlq.fifo")
        assert redrive["maxReceiveCount"] == 5
        allowed, = json.loads(about["Policy"])["Statement"]
        assert allowed["Principal"] == {"Service": "sns.amazonaws.com"}
        for topic in topics:
            queue = f":{bus.queue_name(group)}"
            wait_until(lambda topic=topic, queue=queue: any(
                arn.endswith(queue) for arn in subscribers(bus, topic)), 20,
                       what=f"{queue} subscribed to {topic}")


def test_two_starts_at_once_make_the_same(quick):
    quick.stop()
    for url in quick.bus.sqs.list_queues(QueueNamePrefix=quick.bus.prefix)["QueueUrls"]:
        quick.bus.sqs.delete_queue(QueueUrl=url)
    quick.start()
    quick.wait_saga(quick.authorize("again").json())
    quick.settle()
    quick.verify()


def test_a_killed_member_s_messages_come_back(quick):
    """The ledger dies with commands in hand; after the timeout the next one books them."""
    traffic = Traffic(quick, users=6)
    with traffic.flowing():
        for _ in range(3):
            seen = traffic.answered()
            wait_until(lambda seen=seen: traffic.answered() >= seen + 20, 60, what="answers")
            quick.kill("ledger")
            quick.start("ledger")
    quick.settle(120)
    quick.verify()
    assert quick.sql("SELECT count(*) FROM ledger.dead_letter")[0].count == 0


def test_what_sqs_gives_up_becomes_a_dead_letter(quick):
    """A command was received five times and never confirmed, as by members that died of it."""
    bus, account = quick.bus, ledger_commands.account_id()
    url = wait_until(lambda: bus.queue("ledger"), 20, what="the ledger's queue")
    quick.wait_saga(quick.authorize("before").json())
    quick.stop("ledger")
    event = ledger_commands.event_id()
    head = {"ce_specversion": "1.0", "ce_id": event, "ce_source": "/test", "ce_subject": account,
            "ce_type": "dev.tallystick.ledger.record_hold.v1", "ce_partitionkey": account,
            "ce_time": "2026-01-31T12:00:00Z", "ce_sequence": "1"}
    bus.publish(Message("ledger.commands.v1", account, event, head, "{}"))
    for _ in range(5):
        got = wait_until(lambda: bus.sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
                         .get("Messages"), 10, what="the command")
        assert len(got) == 1
    quick.start("ledger")
    letter = wait_until(lambda: quick.sql("SELECT * FROM ledger.dead_letter WHERE event_id = %s",
                                          event), 30, what="the dead letter")[0]
    assert letter.error_class == "bug" and "SQS gave it up" in letter.error_message
    assert (str(letter.key), json.loads(letter.headers)) == (account, head)
    wait_until(lambda: bus.lag("ledger") == 0 and bus._waiting(bus.queue("ledger-dlq")) == 0, 10,
               what="empty queues")
    quick.wait_saga(quick.authorize("after").json())
    quick.settle()
    quick.verify()


def test_a_member_that_stops_gives_back_what_it_has(make_system):
    """Not after the visibility timeout, which is longer here than the test may take."""
    system = make_system({"TALLYSTICK_SQS_VISIBILITY_S": 600})
    system.wait_saga(system.authorize("before").json())
    system.sql("REVOKE INSERT ON ledger.journal FROM tallystick_ledger")
    made = [system.authorize(f"held-{number}").json() for number in range(5)]
    wait_until(lambda: system.sql("SELECT count(*) FROM ledger.parked_key")[0].count
               + system.bus.lag("ledger") >= 5, 30, what="commands at the ledger")
    system.restart("ledger")
    system.sql("GRANT INSERT ON ledger.journal TO tallystick_ledger")
    for one in made:
        system.wait_saga(one, timeout=60)
    system.settle()
    system.verify()


def test_order_per_account_under_load(quick):
    quick.bus.watch()
    traffic = Traffic(quick, users=3)
    with traffic.flowing():
        wait_until(lambda: traffic.answered() >= 120, 60, what="answers")
        quick.restart("saga")
        wait_until(lambda: traffic.answered() >= 180, 60, what="more answers")
    quick.settle(120)
    quick.verify()
    by_account = {}
    for one in quick.bus.events("authorization.v1"):
        by_account.setdefault(one.key, []).append(one)
    assert len(by_account) == 3
    for said in by_account.values():
        times = [one.headers["ce_time"] for one in said]
        assert times == sorted(times)


@pytest.fixture
def own_sns_sqs(tmp_path):
    """One that a test may kill."""
    part = Part("sns-sqs", tmp_path).start()
    yield part
    part.destroy()


def test_when_it_forgets_everything_all_is_made_again(own_sns_sqs, make_system):
    """Moto keeps nothing over a restart, which AWS does not do: what was on its queues is gone. But
    topics and queues are made again, and nothing is lost that waited in an outbox."""
    system = make_system(CREDENTIALS | {
        "AWS_ENDPOINT_URL_SNS": own_sns_sqs.endpoint, "AWS_ENDPOINT_URL_SQS": own_sns_sqs.endpoint,
        "TALLYSTICK_SQS_VISIBILITY_S": VISIBILITY_S})
    system.wait_saga(system.authorize("before").json())
    wait_until(lambda: system.sql("SELECT (SELECT count(*) FROM \"authorization\".outbox)"
                                  " + (SELECT count(*) FROM ledger.outbox)"
                                  " + (SELECT count(*) FROM saga.outbox) AS count")[0].count == 0,
               20, what="empty outboxes")
    own_sns_sqs.kill()
    made = [system.authorize(f"meanwhile-{number}").json() for number in range(20)]
    assert {one["status"] for one in made} == {"approved"}
    own_sns_sqs.start()
    for one in made:
        system.wait_saga(one, timeout=60)
    system.verify()


def test_a_missing_region_is_named(make_system):
    """Without a region nothing can be called: the start says so."""
    system = make_system(start=False)
    service = system.services["ledger"]
    service.environment = {name: value for name, value in service.environment.items()
                           if name != "AWS_REGION"} | {"AWS_CONFIG_FILE": f"/none-{uuid.uuid4()}"}
    service.start()
    wait_until(lambda: service.process.poll() is not None, 20, what="the end of its start")
    assert service.process.poll() == 1 and b"AWS_REGION" in service.log_bytes()
    service.wait()
