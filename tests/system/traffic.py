"""Clients that keep asking while something happens to the services, and remember every answer."""
import collections
import contextlib
import threading
import time
import uuid

import requests
from system.common import wait_until

Try = collections.namedtuple("Try", "outcome body seconds")  # outcome: a status or an exception


class Ask:
    """One request, and what came of each try of it."""

    def __init__(self, user_id, amount):
        self.key = str(uuid.uuid4())
        self.transaction_id = f"tx-{uuid.uuid4()}"
        self.user_id, self.amount = user_id, amount
        self.tries = []

    def send(self, system):
        began = time.monotonic()
        try:
            answer = system.authorize(self.user_id, self.amount, self.transaction_id, key=self.key)
            outcome, body = answer.status_code, answer.content
        except requests.RequestException as error:
            outcome, body = type(error).__name__, b""
        self.tries.append(Try(outcome, body, time.monotonic() - began))
        return self.tries[-1].outcome == 201

    def outcomes(self):
        return [one.outcome for one in self.tries]


class Traffic:
    """Threads that authorize one request after the other. With `insists` a request is sent again
    under its key until it was decided, as a good client does. Each rests between two requests."""

    def __init__(self, system, clients=8, insists=True, users=20, rest_s=0):
        self.system, self.insists, self.users, self.rest_s = system, insists, users, rest_s
        self.stops = threading.Event()
        self.asks = [[] for _ in range(clients)]
        self.threads = [threading.Thread(target=self._run, args=(mine, at))
                        for at, mine in enumerate(self.asks)]

    def _run(self, mine, number):
        while not self.stops.is_set():
            ask = Ask(f"traffic-{(number + len(mine)) % self.users}", "0.01")
            mine.append(ask)
            give_up = time.monotonic() + 40
            while not ask.send(self.system) and self.insists and time.monotonic() < give_up:
                time.sleep(0.05)
            time.sleep(self.rest_s if ask.tries[-1].outcome == 201 else 0.02)

    @contextlib.contextmanager
    def flowing(self):
        """Runs while the block does; then everybody finishes what was begun."""
        for thread in self.threads:
            thread.start()
        try:
            yield self
        finally:
            self.stops.set()
            for thread in self.threads:
                thread.join(60)

    def all(self):
        return [ask for mine in self.asks for ask in mine]

    def answered(self):
        """How many requests were decided so far."""
        return sum(1 for ask in self.all() if ask.tries and ask.tries[-1].outcome == 201)

    def slowest_s(self):
        """How long the longest try took, answered or not."""
        return max(one.seconds for ask in self.all() for one in ask.tries)

    def undecided(self):
        return [ask for ask in self.all() if ask.tries[-1].outcome != 201]

    def wait_for_more(self, count, timeout=40):
        goal = self.answered() + count
        wait_until(lambda: self.answered() >= goal, timeout, what=f"{count} more answers")

    def outcomes(self):
        return collections.Counter(outcome for ask in self.all() for outcome in ask.outcomes())

    def check_nothing_lost(self):
        """What was answered 201 is stored as it was answered; every try that was decided says the
        same; each transaction was decided once."""
        stored = {row.transaction_id: str(row.id) for row in self.system.sql(
            'SELECT transaction_id, id FROM "authorization".credit_authorization')}
        for ask in self.all():
            bodies = {one.body for one in ask.tries if one.outcome == 201}
            assert len(bodies) <= 1, f"{ask.transaction_id} was answered in two ways: {bodies}"
            for body in bodies:
                assert stored.get(ask.transaction_id, "").encode() in body and \
                    ask.transaction_id in stored, f"{ask.transaction_id} was answered, not stored"
        count = self.system.sql('SELECT count(*) AS rows, count(DISTINCT transaction_id) AS ids '
                                'FROM "authorization".credit_authorization')[0]
        assert count.rows == count.ids
        return stored
