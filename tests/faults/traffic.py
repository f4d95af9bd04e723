"""Clients that do everything at once while something happens to the services: they authorize, in
batches too, void, change limits, freeze, look, repeat what was answered and what was not. Every try
is recorded as a history; README.md tells its format and who checks it."""
import asyncio
import contextlib
import random
import threading

from faults.asks import Authorize, Balance, Batch, Look, Page, Put, Reuse, Void, new_id
from faults.door import Door, LostError, NotSentError
from faults.history import ACKNOWLEDGED, REFUSED, UNKNOWN, Recorder
from system.common import wait_until

# What a client does next, and how often.
WEIGHTS = {
    "authorize": 50, "batch": 8, "twins": 5, "void": 12, "void_again": 2, "repeat": 8,
    "repeat_transaction": 2, "reuse": 1, "limit": 4, "status": 2, "balance": 6, "look": 3,
}
AMOUNT_MAX_MINOR = 2000
LIMIT_MAX_MINOR = 20000
RECENT = 200         # repeats and voids are of what was answered last
FINISH_CLIENTS = 16
REST_S = (0.05, 0.2)  # of a client that was refused


class Traffic:
    """`hot` accounts take half of all requests, `users` the other half. With `rest_s` a client
    rests between two requests. The seed draws what each client does; what it does it to depends on
    what was answered by then, which is up to the machine."""

    def __init__(self, system, path, seed, *, clients=64, hot=2, users=30, rest_s=0,
                 timeout_s=10, weights=None, short_holds=0.15):
        self.address = "127.0.0.1", system.ports["gateway"]
        is_open = system.env["TALLYSTICK_PROFILE"] == "dev"  # to users nobody has seen before
        limit = system.env.get("TALLYSTICK_AUTO_OPEN_LIMIT", "1000.00").replace(".", "")
        self.recorder = Recorder(path, int(limit) if is_open else None)
        self.seed, self.client_count, self.rest_s, self.timeout_s = seed, clients, rest_s, timeout_s
        self.weights, self.short_holds = weights or WEIGHTS, short_holds
        draw = random.Random(f"{seed} users")
        name = f"user-{draw.getrandbits(32):08x}"
        self.hot = [f"{name}-hot-{number}" for number in range(hot)]
        self.users = [f"{name}-{number}" for number in range(users)]
        self.asks = []       # every one with a key: it may be sent again
        self.answered = []   # of them, those that were decided
        self.approved = []   # (user id, authorization id)
        self.in_flight = 0
        self.stops = threading.Event()
        self.problem = None

    @property
    def path(self):
        return self.recorder.path

    @property
    def counts(self):
        """Of operations: how many were acknowledged, refused, unknown."""
        return self.recorder.counts

    # ---- while it flows -------------------------------------------------------------------------

    @contextlib.contextmanager
    def flowing(self):
        """Runs while the block does; then everybody ends the request that is on its way."""
        thread = threading.Thread(target=asyncio.run, args=(self._live(),))
        thread.start()
        try:
            yield self
        finally:
            self.stops.set()
            thread.join()
        if self.problem:
            raise self.problem

    def wait_for_more(self, count, timeout=60):
        """Until so many more operations were acknowledged."""
        goal = self.counts[ACKNOWLEDGED] + count
        self._wait(lambda: self.counts[ACKNOWLEDGED] >= goal, timeout, f"{count} more answers")

    def wait_in_flight(self, count, timeout=60):
        """Until so many requests wait for their answers."""
        self._wait(lambda: self.in_flight >= count, timeout, f"{count} requests in flight")

    def wait_for_tries(self, count, timeout=60):
        """Until so many more operations came to an end, whichever."""
        goal = self.counts.total() + count
        self._wait(lambda: self.counts.total() >= goal, timeout, f"{count} more tries")

    def _wait(self, predicate, timeout, what):
        wait_until(lambda: self.problem or predicate(), timeout, every=0.005, what=what)

    async def _live(self):
        clients = [Client(self, number) for number in range(self.client_count)]
        await asyncio.gather(*(client.live() for client in clients))

    # ---- afterwards -----------------------------------------------------------------------------

    def finish(self, timeout=60):
        """Asks again, under its key, what nobody knows the outcome of, until it is known; asks once
        more what was decided; looks at every account. The services must be whole by now."""
        asyncio.run(asyncio.wait_for(self._finish(), timeout))
        self.recorder.close()
        if self.problem:
            raise self.problem

    async def _finish(self):
        unclear = [ask for ask in self.asks if ask.is_open()]
        again = [ask for ask in self.asks if ask.is_decided]
        await self._share(unclear, Client.settle)
        await self._share(again, Client.send)
        await self._share(self.hot + self.users, Client.take_stock)

    async def _share(self, work, do):
        """Some clients do what there is to do."""
        rest = iter(work)

        async def run(client):
            for one in rest:
                await do(client, one)
            client.close()

        clients = [Client(self, self.client_count + at) for at in range(FINISH_CLIENTS)]
        await asyncio.gather(*map(run, clients))


class Client:
    """One after the other, it does something random."""

    def __init__(self, traffic, number):
        self.traffic, self.number = traffic, number
        self.draw = random.Random(f"{traffic.seed} {number}")
        self.doors = [Door(*traffic.address, traffic.timeout_s) for _ in range(2)]

    def close(self):
        for door in self.doors:
            door.close()

    async def live(self):
        names, weights = zip(*self.traffic.weights.items(), strict=True)
        try:
            while not self.traffic.stops.is_set() and not self.traffic.problem:
                name, = self.draw.choices(names, weights)
                await getattr(self, name)()
                await asyncio.sleep(self.draw.random() * 2 * self.traffic.rest_s)
        except Exception as problem:  # told by the test's own thread
            self.traffic.problem = problem
        finally:
            self.close()

    # ---- one request ----------------------------------------------------------------------------

    async def send(self, ask, door=0):
        """One try, and its lines in the history."""
        traffic, recorder = self.traffic, self.traffic.recorder
        start_ns = recorder.now_ns()
        traffic.in_flight += 1
        try:
            answer = await self.doors[door].ask(ask.method, ask.path, ask.headers(), ask.body)
            said = ask.read(answer)
        except NotSentError:
            said = [(REFUSED, None)] * max(1, len(ask.parts))
        except LostError:
            said = [(UNKNOWN, None)] * max(1, len(ask.parts))
        finally:
            traffic.in_flight -= 1
        for part, (outcome, output) in zip(ask.parts, said, strict=False):
            recorder.note((self.number, *part), start_ns, outcome, output)
        was_decided = ask.is_decided
        ask.note([outcome for outcome, _ in said])
        if ask.is_decided and not was_decided:
            self.learn(ask)
        return ask.is_decided

    def learn(self, ask):
        if type(ask) not in (Authorize, Batch):
            return
        self.traffic.answered.append(ask)
        self.traffic.approved += [(body["user_id"], body["id"]) for body in ask.latest
                                  if body.get("decision_code") == "approved"]

    async def see_through(self, ask):
        """A good client asks again until it knows; others go on, and some never come back."""
        if ask.key:
            self.traffic.asks.append(ask)
        insists = ask.key and self.draw.random() < 0.5
        while not await self.send(ask) and not self.traffic.stops.is_set():
            await self.rest()
            if not insists:
                return

    async def settle(self, ask):
        while not await self.send(ask):
            await self.rest()

    async def rest(self):
        await asyncio.sleep(self.draw.uniform(*REST_S))

    async def take_stock(self, user):
        """Every authorization of an account as it is in the end, and its balance."""
        page, found = Page(user), []
        await self.settle(page)
        found += page.transactions
        while page.next_cursor:
            page = Page(user, page.next_cursor)
            await self.settle(page)
            found += page.transactions
        recorder = self.traffic.recorder
        recorder.note((self.number, user, "list", {}), recorder.now_ns(), ACKNOWLEDGED,
                      {"transactions": found})
        await self.settle(Balance(user))

    # ---- what it does ---------------------------------------------------------------------------

    def user(self):
        return self.draw.choice(self.draw.choice([self.traffic.hot, self.traffic.users]))

    def recent(self, of):
        return self.draw.choice(of[-RECENT:]) if of else None

    def request(self):
        request = {"transaction_id": f"tx-{new_id(self.draw)}", "user_id": self.user(),
                   "amount_minor": self.draw.randint(1, AMOUNT_MAX_MINOR)}
        if self.draw.random() < self.traffic.short_holds:
            request["expires_in"] = self.draw.randint(1, 3)
        return request

    async def authorize(self):
        await self.see_through(Authorize(self.request(), new_id(self.draw)))

    async def batch(self):
        requests = [self.request() for _ in range(self.draw.randint(2, 12))]
        if self.draw.random() < 0.3:
            requests.append(requests[0])  # the same transaction again: the same decision
        await self.see_through(Batch(requests, new_id(self.draw)))

    async def twins(self):
        """One request, over two connections at once."""
        ask = Authorize(self.request(), new_id(self.draw))
        self.traffic.asks.append(ask)
        await asyncio.gather(self.send(ask, 0), self.send(ask, 1))

    async def void(self):
        if found := self.recent(self.traffic.approved):
            await self.see_through(Void(*found, new_id(self.draw)))

    async def void_again(self):
        """Under two keys at once: one of them comes too late."""
        if found := self.recent(self.traffic.approved):
            asks = [Void(*found, new_id(self.draw)) for _ in range(2)]
            self.traffic.asks += asks
            await asyncio.gather(*(self.send(ask, at) for at, ask in enumerate(asks)))

    async def repeat(self):
        if ask := self.recent(self.traffic.answered):
            await self.send(ask)

    async def repeat_transaction(self):
        """What was decided, under a new key: a client that lost its keys."""
        ask = self.recent(self.traffic.answered)
        if isinstance(ask, Authorize):
            await self.see_through(Authorize(ask.request, new_id(self.draw)))

    async def reuse(self):
        """A used key for another transaction, or a used transaction id for another amount."""
        ask = self.recent(self.traffic.answered)
        if isinstance(ask, Authorize):
            other = self.request()
            if self.draw.random() < 0.5:
                key = ask.key
            else:
                key = new_id(self.draw)
                other = ask.request | {"amount_minor": ask.request["amount_minor"] + 1}
            await self.send(Reuse(other, key))

    async def limit(self):
        await self.see_through(
            Put(self.user(), {"credit_limit_minor": self.draw.randint(0, LIMIT_MAX_MINOR)}))

    async def status(self):
        """Frozen, and soon opened again; both with a limit, for who is not known yet."""
        user, limit = self.user(), self.draw.randint(1, LIMIT_MAX_MINOR)
        for status in ("frozen", "open"):
            await self.see_through(Put(user, {"credit_limit_minor": limit, "status": status}))

    async def balance(self):
        await self.see_through(Balance(self.user()))

    async def look(self):
        if found := self.recent(self.traffic.approved):
            await self.see_through(Look(*found))
