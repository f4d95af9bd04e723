"""Ourselves, through the public door: five services, the load driver, a fresh database.

A row of the table is a load of some shape. Before it a short one of the same shape warms up; after
it everything is booked to its end, and the rows that are stored are compared with the answers.
"""
import contextlib
import re
import time

from system.common import wait_until
from system.driver import drive
from system.harness import System

from bench.usage import Usage, pss_kib

ACCOUNTS = 10000
MANY_ACCOUNTS = 1000000
HOT = "user-1"
LIMIT_MINOR = 900000000000
WARMUP_S = 2
DRAIN_TIMEOUT_S = 900

# What the first request of an unknown user would do, for many: lane and id follow from the name.
OPEN = """INSERT INTO "authorization".account
    (lane, id, tenant_id, user_id, status, currency, limit_minor, opened_at)
SELECT get_byte(h, 15) & 63, encode(set_byte(set_byte(h, 6, get_byte(h, 6) & 15 | 128),
                                             8, get_byte(h, 8) & 63 | 128), 'hex')::uuid,
       'default', u, 'open', 'USD', %s, now()
  FROM generate_series(%s::bigint, %s::bigint) AS n, LATERAL (SELECT 'user-' || n) AS name (u),
       LATERAL (SELECT substring(sha256(int8send(7) || 'default'::bytea || int8send(length(u))
                                        || convert_to(u, 'UTF8')) FROM 1 FOR 16)) AS hash (h)
    ON CONFLICT DO NOTHING"""
# Of one stretch: ids begin with the millisecond at which they were made, so those since are found
# in each lane's end of the index.
STORED = """SELECT count(*) AS all, count(*) FILTER (WHERE decision = 'approved') AS approved
  FROM generate_series(0, 63) AS l (lane)
  JOIN "authorization".credit_authorization AS a ON a.lane = l.lane AND a.id >= %s::uuid"""
STORED_EVER = 'SELECT count(*) FROM "authorization".credit_authorization'


def transaction(user, number="seq"):
    return f'{{"transaction_id":"%{{run}}-%{{{number}}}","user_id":"{user}","amount":"0.01"}}'


def among(accounts, how="rand"):
    return f"user-%{{{how}:1:{accounts}}}"


def singles(connections, user=None, **options):
    return {"connections": connections, "body": transaction(user or among(ACCOUNTS)), **options}


def batches(connections, items):
    each = transaction(among(ACCOUNTS), "item")
    return {"connections": connections, "items": items, "path": "/v1/authorizations/batch",
            "body": f'{{"items":[%{{rep:{items}}}{each}%{{end}}]}}'}


# Name: what it is, what the driver is told, how many accounts there are.
LOADS = {
    "1": ("1 connection", singles(1), ACCOUNTS),
    "16": ("16 connections", singles(16), ACCOUNTS),
    "64": ("64 connections", singles(64), ACCOUNTS),
    "256": ("256 connections", singles(256), ACCOUNTS),
    "512": ("512 connections", singles(512), ACCOUNTS),
    "hot": ("one hot account, 256 connections", singles(256, HOT), ACCOUNTS),
    "repeats": ("5 % sent twice and compared, 256 connections",
                singles(256, replay_percent=5), ACCOUNTS),
    "rate-2000": ("open loop, 2,000 a second", singles(128, rate=2000), ACCOUNTS),
    "rate-5000": ("open loop, 5,000 a second", singles(256, rate=5000), ACCOUNTS),
    "batch-100": ("batches of 100 items, 16 connections", batches(16, 100), ACCOUNTS),
    "batch-1000": ("batches of 1,000 items, 4 connections", batches(4, 1000), ACCOUNTS),
    "million": ("1,000,000 accounts, 256 connections",
                singles(256, among(MANY_ACCOUNTS)), MANY_ACCOUNTS),
    "zipf": ("1,000,000 accounts, some much more often (1/n), 256 connections",
             singles(256, among(MANY_ACCOUNTS, "skew")), MANY_ACCOUNTS),
}


class Door:
    """Five services (or some of them) over a fresh database with accounts."""

    def __init__(self, cluster, bus, names=()):
        self.cluster = cluster
        self.system = System(cluster, bus=bus, env={"TALLYSTICK_LOG_LEVEL": "warning"})
        self.accounts = self.answered = self.stored_before = 0
        with contextlib.ExitStack() as undo:
            undo.callback(self.system.close)
            began = time.monotonic()
            self.system.start(*names)
            self.start_s = time.monotonic() - began
            self.idle_mib = self.memory_mib()
            self.open_accounts(ACCOUNTS)
            undo.pop_all()

    def close(self):
        self.system.close()

    def open_accounts(self, count):
        if count > self.accounts:
            self.system.sql(OPEN, LIMIT_MINOR, self.accounts + 1, count)
            self.system.sql('VACUUM ANALYZE "authorization".account')
            self.accounts = count

    def pids(self):
        return {name: self.system.services[name].process.pid for name in self.system.running()}

    def memory_mib(self):
        return sum(map(pss_kib, self.pids().values())) / 1024

    def touch_all(self):
        """One authorization on each account, booked: the ledger knows them all then."""
        said = drive(self.system, body=transaction("user-%{seq}"), requests=self.accounts,
                     connections=64)
        self.answered += said["ok"]
        self.drain()

    # ---- how far the books are behind ----------------------------------------------------------

    def _sum(self, service, series):
        text = self.system.get("/metrics", door=f"{service}_admin").text
        return sum(int(value) for value in re.findall(rf"^{series}.*}} (\d+)$", text, re.M))

    def approved(self):
        """Approvals since the authorization service was started."""
        return self._sum("authorization", 'auth_decisions_total{decision="approved"')

    def backlog(self):
        """Approvals whose saga has not ended. Asked of the services' counters, not of the tables:
        it costs next to nothing."""
        return self.approved() - self._sum("saga", 'saga_duration_seconds_count{saga="authorize"')

    def drain(self):
        """Waits until all is booked; how many seconds that took."""
        began = time.monotonic()
        wait_until(lambda: self.backlog() == 0, DRAIN_TIMEOUT_S, every=0.2, what="all booked")
        took = time.monotonic() - began
        self.system.settle(timeout=DRAIN_TIMEOUT_S)
        return took

    # ---- a load and what it has cost -----------------------------------------------------------

    def check_stored(self):
        """As many rows as all loads together were answered; how many that is."""
        stored = self.system.sql(STORED_EVER)[0].count - self.stored_before
        assert stored == self.answered, f"{self.answered} were answered, {stored} rows are stored"
        return stored

    def _drive(self, options, seconds):
        """The driver's answer, with what is stored since (`stored`). Every answer must be an
        approval that is stored, once. But a batch may have been answered with items refused:
        those are told as failed."""
        items, since = options.get("items", 1), f"{int(time.time() * 1000):012x}" + "0" * 20
        said = drive(self.system, duration_ms=int(seconds * 1000), **options)
        found = self.system.sql(STORED, since)[0]
        answered = (said["ok"] - said["replays"]) * items
        said["stored"] = found.all
        self.answered += found.all
        assert said["stored"] == answered or items > 1 and said["stored"] < answered, \
            f"{answered} were answered, {said['stored']} rows are stored"
        assert found.approved == found.all, "some were declined"
        said["failed"] += answered - said["stored"]
        said["done"] = said["stored"] + said["replays"]
        return said

    def run(self, options, seconds, warmup_s=WARMUP_S):
        """A result: of a load that follows a warm-up of the same kind."""
        self._drive(options, warmup_s)
        usage = Usage(self.cluster, self.pids())
        said = self._drive(options, seconds)
        usage.stop()
        return {"ok_per_s": said["done"] / said["seconds"], "done": said["done"],
                "rate": options.get("rate"),
                "stored": said["stored"], "replays": said["replays"],
                "errors": said["failed"] + said["unanswered"] + said["replays_differing"],
                **{name: said[name] for name in ("p50_ms", "p99_ms", "p999_ms")},
                **usage.costs(said["done"])}

    def measure(self, name, seconds):
        """A result of one of LOADS, and how far the books were behind."""
        title, options, accounts = LOADS[name]
        self.open_accounts(accounts)
        behind = self.backlog()
        result = self.run(options, seconds)
        result |= {"title": title, "backlog_before": behind, "backlog": self.backlog()}
        return result | {"drain_s": self.drain()}
