#!/usr/bin/env python3
"""bench/tracing.py [--duration-ms N] [--rounds N] - what traces cost, and `info` beside `warning`.

Run it by `make bench-tracing`. The same load on the public door, each variant several times in turn
(A B C ... A B C ...), each time over a fresh system; spans go to a collector that takes them for
almost nothing (bench/collector.c) on the same cores. Printed are ratios to `off`, by the median of
the rounds: throughput of the variants, and request latency while the collector is away or never
answers. What was dropped is said too: a cheap run that loses its spans is not cheap.

Everything is private to the run and on loopback; nothing stays. The figures mean something only on
a machine that does nothing else.
"""
import argparse
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("TALLYSTICK_BIN", str(ROOT / "build/src/tallystick"))

import requests  # noqa: E402  (needs the path above)

from system.common import free_ports  # noqa: E402
from system.driver import drive  # noqa: E402
from system.harness import BINARY, SERVICES, Cluster, System  # noqa: E402

CONNECTIONS = 128
WARMUP_MS = 2000
ACCOUNTS = 10000
BODY = ('{"transaction_id":"%{run}-%{seq}","user_id":"user-%{rand:1:' + str(ACCOUNTS) +
        '}","amount":"0.01"}')
RATIO = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SAMPLE = re.compile(r'^otel_sdk_(processor_span_processed|exporter_span_exported)_total'
                    r'\{error_type="(\w*)"\} (\d+)$', re.M)


class Variants:
    """Name: environment; and the collectors that they lead to."""

    def __init__(self):
        taking, mute, nobody = free_ports(3)
        self.processes = [self.collector(taking), self.collector(mute, "mute")]
        to = "http://127.0.0.1:{}".format
        self.all = {
            "off": {},
            "1 %": {ENDPOINT: to(taking), "OTEL_TRACES_SAMPLER_ARG": "0.01"} | RATIO,
            "100 %": {ENDPOINT: to(taking)},
            "collector away": {ENDPOINT: to(nobody)},
            "collector mute": {ENDPOINT: to(mute)},
            "off, info": {"TALLYSTICK_LOG_LEVEL": "info"},
        }

    def collector(self, port, *manner):
        command = [BINARY.parents[1] / "bench/collector", str(port), *manner]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        return process

    def close(self):
        for process in self.processes:
            process.terminate()
            process.wait()


def spans_of(system):
    """(recorded, lost) in all services together."""
    recorded = lost = 0
    for service in SERVICES:
        url = f"http://127.0.0.1:{system.ports[f'{service}_admin']}/metrics"
        for kind, error, value in SAMPLE.findall(requests.get(url, timeout=5).text):
            recorded += int(value) if kind.startswith("processor") else 0
            lost += int(value) if error else 0
    return recorded, lost


def measure(cluster, environment, duration_ms):
    system = System(cluster, env={"TALLYSTICK_LOG_LEVEL": "warning"} | environment)
    with contextlib.closing(system):
        system.start()
        said = drive(system, body=BODY, connections=CONNECTIONS, duration_ms=duration_ms,
                     warmup_ms=WARMUP_MS)
        return said, spans_of(system)


def print_line(name, runs, base):
    rate = statistics.median(said["ok_per_s"] for said, _ in runs)
    p50, p99 = (statistics.median(said[f"{part}_ms"] for said, _ in runs)
                for part in ("p50", "p99"))
    recorded, lost = (sum(spans[at] for _, spans in runs) for at in (0, 1))
    ratio, ratio_p50 = rate / base[0], p50 / base[1]
    print(f"{name:15} {rate:8.0f} {ratio:6.3f} {p50:8.2f} {ratio_p50:6.3f} {p99:8.2f} "
          f"{recorded:10} {lost:9}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--duration-ms", type=int, default=8000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    print(f"on {os.cpu_count()} cores, {pages / 2**30:.0f} GiB of memory; driver, services, "
          "PostgreSQL and collector share them")
    with contextlib.closing(Cluster()) as cluster, contextlib.closing(Variants()) as variants:
        runs = {name: [] for name in variants.all}
        for _ in range(options.rounds):
            for name, environment in variants.all.items():
                runs[name].append(measure(cluster, environment, options.duration_ms))
    off = [said for said, _ in runs["off"]]
    base = [statistics.median(said[part] for said in off) for part in ("ok_per_s", "p50_ms")]
    print(f"{'variant':15} {'a second':>8} {'ratio':>6} {'p50 ms':>8} {'ratio':>6} {'p99 ms':>8} "
          f"{'spans':>10} {'lost':>9}")
    for name, measured in runs.items():
        print_line(name, measured, base)


if __name__ == "__main__":
    main()
