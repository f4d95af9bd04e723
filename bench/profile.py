"""python -m bench.profile - where the CPU of one load goes: see bench/PROFILE.md.

Run it by `make bench-profile`. One of the loads of bench/door.py runs against fresh services; then
each process's CPU per 1,000 is told, PostgreSQL's by who asked for it. --who samples the stacks of
some of them by perf (a service's name, or postgres:NAME as in that list), --statements asks
pg_stat_statements which statements took the time.
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("TALLYSTICK_BIN", str(ROOT / "build/src/tallystick"))

from system.harness import OWNER, Cluster  # noqa: E402  (needs the path above)

from bench.door import LOADS, Door  # noqa: E402
from bench.usage import WHO, Usage  # noqa: E402

DATA = pathlib.Path("/tmp/tallystick-perf.data")
REPORT = ("perf", "report", "-i", DATA, "--no-children", "-g", "none", "--stdio",
          "-s", "dso,symbol", "--percent-limit", "0.7")
STATEMENTS = """
SELECT calls, rows, round(total_exec_time) AS ms,
       left(regexp_replace(query, '\\s+', ' ', 'g'), 90) AS query
  FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 25"""


def pids_of(door, who):
    if not who.startswith("postgres:"):
        return [door.pids()[who]]
    wanted = who.removeprefix("postgres:")
    found = [row.pid for row in door.cluster.sql("postgres", WHO) if wanted in row.who]
    assert found, f"no process of PostgreSQL calls itself {wanted}"
    return found


@contextlib.contextmanager
def sampled(pids, seconds):
    if not pids:
        yield
        return
    assert shutil.which("perf"), "perf is not installed; Debian's package is linux-perf"
    perf = subprocess.Popen(["perf", "record", "-q", "-g", "-F", "499", "-o", DATA,
                             "-p", ",".join(map(str, pids)), "sleep", str(seconds)])
    yield
    perf.wait()
    print(subprocess.run(REPORT, capture_output=True, text=True).stdout)


def print_costs(result, drain_s):
    print(f"{result['title']}: {result['ok_per_s']:,.0f} a second, p50 {result['p50_ms']:.1f} ms, "
          f"p99 {result['p99_ms']:.1f} ms, WAL {result['wal_bytes']:,.0f} B each, undisturbed "
          f"{result['undisturbed']:.0%}, drained in {drain_s:.1f} s")
    lines = [*result["cpu"].items(), ("driver", result["cpu_driver"]),
             *((f"postgres:{who}", used) for who, used in result["cpu_postgres"].items())]
    for who, used in sorted(lines, key=lambda line: -line[1]):
        if used >= 0.0005:
            print(f"  {who:40} {used:.4f} CPU s per 1,000")
    services, postgres = (sum(result[part].values()) for part in ("cpu", "cpu_postgres"))
    print(f"  {'all without the driver':40} {services + postgres:.4f}")


def measure(door, options):
    title, load, accounts = LOADS[options.load]
    door.open_accounts(accounts)
    door.run(load, 2, warmup_s=1)
    if not options.alone:
        door.drain()
    database = door.system.database
    if options.statements:
        door.cluster.sql(database, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        door.cluster.sql(database, "SELECT pg_stat_statements_reset()")
    whole = Usage(door.cluster, door.pids())
    with sampled(options.who and pids_of(door, options.who), options.seconds):
        result = door.run(load, options.seconds, warmup_s=0) | {"title": title}
    drain_s = 0 if options.alone else door.drain()
    whole.stop()
    if options.booked:
        result |= whole.costs(result["done"])
    print_costs(result, drain_s)
    for row in door.cluster.sql(database, STATEMENTS, role=OWNER) if options.statements else ():
        print(f"  {row.ms:8} ms {row.calls:8} calls {row.rows:9} rows  {row.query}")


def main():
    parser = argparse.ArgumentParser(prog="python -m bench.profile",
                                     description=__doc__.split("\n\n")[1])
    parser.add_argument("--load", choices=LOADS, default="256")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--alone", action="store_true", help="gateway and authorization only")
    parser.add_argument("--booked", action="store_true", help="count until all is booked")
    parser.add_argument("--who", default="")
    parser.add_argument("--statements", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="a setting of PostgreSQL's")
    options = parser.parse_args()
    preload = ["shared_preload_libraries=pg_stat_statements"] if options.statements else []
    with contextlib.closing(Cluster(settings=[*options.set, *preload])) as cluster:
        names = ("gateway", "authorization") if options.alone else ()
        with contextlib.closing(Door(cluster, "postgres", names)) as door:
            measure(door, options)
            door.system.verify()


if __name__ == "__main__":
    main()
