"""What was promised beforehand, beside what was measured: ratios within one run, but where a user
feels the number itself."""
import statistics

FLOOR, HOT_FLOOR, BATCHES = "floor-one", "floor-one-hot", "floor-batches"


class Judge:
    """Lines (target, wanted, measured, met or missed) of what a run has measured."""

    def __init__(self, rows, facts):
        self.rows, self.facts, self.lines = rows, facts, []

    def at_least(self, what, wanted, measured, form="{:.2f}"):
        self._line(what, "at least", wanted, measured, form, measured >= wanted)

    def at_most(self, what, wanted, measured, form="{:.2f}"):
        self._line(what, "at most", wanted, measured, form, measured <= wanted)

    def _line(self, what, how, wanted, measured, form, is_met):
        self.lines.append((what, f"{how} {form.format(wanted)}", form.format(measured),
                           "met" if is_met else "missed"))

    def has(self, *names):
        return all(name in self.rows for name in names)

    def rate(self, name):
        return self.rows[name]["ok_per_s"]

    def ratio(self, what, wanted, name, floor):
        if self.has(name, floor):
            self.at_least(what, wanted, self.rate(name) / self.rate(floor))

    # ---- the targets ---------------------------------------------------------------------------

    def rates(self):
        peaks = [name for name in ("64", "256", "512") if self.has(name)]
        peak = max(peaks, key=self.rate, default=None)
        if peak:
            self.at_least("peak of 64 to 512 connections, a second", 13500, self.rate(peak),
                          "{:,.0f}")
            self.ratio(f"peak ({peak} connections) of floor (b)", 2.4, peak, FLOOR)
        self.ratio("one hot account of floor (b) on one", 5, "hot", HOT_FLOOR)
        self.ratio("one hot account of our random rate", 0.7, "hot", "256")
        self.ratio("batches of 100 of floor (c)", 0.6, "batch-100", BATCHES)
        self.ratio("batches of 1,000 of floor (c)", 0.75, "batch-1000", BATCHES)
        if self.has("sustained"):
            self.at_least("booked to the end, backlog flat, a second", 4500,
                          self.rate("sustained"), "{:,.0f}")
        if peak and self.has("512"):
            self.at_least("512 connections of the peak", 0.9, self.rate("512") / self.rate(peak))
        self.ratio("1,000,000 accounts of 10,000", 0.8, "million", "256")
        self.ratio("over many stored before (GROWN) of small tables", 0.8, "grown-256", "256")

    def costs(self):
        for name, what, wanted in (("alone", "the door alone", 0.15),
                                   ("sustained", "booked to the end", 0.40)):
            if self.has(name):
                self.at_most(f"CPU s per 1,000, {what}: services and PostgreSQL", wanted,
                             self.rows[name]["system"], "{:.3f}")

    def latencies(self):
        if self.has("rate-2000"):
            row = self.rows["rate-2000"]
            self.at_most("p50 at 2,000 a second, ms", 3, row["p50_ms"])
            self.at_most("p99 at 2,000 a second, ms", 10, row["p99_ms"])
            if self.has("floor-one-rate"):
                self.at_most("p99.9 at 2,000 a second, of floor (b)'s", 2,
                             row["p999_ms"] / self.rows["floor-one-rate"]["p999_ms"])
        if self.has("1", "floor-single"):
            self.at_most("p50 of 1 connection, of one commit's", 2.5,
                         self.rows["1"]["p50_ms"] / self.rows["floor-single"]["p50_ms"])

    def machine(self):
        ours = [row for name, row in self.rows.items() if row["pss_mib"]]
        if "idle_mib" in self.facts:
            self.at_most("memory of the five services, idle, MiB", 60,
                         max(self.facts["idle_mib"]), "{:.0f}")
        if ours:
            self.at_most("memory of the five services, at most, MiB", 250,
                         max(row["pss_most_mib"] for row in ours), "{:.0f}")
        if "start_s" in self.facts:
            self.at_most("five services ready after PostgreSQL, s", 1,
                         statistics.mean(self.facts["start_s"]))
        if self.rows:
            self.at_most("requests not answered as they should be", 0,
                         sum(row["errors"] for row in self.rows.values()), "{:.0f}")


    def cores(self):
        """No target, but asked for."""
        for name, other, what in (("256", "core-256", "256 connections"),
                                  ("floor-one", "core-floor", "floor (b)")):
            if self.has(name, other):
                ratio = self.rate(name) / self.rate(other)
                self.lines.append((f"all cores of one core, {what}", "", f"{ratio:.2f}", ""))


def judge(rows, facts):
    judge = Judge(rows, facts)
    for part in (judge.rates, judge.costs, judge.latencies, judge.machine, judge.cores):
        part()
    return judge.lines
