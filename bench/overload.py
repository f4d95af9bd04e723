#!/usr/bin/env python3
"""bench/overload.py - what the public door does when more is asked than fits.

Run it by `make bench-overload`. First the peak: as many answers as it gives to clients that wait
for each. Then two, three and four times as many requests a second, whatever the answers do, over as
many connections as the door has. What counts are ratios within this run: good answers against the
peak, how soon these came and how soon the others were told to come again (by the gateway's clock,
from a request's first byte), and good answers in each of the seconds after it.

Twice: as the door is, and with a short queue, where more are sent away. Driver, services and
PostgreSQL share the machine, so what the driver sends and the door refuses is taken from what could
be decided. Everything is private to the run; nothing stays.
"""
import argparse
import collections
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("TALLYSTICK_BIN", str(ROOT / "build/src/tallystick"))

from prometheus_client.parser import text_string_to_metric_families  # noqa: E402
from system.driver import drive  # noqa: E402  (needs the path above)
from system.harness import Cluster, System  # noqa: E402

ACCOUNTS = 10000
BODY = ('{"transaction_id":"%{run}-%{seq}","user_id":"user-%{rand:1:' + str(ACCOUNTS) +
        '}","amount":"0.01"}')
PEAK_CONNECTIONS = (64, 256, 1024)
CONNECTIONS = 4000
FACTORS = (2, 3, 4)
QUEUE_WAIT_MS = (1000, 100)
SECONDS_AFTER = 5


def shape():
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{os.cpu_count()} cores, {pages / 2**30:.0f} GiB of memory"


def answers(system, status):
    """How many of these took at most so many seconds, by the gateway's own clock."""
    text = system.get("/metrics", door="gateway_admin").text
    return collections.Counter({
        float(sample.labels["le"]): sample.value
        for family in text_string_to_metric_families(text) for sample in family.samples
        if sample.name == "http_server_request_duration_seconds_bucket"
        and sample.labels["http_route"] == "/authorize"
        and sample.labels["http_response_status_code"] == status})


def bucket_ms(counts, share):
    """The bucket's end that this share of them did not exceed."""
    total = max(counts.values(), default=0)
    return min((le for le, count in counts.items() if count >= share * total), default=0) * 1000


def ask(system, **options):
    """A run in which 503 is an answer as well."""
    said = drive(system, body=BODY, expect=None, samples=0, patience_ms=20000, **options)
    assert said["statuses"].keys() <= {"201", "503"}, said["statuses"]
    said["good_per_s"] = said["statuses"].get("201", 0) / said["seconds"]
    said["refused_per_s"] = said["statuses"].get("503", 0) / said["seconds"]
    return said


def find_peak(system, seconds):
    peak = 0
    for connections in PEAK_CONNECTIONS:
        said = ask(system, connections=connections, duration_ms=seconds * 1000, warmup_ms=2000)
        print(f"  {connections:5} connections that wait: {said['good_per_s']:6.0f} good a second, "
              f"p99 {said['p99_ms']:.0f} ms", flush=True)
        peak = max(peak, said["good_per_s"])
    return peak


def overload(system, peak, factor, seconds):
    before = {status: answers(system, status) for status in ("201", "503")}
    said = ask(system, connections=CONNECTIONS, duration_ms=seconds * 1000, warmup_ms=2000,
               rate=int(peak * factor))
    print(f"  {factor} x the peak: {said['good_per_s']:6.0f} good a second, "
          f"{said['good_per_s'] / peak:.2f} of the peak; {said['refused_per_s']:6.0f} refused",
          flush=True)
    for status, counts in before.items():
        counts = answers(system, status) - counts
        print(f"    {status} at the door: half within {bucket_ms(counts, 0.5):.0f} ms, "
              f"99 of 100 within {bucket_ms(counts, 0.99):.0f} ms", flush=True)


def recover(system, peak):
    ratios = [ask(system, connections=256, duration_ms=1000)["good_per_s"] / peak
              for _ in range(SECONDS_AFTER)]
    print("  the seconds after it: " + ", ".join(f"{ratio:.2f}" for ratio in ratios) +
          " of the peak", flush=True)


def measure(cluster, wait_ms, seconds):
    print(f"nobody waits for a worker for longer than {wait_ms} ms:")
    system = System(cluster, env={"TALLYSTICK_LOG_LEVEL": "warning",
                                  "TALLYSTICK_GATEWAY_QUEUE_WAIT_MS": wait_ms})
    try:
        system.start()
        peak = find_peak(system, seconds)
        for factor in FACTORS:
            overload(system, peak, factor, seconds)
        recover(system, peak)
        system.settle(timeout=600)
        system.verify()
    finally:
        system.close()


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("--seconds", type=int, default=8, help="of each measurement")
    args = options.parse_args()
    print(f"on {shape()}; driver, services and PostgreSQL share them")
    cluster = Cluster()
    try:
        for wait_ms in QUEUE_WAIT_MS:
            measure(cluster, wait_ms, args.seconds)
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
