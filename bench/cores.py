"""The same on fewer cores: PostgreSQL, services and driver are all bound to them."""
import contextlib
import os

from bench.door import LOADS, Door
from bench.floors import Floors
from bench.usage import children_of


@contextlib.contextmanager
def bound_to(cluster, cores):
    """What is started meanwhile is bound too: a process hands it on to its children."""
    before = os.sched_getaffinity(0)
    postmaster = cluster.postmaster()

    def bind(to):
        for pid in (0, postmaster, *children_of(postmaster)):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(pid, to)

    bind(cores)
    try:
        yield
    finally:
        bind(before)


def on_one_core(cluster, bus, seconds):
    """Two results: floor (b), and the door."""
    with bound_to(cluster, {min(os.sched_getaffinity(0))}):
        with contextlib.closing(Floors(cluster, seconds)) as floors:
            floor = {"title": "floor (b), everything on one core"} | floors.pgbench("one")
        with contextlib.closing(Door(cluster, bus)) as door:
            ours = door.measure("256", seconds)
            door.system.verify()
    return floor, ours | {"title": f"{LOADS['256'][0]}, everything on one core"}
