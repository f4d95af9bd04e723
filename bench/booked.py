"""Ourselves, beyond the answer: booked to the end, the door without the books, one core, a soak.

The door's peak is a burst: it grows a backlog of approvals that are not booked yet. What an
operator may promise is a rate at which that backlog stays flat.
"""
import contextlib
import statistics
import threading

from bench.door import LOADS, Door, singles
from bench.usage import Usage

FIRST_RATE = 4500  # the target
SUSTAINED_S = 15
FLAT_SHARE = 0.05  # of what was decided: so much the backlog may have grown meanwhile
KEPT_UP = 0.98     # of the rate, at the door
TRIES = 4
SAMPLE_S = 1


class Watch:
    """Samples of something while a load runs: `with Watch(door.backlog) as watch: ...`"""

    def __init__(self, ask, every=SAMPLE_S):
        self.ask, self.every = ask, every
        self.samples = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.stopped.wait(self.every):
            self.samples.append(self.ask())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    def ends(self):
        """The medians of the first and of the last third."""
        third = max(1, len(self.samples) // 3)
        return statistics.median(self.samples[:third]), statistics.median(self.samples[-third:])


def at_rate(door, rate, seconds):
    """A result at a fixed rate: how the backlog went, and the cost of it all to the end."""
    whole, before = Usage(door.cluster, door.pids()), door.approved()
    with Watch(door.backlog) as watch:
        result = door.run(singles(256, rate=rate), seconds)
    began, ended = watch.ends()
    drain_s = door.drain()
    whole.stop()
    booked = whole.costs(door.approved() - before)
    return result | {name: booked[name] for name in ("cpu", "cpu_postgres", "wal_bytes")} | {
        "rate": rate, "backlog_before": began, "backlog": ended, "drain_s": drain_s,
        "is_flat": (ended - began <= FLAT_SHARE * result["done"]
                    and result["ok_per_s"] >= KEPT_UP * rate)}


def sustained(door, seconds=SUSTAINED_S):
    """The highest rate tried at which the backlog stayed flat; `tried` tells all of them."""
    rate, best, tried = FIRST_RATE, None, []
    for _ in range(TRIES):
        result = at_rate(door, rate, seconds)
        is_flat = result["is_flat"]
        tried.append(f"{rate:,} a second: {result['ok_per_s']:,.0f} answered, backlog "
                     f"{result['backlog_before']:,.0f} > {result['backlog']:,.0f}, drained in "
                     f"{result['drain_s']:.1f} s, {'flat' if is_flat else 'not flat'}")
        if best and not is_flat:
            break
        best = result if is_flat else None
        rate = int(rate * (1.2 if is_flat else 0.8))
    how = "flat" if best else "growing at every rate tried"
    return {"title": f"booked to the end, backlog {how}", "tried": tried} | (best or result)


def alone(cluster, bus, seconds):
    """Two results: the door without anybody who books; then how fast what it left is booked."""
    with contextlib.closing(Door(cluster, bus, ("gateway", "authorization"))) as door:
        title, options, _ = LOADS["256"]
        result = door.run(options, seconds)
        result["title"] = f"gateway and authorization service alone, {title}"
        door.system.start("ledger", "outbox", "saga")
        behind, usage = door.backlog(), Usage(cluster, door.pids())
        took = door.drain()
        usage.stop()
        door.system.verify()
    drained = {"title": "booking what was left, nothing else asked", "ok_per_s": behind / took,
               "done": behind, "stored": behind, "errors": 0, "drain_s": took,
               "backlog_before": behind, "backlog": 0} | usage.costs(behind)
    return result, drained
