#!/usr/bin/env python3
"""bench/door.py - how many authorizations a second come through the public door, and beside it in
the same minute what PostgreSQL alone does when each authorization is one statement.

Run it by `make bench`. Everything is private to the run: a cluster of its own below /tmp, free
ports on loopback; nothing stays. The figures mean something only on a machine that does nothing
else; `undisturbed` says how much of it was ours.
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("TALLYSTICK_BIN", str(ROOT / "build/src/tallystick"))

from system.driver import drive  # noqa: E402  (needs the path above)
from system.harness import OWNER, Cluster, System  # noqa: E402

CONNECTIONS = (64, 256)
DURATION_MS = 10000
WARMUP_MS = 3000
ACCOUNTS = 10000
BODY = ('{"transaction_id":"%{run}-%{seq}","user_id":"user-%{rand:1:' + str(ACCOUNTS) +
        '}","amount":"0.01"}')

PEER_TABLES = """
CREATE TABLE account (id int PRIMARY KEY, held bigint NOT NULL, credit bigint NOT NULL);
CREATE TABLE made (id uuid PRIMARY KEY, account_id int NOT NULL, amount bigint NOT NULL,
                   key text NOT NULL UNIQUE, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE outbox (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid, payload text);
"""
PEER_ACCOUNTS = f"INSERT INTO account SELECT n, 0, 10^12 FROM generate_series(1, {ACCOUNTS}) AS n"
PEER_STATEMENT = f"""\\set account random(1, {ACCOUNTS})
WITH line AS (UPDATE account SET held = held + 1 WHERE id = :account AND held + 1 <= credit
              RETURNING id),
     decided AS (INSERT INTO made SELECT gen_random_uuid(), id, 1, gen_random_uuid()::text FROM line
                 RETURNING id)
INSERT INTO outbox (id, payload) SELECT id, repeat('x', 600) FROM decided;
"""


def shape():
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{os.cpu_count()} cores, {pages / 2**30:.0f} GiB of memory"


def measure_door(cluster):
    system = System(cluster, env={"TALLYSTICK_LOG_LEVEL": "warning"})
    try:
        system.start()
        for connections in CONNECTIONS:
            said = drive(system, body=BODY, connections=connections, duration_ms=DURATION_MS,
                         warmup_ms=WARMUP_MS)
            print(f"door, {connections} connections: {said['ok_per_s']:.0f} a second, "
                  f"p50 {said['p50_ms']:.1f} ms, p99 {said['p99_ms']:.1f} ms", flush=True)
    finally:
        system.close()


def measure_peer(cluster):
    database = cluster.create_database(migrated=False)
    for statement in (PEER_TABLES, PEER_ACCOUNTS):
        cluster.sql(database, statement)
    script = cluster.dir / "one_statement.sql"
    script.write_text(PEER_STATEMENT)
    pgbench = pathlib.Path("/usr/lib/postgresql/15/bin/pgbench")
    command = [pgbench, "--no-vacuum", "--client=16", "--jobs=2", "--protocol=prepared",
               f"--time={DURATION_MS // 1000}", f"--file={script}", cluster.url(database, OWNER)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rate = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    print(f"pgbench, one statement each, 16 connections: {float(rate.split()[2]):.0f} a second")
    cluster.drop_database(database)


def main():
    print(f"on {shape()}; driver, services and PostgreSQL share them")
    cluster = Cluster()
    try:
        measure_door(cluster)
        measure_peer(cluster)
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
