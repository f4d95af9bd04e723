"""What a stretch of work has cost: CPU by process, PostgreSQL's by who asked for it, WAL, memory.

CPU is what the kernel has charged to processes, in ticks of 10 ms. What a process of PostgreSQL
used that ended meanwhile (an autovacuum worker) is in the postmaster's account of its children.
"""
import collections
import contextlib
import os
import pathlib
import resource
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_S = 0.5
WHO = """
SELECT pid, CASE backend_type WHEN 'client backend' THEN coalesce(nullif(application_name, ''),
                                                                  usename, 'somebody')
                              ELSE backend_type END AS who
  FROM pg_stat_activity WHERE pid <> pg_backend_pid()"""


def cpu_of(pid, of_children=False):
    """Seconds of a process, or of those of its children that have ended; 0.0 when it has gone."""
    with contextlib.suppress(OSError):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        first = 13 if of_children else 11
        return (int(fields[first]) + int(fields[first + 1])) / TICKS
    return 0.0


def children_of(pid):
    listed = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def pss_kib(pid):
    """A process's share of the memory that it uses."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def machine_cpu():
    """Seconds that all processors together were not idle."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, interrupts, soft_interrupts = map(int, fields[:7])
    return (user + nice + system + interrupts + soft_interrupts) / TICKS


class Usage:
    """From its making to stop(): seconds, cpu (a dict by who), wal_bytes, pss_kib (the most that
    the services had at once), share (of all CPU that was used: ours), busy (of all there is)."""

    def __init__(self, cluster, services):
        self.cluster, self.services = cluster, services
        self.postmaster = cluster.postmaster()
        self.pss_kib = 0
        self.stopped = threading.Event()
        self.watcher = threading.Thread(target=self._watch_memory, daemon=True)
        self.watcher.start()
        self.names = {}
        self.began = self._read()

    def _watch_memory(self):
        while True:
            total = sum(map(pss_kib, self.services.values()))
            self.pss_kib = max(self.pss_kib, total)
            if self.stopped.wait(SAMPLE_S):
                return

    def _read(self):
        rows = self.cluster.sql("postgres", WHO)
        self.names |= {row.pid: row.who for row in rows}
        wal = self.cluster.sql("postgres", "SELECT pg_current_wal_insert_lsn() - '0/0' AS at")[0].at
        own = resource.getrusage(resource.RUSAGE_SELF)
        drivers = resource.getrusage(resource.RUSAGE_CHILDREN)
        backends = {pid: cpu_of(pid) for pid in children_of(self.postmaster)}
        return {
            "time": time.monotonic(), "machine": machine_cpu(), "wal": int(wal),
            "services": {name: cpu_of(pid) for name, pid in self.services.items()},
            "backends": backends, "postmaster": cpu_of(self.postmaster),
            "ended": cpu_of(self.postmaster, of_children=True),
            "driver": drivers.ru_utime + drivers.ru_stime, "own": own.ru_utime + own.ru_stime,
        }

    def stop(self):
        before, after = self.began, self._read()
        self.stopped.set()
        self.watcher.join()
        self.seconds = after["time"] - before["time"]
        self.wal_bytes = after["wal"] - before["wal"]
        self.cpu = {name: after["services"][name] - before["services"][name]
                    for name in self.services}
        self.postgres_cpu = self._postgres(before, after)
        self.driver_cpu = after["driver"] - before["driver"]
        ours = (sum(self.cpu.values()) + sum(self.postgres_cpu.values()) + self.driver_cpu
                + after["own"] - before["own"])
        machine = max(after["machine"] - before["machine"], 1 / TICKS)
        self.share = min(1.0, ours / machine)
        self.busy = machine / self.seconds / os.cpu_count()
        return self

    def _postgres(self, before, after):
        """Seconds by role; of those that have ended, what they used since it began."""
        cpu = collections.Counter()
        # Beside services those that end are autovacuum's workers, else the clients of a floor.
        ended = "others" if self.services else "client"
        for pid, used in after["backends"].items():
            cpu[self.names.get(pid, ended)] += used - before["backends"].get(pid, 0.0)
        lost = sum(used for pid, used in before["backends"].items() if pid not in after["backends"])
        cpu[ended] += after["ended"] - before["ended"] - lost
        cpu["others"] += after["postmaster"] - before["postmaster"]
        return {who: max(0.0, used) for who, used in cpu.items()}

    def costs(self, count):
        """For a result: CPU seconds per 1,000 of `count`, and what else is told of every row."""
        per_1000 = 1000 / max(count, 1)
        return {
            "cpu": {name: used * per_1000 for name, used in self.cpu.items()},
            "cpu_postgres": {who: used * per_1000 for who, used in self.postgres_cpu.items()},
            "cpu_driver": self.driver_cpu * per_1000,
            "wal_bytes": self.wal_bytes / max(count, 1),
            "pss_mib": self.pss_kib / 1024,
            "undisturbed": self.share, "busy": self.busy,
        }
