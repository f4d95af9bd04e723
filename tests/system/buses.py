"""Clients of each event bus that are not Tallystick's: what a test publishes beside the services,
reads of what they said, and asks of how far they have read. `system.bus` is one of them."""
import collections
import contextlib
import json
import uuid

import botocore.exceptions
import psycopg
from system.aws import REGION, client
from system.common import wait_until
from system.kafka_client import KafkaClient

# One on its way. The topic is without the system's prefix (ledger.commands.v1), headers are a dict
# of texts as on Kafka, the payload is a text. Where it was read: None when it is to be published.
Message = collections.namedtuple("Message", "topic key id headers payload partition offset",
                                 defaults=(None, None))

TOPICS = ("authorization.v1", "authorization.commands.v1", "account.v1", "ledger.v1",
          "ledger.commands.v1", "saga.v1")
# What each consumer group reads.
GROUPS = {"authorization": ("authorization.commands.v1",),
          "ledger": ("ledger.commands.v1",),
          "saga": ("authorization.v1", "ledger.v1")}
DEAD_LETTERS = tuple(f"{topic}.dlq" for topic in
                     sorted({topic for topics in GROUPS.values() for topic in topics}))
TIMEOUT_S = 20


def open_bus(system):
    kinds = {"postgres": PostgresBus, "kafka": KafkaBus, "sns-sqs": SnsSqsBus}
    return kinds[system.bus_kind](system)


class Bus:
    """What all of them offer.

    publish(messages)  in order, durable when it returns
    watch()            events() tells of what comes from now on, and on most buses of all before
    events(*topics)    every message of these topics (all), in order within each partition
    lag(*groups)       how many messages these groups (all) have before them
    members(group)     how many processes share a group's messages; None: that cannot be known
    environment()      how services find the bus"""

    def __init__(self, system):
        self.system, self.prefix = system, system.prefix

    def watch(self):
        pass

    def members(self, group):
        return None

    def environment(self):
        return {}

    def close(self):
        pass

    def name(self, topic):
        return f"{self.prefix}.{topic}"

    def short(self, name):
        return name.removeprefix(f"{self.prefix}.")


# ---- PostgreSQL ----------------------------------------------------------------------------------

class PostgresBus(Bus):
    APPEND = """
        WITH head AS (
            INSERT INTO bus.bus_partition AS p (topic, partition, next_offset) VALUES (%s, %s, 1)
                ON CONFLICT (topic, partition) DO UPDATE SET next_offset = p.next_offset + 1
            RETURNING topic, partition, next_offset - 1 AS "offset")
        INSERT INTO bus.bus_message (topic, partition, "offset", key, id, headers, payload)
        SELECT topic, partition, "offset", %s, %s, %s, %s FROM head"""

    LAG = """
        SELECT coalesce(sum(p.next_offset - coalesce(c.next_offset, 0)), 0)::bigint AS count
          FROM unnest(%s::text[], %s::text[]) AS g (consumer_group, topic)
          JOIN bus.bus_partition p USING (topic)
          LEFT JOIN bus.bus_cursor c USING (consumer_group, topic, partition)"""

    def publish(self, *messages):
        with psycopg.connect(self.system.owner_url()) as db:
            for one in messages:
                partition = uuid.UUID(one.key).bytes[15] % 64
                db.execute(self.APPEND, (self.name(one.topic), partition, one.key, one.id,
                                         json.dumps(one.headers), one.payload))
            db.execute("NOTIFY tallystick_bus")

    def events(self, *topics):
        rows = self.system.sql("""SELECT * FROM bus.bus_message WHERE topic = ANY(%s)
                                   ORDER BY topic, partition, "offset" """,
                               [self.name(topic) for topic in topics or TOPICS])
        return [Message(self.short(row.topic), str(row.key), str(row.id), json.loads(row.headers),
                        row.payload, row.partition, row.offset) for row in rows]

    def lag(self, *groups):
        pairs = [(group, self.name(topic)) for group in groups or GROUPS for topic in GROUPS[group]]
        return self.system.sql(self.LAG, *map(list, zip(*pairs, strict=True)))[0].count


# ---- Kafka ---------------------------------------------------------------------------------------

class KafkaBus(Bus):
    def __init__(self, system):
        super().__init__(system)
        self.broker = system.cluster.parts.get("kafka").endpoint
        self.client = KafkaClient(self.broker)

    def environment(self):
        # Who was killed is missed soon: the least that the broker of tools/kafka allows is 1 s.
        return {"KAFKA_BROKERS": self.broker,
                "TALLYSTICK_KAFKA_PROPERTIES": "session.timeout.ms=3000"}

    def publish(self, *messages):
        failed = self.client.ask("publish", [
            (self.name(one.topic), one.key, one.headers, one.payload) for one in messages])
        assert not failed, f"not published: {failed}"

    def events(self, *topics):
        """From the beginning to what is now the end of every partition."""
        ends = self._ends([self.name(topic) for topic in topics or TOPICS])
        rows = self.client.ask("read", f"{self.prefix}.spy", ends)
        return [Message(self.short(topic), key, headers.get("ce_id"), headers, payload, partition,
                        offset)
                for topic, partition, offset, key, headers, payload in rows]

    def topics(self):
        """Names, and how many partitions each has."""
        return self.client.ask("topics")

    def group_id(self, group):
        return f"{self.prefix}.{group}"

    def lag(self, *groups):
        return sum(self._lag(group) for group in groups or GROUPS)

    def _ends(self, names):
        return self._asked_until_known("ends", names)

    def _lag(self, group):
        ends = self._ends([self.name(topic) for topic in GROUPS[group]])
        if not ends:
            return 0
        read = self._asked_until_known("progress", self.group_id(group), list(ends))
        return sum(end - read.get(place, 0) for place, end in ends.items())

    def _asked_until_known(self, *question):
        """A broker that has just come back does not know all again at once."""
        answers = []

        def is_known():
            answers.append(self.client.ask(*question))
            return answers[-1] is not None

        wait_until(is_known, TIMEOUT_S, what=f"Kafka knows its {question[0]} again")
        return answers[-1]

    def members(self, group):
        return self.client.ask("members", self.group_id(group))

    def close(self):
        self.client.ask("delete", f"{self.prefix}.")
        self.client.close()


# ---- SNS and SQS ---------------------------------------------------------------------------------

# Members of CloudEvents in one JSON object, and the headers that they are elsewhere.
HEADERS = {"datacontenttype": "content-type", "producertraceparent": "traceparent",
           "producertracestate": "tracestate"} | {
    f"dlq{name.replace('-', '')}": f"x-dlq-{name}" for name in
    ("original-topic", "original-partition", "original-offset", "original-timestamp",
     "consumer-group", "attempts", "first-failed-at", "last-failed-at", "error-class",
     "error-code", "error-message", "service-version", "trace-id", "redrive-count", "redrive-id")}
MEMBERS = {header: member for member, header in HEADERS.items()}


def to_structured(headers, payload):
    """One JSON object of both."""
    members = {MEMBERS.get(name, name.removeprefix("ce_")): value
               for name, value in headers.items()}
    return json.dumps(members)[:-1] + f', "data": {payload}}}'


def from_structured(body):
    members = json.loads(body)
    payload = json.dumps(members.pop("data"))
    return {HEADERS.get(name, f"ce_{name}"): value for name, value in members.items()}, payload


class SnsSqsBus(Bus):
    def __init__(self, system):
        super().__init__(system)
        self.endpoint = system.cluster.parts.get("sns-sqs").endpoint
        self.sns, self.sqs = (client(service, self.endpoint) for service in ("sns", "sqs"))
        self.account = client("sts", self.endpoint).get_caller_identity()["Account"]
        self.spy, self.heard = None, []
        self.ready = set()  # topics whose readers are subscribed

    def environment(self):
        return {"AWS_ENDPOINT_URL_SNS": self.endpoint, "AWS_ENDPOINT_URL_SQS": self.endpoint,
                "TALLYSTICK_SQS_VISIBILITY_S": "5"}  # who was killed is missed soon

    def arn(self, topic):
        return f"arn:aws:sns:{REGION}:{self.account}:{self.name(topic).replace('.', '-')}.fifo"

    def queue_name(self, group):
        return f"{self.prefix}-{group}.fifo"

    def queue(self, group):
        """Its URL; None where there is none yet."""
        with contextlib.suppress(botocore.exceptions.ClientError):
            return self.sqs.get_queue_url(QueueName=self.queue_name(group))["QueueUrl"]
        return None

    def publish(self, *messages):
        """What is published before a group has its queue is lost to it, so that is waited for; the
        outbox processor, which subscribes it, need not run."""
        for topic in {one.topic for one in messages} - self.ready:
            for group in GROUPS:
                if topic in GROUPS[group]:
                    url = wait_until(lambda group=group: self.queue(group), TIMEOUT_S,
                                     what=f"the queue of {group}")
                    self._subscribe(topic, url)
            self.ready.add(topic)
        for one in messages:
            text = {"DataType": "String"}
            self.sns.publish(
                TopicArn=self.arn(one.topic), Message=to_structured(one.headers, one.payload),
                MessageGroupId=one.key, MessageDeduplicationId=str(uuid.uuid4()),
                MessageAttributes={"topic": text | {"StringValue": self.name(one.topic)},
                                   "key": text | {"StringValue": one.key}})

    def watch(self):
        """A queue of its own, subscribed to everything."""
        if self.spy is not None:
            return
        made = self.sqs.create_queue(QueueName=self.queue_name("spy"),
                                     Attributes={"FifoQueue": "true"})
        self.spy = made["QueueUrl"]
        for topic in (*TOPICS, *DEAD_LETTERS):
            self._subscribe(topic, self.spy)

    def _subscribe(self, topic, queue_url):
        """The topic is made, too; both may be there already."""
        arn = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        name = self.arn(topic).rpartition(":")[2]
        self.sns.create_topic(Name=name, Attributes={"FifoTopic": "true"})
        self.sns.subscribe(TopicArn=self.arn(topic), Protocol="sqs",
                           Endpoint=arn["Attributes"]["QueueArn"],
                           Attributes={"RawMessageDelivery": "true"})

    def events(self, *topics):
        assert self.spy is not None, "call bus.watch() before what is to be seen"
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=self.spy, MaxNumberOfMessages=10, AttributeNames=["All"],
                MessageAttributeNames=["All"])
            if not answer.get("Messages"):
                break
            for one in answer["Messages"]:
                self.heard.append(self._message(one))
                self.sqs.delete_message(QueueUrl=self.spy, ReceiptHandle=one["ReceiptHandle"])
        wanted = topics or TOPICS
        return [one for one in self.heard if one.topic in wanted]

    def _message(self, one):
        headers, payload = from_structured(one["Body"])
        topic = self.short(one["MessageAttributes"]["topic"]["StringValue"])
        return Message(topic, one["Attributes"]["MessageGroupId"], headers.get("ce_id"), headers,
                       payload)

    def lag(self, *groups):
        return sum(self._waiting(self.queue(group)) for group in groups or GROUPS)

    def _waiting(self, url):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
                 "ApproximateNumberOfMessagesDelayed"]
        if url is None:
            return 0
        counted = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(counted.get(name, 0)) for name in names)

    def close(self):
        for queue in self.sqs.list_queues(QueueNamePrefix=f"{self.prefix}-").get("QueueUrls", []):
            self.sqs.delete_queue(QueueUrl=queue)
        pages = self.sns.get_paginator("list_topics").paginate()
        for topic in [one["TopicArn"] for page in pages for one in page["Topics"]]:
            if topic.rpartition(":")[2].startswith(f"{self.prefix}-"):
                self.sns.delete_topic(TopicArn=topic)
