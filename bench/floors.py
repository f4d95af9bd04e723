"""What PostgreSQL does by itself with the rows of an authorization: the floors to compare with.

All of them write what the service writes (bench/sample.py) to a migrated database of the same
cluster, with the settings that the services give their own connections. They know no HTTP, no JSON,
no repeated keys, and they are told what an event says instead of making it.
"""
import glob
import json
import pathlib
import subprocess
import urllib.parse

from system.harness import BINARY, OWNER, System

from bench.sample import NEW_ID, Sample
from bench.usage import Usage

ACCOUNTS = 10000
LIMIT = 10**15
BATCHES = BINARY.parents[1] / "bench/floor/batches"
PLANS = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off"

ACCOUNT_OF = "lpad(to_hex(:n::bigint), 32, '0')::uuid"
FILL = f"""INSERT INTO "authorization".account
    (lane, id, tenant_id, user_id, status, currency, limit_minor, next_expiry_at, opened_at)
SELECT n % 64, lpad(to_hex(n), 32, '0')::uuid, 'default', 'floor-' || n, 'open', 'USD', {LIMIT},
       now() + interval '7 days', now()
  FROM generate_series(1, {ACCOUNTS}) AS n"""

HOLD = f"""UPDATE "authorization".account SET held_minor = held_minor + 1
 WHERE lane = (:n % 64)::smallint AND id = {ACCOUNT_OF}
   AND status = 'open' AND held_minor + 1 <= limit_minor"""
DECIDED = f"""decided AS MATERIALIZED
    (SELECT lane, account_id, {NEW_ID} AS id, {NEW_ID} AS saga_id, {NEW_ID} AS event_id,
            gen_random_uuid() AS random FROM line)"""

LOCK = f"""SELECT lane, id AS account_id, {NEW_ID} AS id, {NEW_ID} AS saga_id, {NEW_ID} AS event_id,
       gen_random_uuid() AS random
  FROM "authorization".account
 WHERE lane = (:n % 64)::smallint AND id = {ACCOUNT_OF}
   AND status = 'open' AND held_minor + 1 <= limit_minor FOR NO KEY UPDATE \\gset"""
KNOWN = """(SELECT :lane::smallint AS lane, :account_id::uuid AS account_id, :id::uuid AS id,
       :saga_id::uuid AS saga_id, :event_id::uuid AS event_id, :random::uuid AS random)"""

# For batches: what bench/floor/batches.c asks, in its own words there.
BATCH = {
    "lock": """SELECT a.id, a.held_minor, a.limit_minor
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, id)
  JOIN "authorization".account AS a ON a.lane = wanted.lane AND a.id = wanted.id
 WHERE a.status = 'open' ORDER BY a.lane, a.id FOR NO KEY UPDATE OF a""",
    "find": """SELECT transaction_key FROM "authorization".decided_transaction
 WHERE transaction_key = ANY ($1::uuid[])""",
    "hold": """UPDATE "authorization".account AS a SET held_minor = v.held_minor
  FROM unnest($1::smallint[], $2::uuid[], $3::bigint[]) AS v (lane, id, held_minor)
 WHERE a.lane = v.lane AND a.id = v.id""",
}
BATCH_DECIDED = """decided AS MATERIALIZED
    (SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[],
                          $6::uuid[]) AS v (lane, account_id, id, saga_id, event_id, random))"""


def scripts(sample, accounts):
    """Each floor of pgbench by its name: a script for one authorization."""
    pick = f"\\set n random(1, {accounts})\n"
    parts, last = sample.insert_all()
    hold = f"line AS ({HOLD} RETURNING lane, id AS account_id)"
    steps = ["BEGIN", LOCK, *(sample.insert(table, KNOWN) for table in sample.rows), HOLD, "COMMIT"]
    if len(sample.rows) > 3:  # seven trips: what makes a request happen once goes in one
        known = f"decided AS MATERIALIZED (SELECT * FROM {KNOWN} AS k)"
        once, other = list(sample.rows)[1:3]
        steps[3:5] = [f"WITH {known}, once AS ({sample.insert(once)}) {sample.insert(other)}"]
    return {
        "one": f"{pick}WITH {hold}, {DECIDED}, {parts} {last};\n",
        "seven": pick + "".join(
            f"{step}\n" if step.endswith("\\gset") else f"{step};\n" for step in steps),
    }


class Floors:
    """A database for floors, and how each of them is run."""

    def __init__(self, cluster, seconds):
        self.cluster, self.seconds = cluster, seconds
        system = System(cluster, env={"TALLYSTICK_LOG_LEVEL": "warning"})
        try:
            system.start("gateway", "authorization")
            self.sample = Sample(system)
        finally:
            system.close()
        self.database = cluster.create_database()
        cluster.sql(self.database, FILL)
        cluster.sql(self.database, "VACUUM ANALYZE")
        options = urllib.parse.urlencode({"options": PLANS}, quote_via=urllib.parse.quote)
        self.url = f"{cluster.url(self.database, OWNER)}&{options}"

    def close(self):
        self.cluster.drop_database(self.database)

    def count(self):
        query = 'SELECT count(*) FROM "authorization".credit_authorization'
        return self.cluster.sql(self.database, query)[0].count

    def pgbench(self, script, clients=16, accounts=ACCOUNTS, rate=0):
        """A result of one of scripts(); the first second is not counted."""
        path = self.cluster.dir / f"{script}.sql"
        path.write_text(scripts(self.sample, accounts)[script])
        log = self.cluster.dir / "pgbench_log"
        command = [pgbench_program(), "--no-vacuum", f"--client={clients}",
                   f"--jobs={min(2, clients)}", "--protocol=prepared", f"--file={path}",
                   *([f"--rate={rate}"] if rate else [])]
        self._run([*command, "--time=1", self.url])
        before, usage = self.count(), Usage(self.cluster, {})
        self._run([*command, f"--time={self.seconds}", "--log", f"--log-prefix={log}", self.url])
        usage.stop()
        latencies = []
        for name in glob.glob(f"{log}.*"):
            with open(name) as lines:
                latencies += [int(line.split()[2]) for line in lines]
            pathlib.Path(name).unlink()
        result = self._result(usage, before, len(latencies), percentiles(latencies))
        return result | {"rate": rate or None}

    def batches(self, items=128, accounts=ACCOUNTS):
        folder = self.cluster.dir / "batches"
        folder.mkdir(exist_ok=True)
        parts, last = self.sample.insert_all()
        save = f"WITH {BATCH_DECIDED}, {parts} {last}"
        for name, text in (BATCH | {"save": save}).items():
            (folder / f"{name}.sql").write_text(text)
        command = [BATCHES, "--statements", folder, "--items", items, "--accounts", accounts]
        self._run([*command, "--seconds", 1, self.url])
        before, usage = self.count(), Usage(self.cluster, {})
        said = json.loads(self._run([*command, "--seconds", self.seconds, self.url]))
        usage.stop()
        latency = {name: said[name] for name in ("p50_ms", "p99_ms", "p999_ms")}
        return self._result(usage, before, said["items"], latency)

    def _run(self, command):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    def _result(self, usage, before, count, latency):
        stored = self.count() - before
        assert stored == count, f"{count} were told as done, {stored} rows are stored"
        return {"ok_per_s": count / self.seconds, "done": count, "stored": stored, "errors": 0,
                **latency, **usage.costs(count)}


def pgbench_program():
    """Of the newest PostgreSQL, as tools/cluster takes it."""
    found = glob.glob("/usr/lib/postgresql/*/bin/pgbench")
    return max(found, key=lambda path: int(path.split("/")[4]))


def percentiles(latencies_us):
    ordered = sorted(latencies_us)
    return {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000
            for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99), ("p999_ms", 0.999))}
