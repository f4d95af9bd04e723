"""The tests' client of Kafka, in a process of its own. Where a broker is killed under open requests
its library may hang, or end its process at once; that must not be the end of the test run. A client
that ends or says nothing is replaced and asked again: whatever it is asked may be asked twice.

The functions named in QUESTIONS run in that process; the rest is the caller's side."""
import contextlib
import functools
import multiprocessing
import os
import threading
import time

import confluent_kafka
import confluent_kafka.admin

TIMEOUT_S = 20
ANSWER_S = 5  # a client that has seen a broker crash may look for a group's coordinator for ever
ASK_MAX = 5   # times, of processes that ended

# What a broker says that has just come back and does not know all again.
BROKER_IS_WAKING = {confluent_kafka.KafkaError.UNKNOWN_LEADER_EPOCH,
                    confluent_kafka.KafkaError.NOT_LEADER_FOR_PARTITION,
                    confluent_kafka.KafkaError.LEADER_NOT_AVAILABLE,
                    confluent_kafka.KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
                    confluent_kafka.KafkaError.COORDINATOR_NOT_AVAILABLE,
                    confluent_kafka.KafkaError.NOT_COORDINATOR}


# ---- in the client's process ---------------------------------------------------------------------

def settings(broker):
    return {"bootstrap.servers": broker, "log_level": 0}


@functools.cache
def admin(broker):
    return confluent_kafka.admin.AdminClient(settings(broker))


def publish(broker, messages):
    """Rows of (topic, key, headers, payload). By the Java client's choice of a partition, as every
    producer of these topics. Says what went wrong; the same again has the same event ids."""
    producer = confluent_kafka.Producer(
        settings(broker) | {"enable.idempotence": True, "partitioner": "murmur2_random"})
    failed = []

    def delivered(error, _):
        if error is not None:
            failed.append(str(error))

    for topic, key, headers, payload in messages:
        producer.produce(topic, payload.encode(), key.encode(), on_delivery=delivered,
                         headers=[(name, value.encode()) for name, value in headers.items()])
    return failed if producer.flush(TIMEOUT_S) == 0 else ["no answer"]


def topics(broker):
    """Names, and how many partitions each has."""
    known = admin(broker).list_topics(timeout=TIMEOUT_S).topics
    return {name: len(topic.partitions) for name, topic in known.items()}


def unless_waking(ask):
    """None while a broker that has just come back does not know all of it again."""
    try:
        return ask()
    except confluent_kafka.KafkaException as why:
        if why.args[0].code() not in BROKER_IS_WAKING:
            raise
        return None


def ends(broker, names):
    """(topic, partition): the next offset; of the topics that there are. None: ask again."""
    known = topics(broker)
    latest = confluent_kafka.admin.OffsetSpec.latest()
    places = [confluent_kafka.TopicPartition(name, partition)
              for name in names if name in known for partition in range(known[name])]
    asked = admin(broker).list_offsets({place: latest for place in places}) if places else {}
    return unless_waking(lambda: {(place.topic, place.partition): answer.result(ANSWER_S).offset
                                  for place, answer in asked.items()})


def progress(broker, group, places):
    """(topic, partition): what the group reads next, 0 before its first commit. None: ask again."""
    wanted = confluent_kafka.ConsumerGroupTopicPartitions(
        group, [confluent_kafka.TopicPartition(*place) for place in places])
    asked, = admin(broker).list_consumer_group_offsets([wanted]).values()
    return unless_waking(lambda: {(place.topic, place.partition): max(place.offset, 0)
                                  for place in asked.result(ANSWER_S).topic_partitions})


def members(broker, group):
    """Those to whom partitions were dealt; 0 while they are dealt anew."""
    asked, = admin(broker).describe_consumer_groups([group]).values()
    about = asked.result(ANSWER_S)
    if about.state != confluent_kafka.ConsumerGroupState.STABLE:
        return 0
    return sum(1 for member in about.members if member.assignment.topic_partitions)


def read(broker, group, until):
    """Rows of (topic, partition, offset, key, headers, payload) from the beginning to the ends
    given."""
    missing = {place for place, end in until.items() if end > 0}
    found = []
    consumer = confluent_kafka.Consumer(
        settings(broker) | {"group.id": group, "enable.auto.commit": False})
    consumer.assign([confluent_kafka.TopicPartition(*place, 0) for place in missing])
    give_up = time.monotonic() + TIMEOUT_S
    while missing:
        assert time.monotonic() < give_up, f"Kafka says nothing of {missing}"
        for one in consumer.consume(500, 0.1):  # waits until it has so many, or so long
            assert one.error() is None, one.error()
            place = one.topic(), one.partition()
            if one.offset() < until[place]:
                headers = {name: value.decode() for name, value in one.headers() or ()}
                found.append((*place, one.offset(), one.key().decode(), headers,
                              one.value().decode()))
            if one.offset() >= until[place] - 1:
                missing.discard(place)
    consumer.close()
    return sorted(found, key=lambda row: row[:3])


def delete(broker, prefix):
    names = [name for name in topics(broker) if name.startswith(prefix)]
    for deleted in (admin(broker).delete_topics(names) if names else {}).values():
        deleted.result(TIMEOUT_S)


QUESTIONS = {ask.__name__: ask
             for ask in (publish, topics, ends, progress, members, read, delete)}


def serve(pipe, broker):
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            name, args = pipe.recv()
            try:
                answer = QUESTIONS[name](broker, *args), None
            except TimeoutError:
                os._exit(1)  # the next process may do better
            except Exception as why:  # noqa: BLE001  (whatever it is, the caller raises it)
                answer = None, f"{type(why).__name__}: {why}"
            pipe.send(answer)


# ---- the caller's side ---------------------------------------------------------------------------

class KafkaClient:
    def __init__(self, broker):
        self.broker, self.process, self.lock = broker, None, threading.Lock()

    def ask(self, name, *args):
        with self.lock:
            for _ in range(ASK_MAX):
                with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
                    return self._ask_once(name, args)
                self.close()
        raise AssertionError(f"the Kafka client ended {ASK_MAX} times when asked for {name}")

    def _ask_once(self, name, args):
        self._start()
        self.pipe.send((name, args))
        if not self.pipe.poll(2 * TIMEOUT_S):
            raise EOFError
        answer, error = self.pipe.recv()
        assert error is None, f"Kafka, {name}: {error}"
        return answer

    def _start(self):
        if self.process is not None:
            return
        spawn = multiprocessing.get_context("spawn")  # a fork would copy threads half
        self.pipe, theirs = spawn.Pipe()
        self.process = spawn.Process(target=serve, args=(theirs, self.broker), daemon=True)
        self.process.start()
        theirs.close()

    def close(self):
        """Killed: its library may never return."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()
        self.process = None
