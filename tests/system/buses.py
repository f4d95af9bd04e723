"""Clients of each event bus that are not Tallystick's: what a test publishes beside the services,
reads of what they said, and asks of how far they have read. `system.bus` is one of them."""
import collections
import contextlib
import ctypes
import json
import time
import uuid

import botocore.exceptions
import confluent_kafka
import confluent_kafka.admin
import psycopg
from system.aws import REGION, client
from system.common import wait_until

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

# What a broker says that has just come back and does not know all again.
BROKER_IS_WAKING = {confluent_kafka.KafkaError.UNKNOWN_LEADER_EPOCH,
                    confluent_kafka.KafkaError.NOT_LEADER_FOR_PARTITION,
                    confluent_kafka.KafkaError.LEADER_NOT_AVAILABLE,
                    confluent_kafka.KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
                    confluent_kafka.KafkaError.COORDINATOR_NOT_AVAILABLE,
                    confluent_kafka.KafkaError.NOT_COORDINATOR}


class KafkaBus(Bus):
    def __init__(self, system):
        super().__init__(system)
        self.broker = system.cluster.parts.get("kafka").endpoint
        self.client = {"bootstrap.servers": self.broker, "log_level": 0}
        self.admin = confluent_kafka.admin.AdminClient(self.client)

    def environment(self):
        return {"KAFKA_BROKERS": self.broker}

    def publish(self, *messages):
        """By the Java client's choice of a partition, as every producer of these topics."""
        producer = confluent_kafka.Producer(
            self.client | {"enable.idempotence": True, "partitioner": "murmur2_random"})
        failed = []

        def delivered(error, _):
            if error is not None:
                failed.append(error)

        for one in messages:
            producer.produce(self.name(one.topic), one.payload.encode(), one.key.encode(),
                             headers=[(k, v.encode()) for k, v in one.headers.items()],
                             on_delivery=delivered)
        assert producer.flush(TIMEOUT_S) == 0 and not failed, f"not published: {failed}"

    def events(self, *topics):
        """From the beginning to what is now the end of every partition."""
        ends = self._ends([self.name(topic) for topic in topics or TOPICS])
        missing = {place for place, end in ends.items() if end > 0}
        found = []
        consumer = confluent_kafka.Consumer(
            self.client | {"group.id": f"{self.prefix}.spy", "enable.auto.commit": False})
        try:
            consumer.assign([confluent_kafka.TopicPartition(*place, 0) for place in missing])
            give_up = time.monotonic() + TIMEOUT_S
            while missing:
                assert time.monotonic() < give_up, f"Kafka says nothing of {missing}"
                for one in consumer.consume(500, 0.1):  # waits until it has so many, or so long
                    assert one.error() is None, one.error()
                    place = one.topic(), one.partition()
                    if one.offset() < ends[place]:
                        found.append(self._message(one))
                    if one.offset() >= ends[place] - 1:
                        missing.discard(place)
        finally:
            consumer.close()
        return sorted(found, key=lambda one: (one.topic, one.partition, one.offset))

    def _message(self, one):
        headers = {name: value.decode() for name, value in one.headers() or ()}
        return Message(self.short(one.topic()), one.key().decode(), headers.get("ce_id"), headers,
                       one.value().decode(), one.partition(), one.offset())

    def _ends(self, names):
        """(topic, partition): the next offset; of the topics that there are."""
        known = self.admin.list_topics(timeout=TIMEOUT_S).topics
        places = [confluent_kafka.TopicPartition(name, partition)
                  for name in names if name in known for partition in known[name].partitions]
        if not places:
            return {}
        found = wait_until(lambda: self._latest(places), TIMEOUT_S, what="Kafka knows its offsets")
        return {(place.topic, place.partition): offset for place, offset in found}

    def _latest(self, places):
        """None while a broker that has just come back does not know all of them again."""
        latest = confluent_kafka.admin.OffsetSpec.latest()
        asked = self.admin.list_offsets({place: latest for place in places})
        try:
            return [(place, answer.result(TIMEOUT_S).offset) for place, answer in asked.items()]
        except confluent_kafka.KafkaException as why:
            if why.args[0].code() not in BROKER_IS_WAKING:
                raise
            return None

    def group_id(self, group):
        return f"{self.prefix}.{group}"

    def lag(self, *groups):
        return sum(self._lag(group) for group in groups or GROUPS)

    def _lag(self, group):
        ends = self._ends([self.name(topic) for topic in GROUPS[group]])
        if not ends:
            return 0
        wanted = confluent_kafka.ConsumerGroupTopicPartitions(
            self.group_id(group),
            [confluent_kafka.TopicPartition(*place) for place in ends])
        known = wait_until(lambda: self._progress(wanted), TIMEOUT_S, what="Kafka knows its groups")
        read = {(place.topic, place.partition): max(place.offset, 0) for place in known}
        return sum(end - read.get(place, 0) for place, end in ends.items())

    def _progress(self, wanted):
        """None where this client has seen a broker crash and looks for the group's coordinator for
        ever: the next one finds it. To end the old one would end this process by SIGSEGV (its
        library cannot with requests open), so it is never let go."""
        asked, = self.admin.list_consumer_group_offsets([wanted]).values()
        try:
            return asked.result(3).topic_partitions
        except confluent_kafka.KafkaException as why:
            if why.args[0].code() not in BROKER_IS_WAKING:
                raise
            return None
        except TimeoutError:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.admin))
            self.admin = confluent_kafka.admin.AdminClient(self.client)
            return None

    def members(self, group):
        """Those to whom partitions were dealt; 0 while they are dealt anew."""
        asked, = self.admin.describe_consumer_groups([self.group_id(group)]).values()
        about = asked.result(TIMEOUT_S)
        if about.state != confluent_kafka.ConsumerGroupState.STABLE:
            return 0
        return sum(1 for member in about.members if member.assignment.topic_partitions)

    def close(self):
        names = [name for name in self.admin.list_topics(timeout=TIMEOUT_S).topics
                 if name.startswith(f"{self.prefix}.")]
        for deleted in (self.admin.delete_topics(names) if names else {}).values():
            deleted.result(TIMEOUT_S)


# ---- SNS and SQS ---------------------------------------------------------------------------------

# Members of CloudEvents in one JSON object, and the headers that they are elsewhere.
HEADERS = {"datacontenttype": "content-type", "producertraceparent": "traceparent"} | {
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
