"""tools/moto_server.py ARGUMENTS - moto's own server, with its queues behind one lock.

Moto answers each request on a thread of its own and does not guard its queues. Two members that
wait at once are then handed messages of one group out of order, and what is sent at the moment of a
delete is lost: neither happens at AWS. So that tests find our faults and not these, whatever reads
or changes a queue holds the lock, and a long poll waits outside of it.

Of a batch of one group that comes back after its visibility timeout, moto passes over the first
message, because the second still counts as held when it looks at the first, and hands out the
second. Here all that is visible again stops counting as held before any is handed out, by one
reading of the clock.

Moto counts a queue's messages whenever it looks at any attribute of the queue, dozens of times for
each message it takes: a queue of a thousand made every send cost a second. Here an attribute is
worked out when it is asked for.
"""
import collections.abc
import contextlib
import functools
import json
import threading
import time

import moto.sqs.models
from moto.core.utils import camelcase_to_underscores
from moto.server import main
from moto.sns.models import SNSBackend
from moto.sqs.models import Queue, SQSBackend

LOOK_AGAIN_S = 0.02

lock = threading.RLock()


def guard(owner, name):
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def guarded(*args, **named):
        with lock:
            return inner(*args, **named)

    setattr(owner, name, guarded)


class Clock:
    """That of the queues; it stands still while messages are taken."""

    def __init__(self):
        self.stopped_at = None

    def seconds(self):
        return time.time() if self.stopped_at is None else self.stopped_at

    @contextlib.contextmanager
    def stopped(self):
        self.stopped_at = time.time()
        try:
            yield
        finally:
            self.stopped_at = None


clock = Clock()
receive_now = SQSBackend.receive_message


def take(backend, queue_name, count, *args, **named):
    with lock, clock.stopped():
        queue = backend.get_queue(queue_name)
        queue.pending_messages.difference_update(
            [message for message in queue.pending_messages if message.visible])
        return receive_now(backend, queue_name, count, 0, *args, **named)


def receive_message(self, queue_name, count, wait_seconds_timeout, *args, **named):
    """Messages of a group that others hold are there and not to be had: look again, do not spin."""
    until = time.monotonic() + wait_seconds_timeout
    while True:
        found = take(self, queue_name, count, *args, **named)
        if found or time.monotonic() >= until:
            return found
        time.sleep(LOOK_AGAIN_S)


class Attributes(collections.abc.Mapping):
    """Those of one queue, as Queue.attributes has them."""

    def __init__(self, queue):
        self.queue = queue
        self.names = list(queue.BASE_ATTRIBUTES)
        self.names += queue.FIFO_ATTRIBUTES if queue.fifo_queue else ()
        self.names += queue.KMS_ATTRIBUTES if queue.kms_master_key_id else ()

    def __getitem__(self, name):
        if name not in self.names:
            raise KeyError(name)
        value = getattr(self.queue, camelcase_to_underscores(name))
        if name == "RedrivePolicy" and value:
            return json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else value

    def __iter__(self):
        return iter(self.names)

    def __len__(self):
        return len(self.names)


SQSBackend.receive_message = receive_message
Queue.attributes = property(Attributes)
moto.sqs.models.unix_time = clock.seconds
moto.sqs.models.unix_time_millis = lambda: clock.seconds() * 1000
for owner, names in ((Queue, ("add_message", "delete_message")),
                     (SQSBackend, ("create_queue", "delete_queue", "change_message_visibility",
                                   "set_queue_attributes", "purge_queue")),
                     (SNSBackend, ("create_topic", "subscribe"))):
    for name in names:
        guard(owner, name)

if __name__ == "__main__":
    main()
