"""python -m bench - floors and ourselves in turn, in one run: see bench/README.md.

Run it by `make bench`. Everything is private to the run: a cluster of its own below /tmp, free
ports on loopback; nothing stays but the report. The figures mean something only on a machine that
does nothing else; `undisturbed` says how much of what it did was ours.
"""
import argparse
import contextlib
import datetime
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("TALLYSTICK_BIN", str(ROOT / "build/src/tallystick"))

from system.harness import Cluster  # noqa: E402  (needs the path above)

from bench import booked, machine, report  # noqa: E402
from bench.door import LOADS, Door  # noqa: E402
from bench.floors import Floors  # noqa: E402
from bench.targets import judge  # noqa: E402

FLOORS = {
    "floor-seven": ("floor (a): seven round trips, 16 clients", lambda f: f.pgbench("seven")),
    "floor-one": ("floor (b): one statement, 16 clients", lambda f: f.pgbench("one")),
    "floor-one-hot": ("floor (b) on one hot account", lambda f: f.pgbench("one", accounts=1)),
    "floor-one-rate": ("floor (b), 2,000 a second", lambda f: f.pgbench("one", rate=2000)),
    "floor-single": ("floor (b), one client", lambda f: f.pgbench("one", clients=1)),
    "floor-batches": ("floor (c): batches of 128, 2 connections", lambda f: f.batches()),
}


class Run:
    """What was asked for, and the results so far: by row, one of each round."""

    def __init__(self, options):
        self.options = options
        self.results, self.facts = {}, {}

    def wants(self, name):
        group = "floors" if name.startswith("floor") else "door" if name in LOADS else name
        return not self.options.only or {name, group} & set(self.options.only)

    def add(self, name, result):
        """Prints it at once: somebody may watch."""
        self.results.setdefault(name, []).append(result)
        p99 = f", p99 {result['p99_ms']:.1f} ms" if "p99_ms" in result else ""
        print(f"  {result['title']}: {result['ok_per_s']:,.0f} a second{p99}, "
              f"undisturbed {result['undisturbed']:.0%}", flush=True)

    def note(self, name, value):
        self.facts.setdefault(name, []).append(value)

    # ---- the parts of a round ------------------------------------------------------------------

    def floors(self, cluster):
        wanted = {name: floor for name, floor in FLOORS.items() if self.wants(name)}
        if not wanted:
            return
        with contextlib.closing(Floors(cluster, self.options.seconds)) as floors:
            self.note("payload", floors.sample.payload_bytes())
            for name, (title, run) in wanted.items():
                self.add(name, {"title": title} | run(floors))

    def door(self, cluster):
        wanted = [name for name in LOADS if self.wants(name)]
        if not wanted and not self.wants("sustained"):
            return
        with contextlib.closing(Door(cluster, self.options.bus)) as door:
            self.note("start", door.start_s)
            self.note("idle", door.memory_mib())
            for name in wanted:
                self.add(name, door.measure(name, self.options.seconds))
            if self.wants("sustained"):
                self.add("sustained", booked.sustained(door))
            began = time.monotonic()
            door.system.verify(timeout=1800)
            self.note("verify", (time.monotonic() - began, door.stored().all))

    def beyond(self, cluster):
        if self.wants("alone"):
            alone, drained = booked.alone(cluster, self.options.bus, self.options.seconds)
            self.add("alone", alone)
            self.add("drain", drained)

    def all(self):
        parts = () if self.options.bus == "postgres" else {"bus": self.options.bus}
        with contextlib.closing(Cluster(**dict(parts))) as cluster:
            told = machine.told(cluster)
            print(f"on {told['machine']}; PostgreSQL {told['postgresql']}: "
                  f"{report.settings_of(told)}", flush=True)
            for number in range(1, self.options.rounds + 1):
                print(f"round {number} of {self.options.rounds}", flush=True)
                for part in (self.floors, self.door, self.beyond):
                    part(cluster)
        return told


def read_options():
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", nargs="*", help="rows, or floors, door, sustained, alone")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=6, help="of each measurement")
    parser.add_argument("--bus", default="postgres", choices=("postgres", "kafka", "sns-sqs"))
    return parser.parse_args()


def main():
    options, began = read_options(), time.monotonic()
    run = Run(options)
    told = run.all()
    rows = {name: report.merge(results) for name, results in run.results.items()}
    said = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M"),
        "command": "make bench", "shape": machine.shape(), "told": told, "rows": rows,
        "minutes": (time.monotonic() - began) / 60, "facts": [], "results": run.results,
    }
    said["targets"] = judge(rows, run.facts)
    path = report.write(said, ROOT / "bench/results")
    print(f"\n{report.text(said)}\nwritten to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
