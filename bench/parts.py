#!/usr/bin/env python3
"""bench/parts.py - how many transactions a second are booked to their end over each event bus and
key store, side by side in one run.

Run it by `make bench-parts`. For each combination, twice in turn (A B C ... A B C ...), a number of
authorizations goes through the public door from 64 connections; the clock stops when the last saga
has ended. Beside it stands what the door alone answered meanwhile: it may run ahead of the books.
SNS and SQS are stood in for by moto, a Python program: its figure says nothing of Amazon's.

Everything is private to the run and on loopback; nothing stays. The figures mean something only on
a machine that does nothing else.
"""
import argparse
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("TALLYSTICK_BIN", str(ROOT / "build/src/tallystick"))

from system.driver import drive  # noqa: E402  (needs the path above)
from system.harness import Cluster, System  # noqa: E402

CONNECTIONS = 64
ACCOUNTS = 10000
ROUNDS = 2
REQUESTS = {"postgres": 20000, "kafka": 20000, "sns-sqs": 500}
BODY = ('{"transaction_id":"%{run}-%{seq}","user_id":"user-%{rand:1:' + str(ACCOUNTS) +
        '}","amount":"0.01"}')
BUSES = ("postgres", "kafka", "sns-sqs")
KEYSTORES = ("none", "dynamodb")


def shape():
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{os.cpu_count()} cores, {pages / 2**30:.0f} GiB of memory"


def measure(cluster, bus, keystore, requests):
    """(answers a second at the door, transactions a second booked to their end)"""
    quiet = {"TALLYSTICK_LOG_LEVEL": "warning"}
    system = System(cluster, bus=bus, keystore=keystore, env=quiet)
    try:
        system.start()
        # Plans, pools and the Java machines get warm.
        drive(system, body=BODY, connections=CONNECTIONS, requests=requests // 10)
        system.settle(timeout=300)
        start = time.monotonic()
        said = drive(system, body=BODY, connections=CONNECTIONS, requests=requests)
        system.settle(timeout=600)
        booked = requests / (time.monotonic() - start)
        system.verify()
        return said["ok_per_s"], booked
    finally:
        system.close()


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("--bus", nargs="*", choices=BUSES, default=BUSES)
    options.add_argument("--keystore", nargs="*", choices=KEYSTORES, default=KEYSTORES)
    args = options.parse_args()
    cells = [(bus, keystore) for keystore in args.keystore for bus in args.bus]
    print(f"on {shape()}; driver, services, PostgreSQL and the parts share them\n")
    print(f"{'bus':9} {'key store':9} {'requests':>8} {'door/s':>7} {'booked/s':>8} of first")
    cluster, first = Cluster(), None
    try:
        for bus, keystore in cells * ROUNDS:
            requests = REQUESTS[bus]
            door, booked = measure(cluster, bus, keystore, requests)
            first = first or booked
            print(f"{bus:9} {keystore:9} {requests:8} {door:7.0f} {booked:8.0f} "
                  f"{booked / first:8.2f}", flush=True)
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
