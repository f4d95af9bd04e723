"""Notifications: chosen events on a topic of SNS, for systems that are not ours."""
import json
import uuid

import pytest
from system import contracts
from system.aws import CREDENTIALS, client
from system.common import wait_until

pytestmark = pytest.mark.matrix

class Aws:
    """Somebody else's account: topics, and queues that are subscribed to them."""

    def __init__(self, endpoint):
        self.environment = CREDENTIALS | {"AWS_ENDPOINT_URL_SNS": endpoint,
                                          "AWS_ENDPOINT_URL_SQS": endpoint}
        self.sns, self.sqs = client("sns", endpoint), client("sqs", endpoint)

    def topic(self, name):
        fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
        return self.sns.create_topic(Name=name, Attributes=fifo)["TopicArn"]

    def subscribe(self, topic, types=None):
        """The URL of a new queue that gets what is said there, or only of these types."""
        fifo = topic.endswith(".fifo")
        url = self.sqs.create_queue(
            QueueName=f"listener-{uuid.uuid4()}{'.fifo' if fifo else ''}",
            Attributes={"FifoQueue": "true"} if fifo else {})["QueueUrl"]
        arn = self.sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = {"FilterPolicy": json.dumps({"event_type": types})} if types else {}
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn,
                           Attributes={"RawMessageDelivery": "true"} | policy)
        return url

    def read(self, url):
        """What has come since the last time."""
        found = []
        while got := self.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"],
                MessageAttributeNames=["All"]).get("Messages"):
            for one in got:
                found.append(one)
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return found

    def read_until(self, url, count, timeout=30):
        found = []

        def is_enough():
            found.extend(self.read(url))
            return len(found) >= count

        wait_until(is_enough, timeout, what=f"{count} notifications")
        return found


@pytest.fixture(scope="module")
def aws(sns_sqs):
    return Aws(sns_sqs.endpoint)


def notifying(aws, topic, **options):
    return aws.environment | {"TALLYSTICK_NOTIFY_SNS_TOPIC_ARN": topic} | options


def attributes_of(one):
    return {name: value["StringValue"] for name, value in one["MessageAttributes"].items()}


def bodies(found):
    return [json.loads(one["Body"]) for one in found]


def test_a_listener_hears_of_the_types_it_filters_by(aws, make_system):
    topic = aws.topic("everything-decided")
    approvals, all_of_them = aws.subscribe(topic, ["authorization.approved"]), aws.subscribe(topic)
    system = make_system(notifying(aws, topic))
    approved = system.authorize("notified", "10.00").json()
    declined = system.authorize("notified", "100000.00").json()
    assert (approved["status"], declined["status"]) == ("approved", "declined")
    heard = aws.read_until(all_of_them, 2)
    assert {body["data"]["authorization"]["id"] for body in bodies(heard)} == \
        {approved["id"], declined["id"]}
    one, = aws.read_until(approvals, 1)
    body = json.loads(one["Body"])
    attributes = attributes_of(one)
    assert attributes.pop("traceparent").split("-")[1] == approved["trace_id"]
    assert attributes == {"event_type": "authorization.approved", "tenant": "default",
                          "subject": approved["id"]}
    assert body["specversion"] == "1.0" and body["subject"] == approved["id"]
    assert body["type"] == "dev.tallystick.authorization.approved.v1"
    contracts.check("authorization.approved.v1", body["data"])
    system.settle()
    assert not aws.read(approvals) and not aws.read(all_of_them), "of accounts, nobody asked"
    sent = system.logs("outbox", event="notification.sent")
    assert {line["subject"] for line in sent} == {approved["id"], declined["id"]}
    system.verify()


def test_a_fifo_topic_keeps_the_order_of_a_key(aws, make_system):
    topic = aws.topic("in-order.fifo")
    listener = aws.subscribe(topic)
    system = make_system(notifying(
        aws, topic, TALLYSTICK_NOTIFY_TYPES="authorization.*, account.limit_changed"))
    users = [f"ordered-{number}" for number in range(5)]
    for user in users:
        made = [system.authorize(user, "1.00").json() for _ in range(6)]
        system.wait_saga(made[0])
        assert system.post(f"/v1/authorizations/{made[0]['id']}/void").status_code == 200
        assert system.put(f"/v1/accounts/{user}", {"credit_limit": "77.00"}).status_code == 200
    system.settle()
    heard = aws.read_until(listener, 8 * len(users))
    assert len(heard) == len({body["id"] for body in bodies(heard)}) == 8 * len(users)
    by_key = {}
    for one in heard:
        by_key.setdefault(one["Attributes"]["MessageGroupId"], []).append(json.loads(one["Body"]))
    assert len(by_key) == len(users)
    for said in by_key.values():
        types = [body["type"].removeprefix("dev.tallystick.") for body in said]
        assert types.count("account.limit_changed.v1") == 1
        # What is said of different aggregates comes on different topics, in no order.
        times = [body["time"] for body in said if "authorization" in body["type"]]
        assert len(times) == 7 and times == sorted(times)


def test_a_topic_that_is_not_there_is_waited_for_and_stops_nobody(aws, make_system):
    topic = aws.topic("gone-for-a-while")
    aws.sns.delete_topic(TopicArn=topic)
    system = make_system(notifying(aws, topic))
    made = [system.authorize(f"patient-{number}", "1.00").json() for number in range(30)]
    for one in made:
        system.wait_saga(one)
    wait_until(lambda: system.logs("outbox", event="notify.waiting"), 20, what="that it says so")
    system.pause("outbox")  # what goes out between these two calls nobody hears
    assert aws.topic("gone-for-a-while") == topic
    listener = aws.subscribe(topic)
    system.resume("outbox")
    heard = aws.read_until(listener, 1, timeout=40)
    wait_until(lambda: system.logs("outbox", event="notify.resumed"), 20, what="that it says so")
    wait_until(lambda: len(system.logs("outbox", event="notification.sent")) >= len(made), 20,
               what="all notifications")
    heard += aws.read(listener)
    sent = {line["event_id"] for line in system.logs("outbox", event="notification.sent")}
    assert {body["id"] for body in bodies(heard)} <= sent and len(sent) == len(made)
    system.verify()


@pytest.mark.parametrize("types", ["payments.*", "authorization"])
def test_types_that_are_none_stop_the_start(aws, make_system, types):
    system = make_system(notifying(aws, "arn:aws:sns:us-east-1:1:t", TALLYSTICK_NOTIFY_TYPES=types),
                         start=False)
    outbox = system.services["outbox"]
    outbox.start()
    wait_until(lambda: outbox.process.poll() is not None, 20, what="the end of its start")
    assert outbox.process.poll() == 1 and b"notify-types" in outbox.log_bytes()
    outbox.wait()
