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
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("TALLYSTICK_BIN", str(ROOT / "build/src/tallystick"))

from system.harness import Cluster  # noqa: E402  (needs the path above)

from bench import booked, cores, grown, machine, report, soak  # noqa: E402
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
        self.results, self.facts, self.told, self.failures = {}, {}, [], []

    def wants(self, name):
        group = "floors" if name in FLOORS else "door" if name in LOADS else name
        return not self.options.only or {name, group} & set(self.options.only)

    def add(self, name, result):
        """Prints it at once: somebody may watch."""
        self.results.setdefault(name, []).append(result)
        p99 = f", p99 {result['p99_ms']:.1f} ms" if "p99_ms" in result else ""
        print(f"  {result['title']}: {result['ok_per_s']:,.0f} a second{p99}, "
              f"undisturbed {result['undisturbed']:.0%}", flush=True)
        if result.get("replays"):
            self.tell(f"{name}: {result['replays']:,} requests were sent twice, the second answers "
                      f"were compared byte for byte")
        for sentence in result.get("tried", ()):
            self.tell(f"tried {sentence}")

    def note(self, name, value):
        self.facts.setdefault(name, []).append(value)

    def tell(self, sentence):
        self.told.append(sentence)
        print(f"  {sentence}", flush=True)

    def best(self, name):
        """The rate of a row measured before; None when it was not."""
        return max((one["ok_per_s"] for one in self.results.get(name, ())), default=None)

    def attempt(self, name, measure):
        self.attempt_both(name, None, lambda: (measure(), None))

    def attempt_both(self, name, other, measure):
        """Two rows, or one. What goes wrong is told at the end, and the rest is measured all the
        same."""
        try:
            first, second = measure()
            self.add(name, first)
            if other:
                self.add(other, second)
        except (AssertionError, OSError, subprocess.SubprocessError) as failure:
            self.failures.append(f"{name} failed: {failure}")
            print(f"  {self.failures[-1]}", flush=True)

    # ---- the parts of a round ------------------------------------------------------------------

    def floors(self, cluster):
        wanted = {name: floor for name, floor in FLOORS.items() if self.wants(name)}
        if not wanted:
            return
        with contextlib.closing(Floors(cluster, self.options.seconds)) as floors:
            self.note("payload_bytes", floors.sample.payload_bytes())
            for name, (title, run) in wanted.items():
                self.attempt(name, lambda: {"title": title} | run(floors))  # noqa: B023

    def door(self, cluster):
        wanted = [name for name in LOADS if self.wants(name)]
        if not wanted and not self.wants("sustained"):
            return
        seconds = self.options.seconds
        with contextlib.closing(Door(cluster, self.options.bus)) as door:
            self.note("start_s", door.start_s)
            self.note("idle_mib", door.idle_mib)
            for name in wanted:
                self.attempt(name, lambda: door.measure(name, seconds))  # noqa: B023
            if self.wants("sustained"):
                self.attempt("sustained", lambda: booked.sustained(door))
            self.verify(door)

    def verify(self, door):
        """At the end of a database: is all there, and does every promise hold?"""
        stored, began = door.check_stored(), time.monotonic()
        door.system.verify(timeout=3600)
        self.note("idle_after_mib", door.memory_mib())
        self.tell(f"{stored:,} answered and stored, verify finds every promise kept "
                  f"({time.monotonic() - began:.0f} s)")

    def beyond(self, cluster):
        bus, seconds = self.options.bus, self.options.seconds
        if self.wants("alone"):
            self.attempt_both("alone", "drain", lambda: booked.alone(cluster, bus, seconds))
        if self.wants("cores"):
            self.attempt_both("core-floor", "core-256",
                              lambda: cores.on_one_core(cluster, bus, seconds))

    def soak(self, cluster):
        with contextlib.closing(Door(cluster, self.options.bus)) as door:
            result, told = soak.soak(door, self.best("256"), self.best("sustained"))
            self.add("soak", result)
            for line in told:
                self.tell(line)
            self.verify(door)

    def grown(self, cluster):
        """Over a database that has been used for long."""
        with contextlib.closing(Door(cluster, self.options.bus)) as door:
            began, count = time.monotonic(), self.options.grown
            grown.grow(door, grown.Booked(cluster), count)
            self.tell(f"{count:,} authorizations made in {time.monotonic() - began:.0f} s")
            stored = f"{count:,} stored before"
            for name in ("256", "rate-2000"):
                result = door.measure(name, self.options.seconds)
                self.add(f"grown-{name}", result | {"title": f"{result['title']}, {stored}"})
            result = booked.sustained(door)
            self.add("grown-sustained", result | {"title": f"{result['title']}, {stored}"})
            self.verify(door)

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
            for part in (self.grown, self.soak):
                if getattr(self.options, part.__name__):
                    part(cluster)
        return told


def read_options(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", nargs="*",
                        help="rows, or floors, door, sustained, alone, cores, none")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=6, help="of each measurement")
    parser.add_argument("--bus", default="postgres", choices=("postgres", "kafka", "sns-sqs"))
    parser.add_argument("--soak", action="store_true", help="ten minutes at half the peak")
    parser.add_argument("--grown", type=int, default=0,
                        help="so many authorizations stored before")
    return parser.parse_args(arguments)


def command(options):
    """What `make` was called with, near enough to call it again."""
    words = ["make bench"]
    if options.only is not None:
        words.append(f'ONLY="{" ".join(options.only)}"')
    words += [f"{name.upper()}={value}" for name, value in
              (("rounds", options.rounds), ("seconds", options.seconds), ("bus", options.bus))
              if value != read_options([]).__dict__[name]]
    words += [f"GROWN={options.grown}"] if options.grown else []
    return " ".join(words + (["SOAK=1"] if options.soak else []))


def main():
    options, began = read_options(), time.monotonic()
    run = Run(options)
    told = run.all()
    rows = {name: report.merge(results) for name, results in run.results.items()}
    facts = report.facts_of(run.facts, rows)
    said = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M"),
        "command": command(options), "shape": machine.shape(), "told": told, "rows": rows,
        "minutes": (time.monotonic() - began) / 60, "facts": [*facts, *run.told, *run.failures],
        "targets": judge(rows, run.facts), "results": run.results,
    }
    path = report.write(said, ROOT / "bench/results")
    print(f"\n{report.text(said)}\nwritten to {path.relative_to(ROOT)}")
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
