"""Ten minutes at half the peak: neither memory nor the backlog may grow."""
import statistics

from bench.booked import Watch
from bench.door import singles

MINUTES = 10
SAMPLE_S = 5
PEAK_S = 5


def soak(door, peak, sustained, minutes=MINUTES):
    """A result: of all minutes together. At half the peak, or at what was found to be booked as
    fast as it comes, where that is less. Facts: how it went, minute by minute."""
    peak = peak or door.measure("256", PEAK_S)["ok_per_s"]
    rate = int(min(peak / 2, sustained or peak / 2))
    results, told = [], []
    for minute in range(minutes):
        with Watch(lambda: (door.backlog(), door.memory_mib()), SAMPLE_S) as watch:
            results.append(door.run(singles(256, rate=rate), 60, warmup_s=0))
        backlog, memory = (statistics.median(values) for values in zip(*watch.samples, strict=True))
        told.append(f"soak, minute {minute + 1}: {results[-1]['ok_per_s']:,.0f} a second, p99 "
                    f"{results[-1]['p99_ms']:.1f} ms, {backlog:,.0f} not booked, "
                    f"services {memory:.0f} MiB")
    result = results[-1] | {
        "title": f"soak at {rate:,} a second, the last of {minutes} minutes",
        "errors": sum(one["errors"] for one in results), "backlog_before": None,
        "backlog": door.backlog(), "drain_s": door.drain()}
    return result, told
