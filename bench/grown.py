"""A database that has been used for long: millions of authorizations, decided and booked.

They are made by SQL from the rows that one authorization left behind when it went through the door
and was booked: the same columns with other ids, accounts and times, in every table that it is in.
Accounts, balances and chains of journals are brought up to date with them, so `verify` finds every
promise kept. Left out: what the bus holds of them (messages are kept for days, then deleted), log
and trace. What a day's work leaves in `idempotency_key` is there: all are of the last hours.
"""
import concurrent.futures
import re
import shutil

from system.harness import OWNER, System

from bench.sample import quoted

USER = "grown-sample"
BYTES_EACH = 4500  # of disk, with indexes and a share of WAL
HOURS = 3          # over which they are spread, up to now
SCHEMAS = ("authorization", "saga", "ledger")
# What is brought up to date by UPDATE, or has nothing to do with single authorizations.
KEPT = re.compile(r"account|balance|ledger_account|chain_head|outbox\w*|schema_migration|"
                  r"idempotency_key_\d+|parked_\w+|dead_letter|journal")
COLUMNS = """
SELECT c.relname AS table_name, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
 WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p')
   AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = '' AND a.attgenerated = ''
 ORDER BY c.relname, a.attnum"""


def new_id(kind):
    """Ascending with created_at; unique by kind and n; the lane in the last bits."""
    return f"(ms_text || '7{kind:03x}8' || n_text)::uuid"


IDS = {name: new_id(kind) for kind, name in enumerate(
    ("id", "saga_id", "command_id", "command_event_id", "journal_id", "reply_event_id"))}
PLAN = f"""
CREATE UNLOGGED TABLE bench_grown AS
WITH first AS (SELECT (extract(epoch FROM now() - interval '{HOURS} hours') * 1000)::bigint AS ms),
     known AS (SELECT row_number() OVER (ORDER BY id) - 1 AS at, lane, id, user_id
                 FROM "authorization".account WHERE user_id <> '{USER}'),
     numbered AS (
    SELECT n, a.lane, a.id AS account_id, a.user_id,
           h.chain_seq + row_number() OVER (PARTITION BY a.lane ORDER BY n) AS chain_seq,
           first.ms + n * {HOURS * 3600000} / %s AS ms
      FROM first, generate_series(1::bigint, %s) AS n
      JOIN known AS a ON a.at = n %% %s
      JOIN ledger.chain_head AS h ON h.lane = a.lane),
     spelt AS (SELECT *, lpad(to_hex(ms), 12, '0') AS ms_text,
                      lpad(to_hex(n * 64 + lane), 15, '0') AS n_text FROM numbered)
SELECT n, lane, account_id, user_id, chain_seq,
       timestamptz 'epoch' + ms * interval '1 millisecond' AS created_at,
       {', '.join(f'{text} AS {name}' for name, text in IDS.items())}
  FROM spelt ORDER BY n"""

DRAWN = {
    "lane": "d.lane", "chain_seq": "d.chain_seq", "transaction_id": "'grown-' || d.n",
    "transaction_key": """encode(substring(sha256(int8send(7) || 'default'::bytea
        || int8send(length('grown-' || d.n)) || convert_to('grown-' || d.n, 'UTF8'))
        FROM 1 FOR 16), 'hex')::uuid""",
    "key_hash": "sha256(convert_to('grown-key-' || d.n, 'UTF8'))",
    "day": "(d.created_at AT TIME ZONE 'UTC')::date",
    "expires_at": "d.created_at + interval '7 days'",
}
# Random keys are inserted in their own order: a tenth of the work.
ORDERS = {"decided_transaction": DRAWN["transaction_key"], "idempotency_key": DRAWN["key_hash"]}

# As ledger.chain_link recomputes it: every hash is made of the one before.
CHAIN = """
DO $$
DECLARE
    d record;
    before bytea;
    after bytea;
BEGIN
    SELECT hash INTO before FROM ledger.chain_head WHERE lane = {lane};
    FOR d IN SELECT * FROM bench_grown WHERE lane = {lane} ORDER BY chain_seq LOOP
        after := sha256(convert_to(
            concat_ws('|', 'tallystick.journal.v1', d.lane, d.chain_seq, encode(before, 'hex'),
                      d.journal_id, 'record_hold', d.id, d.saga_id, d.command_id, 'USD', '{trace}',
                      (extract(epoch FROM d.created_at) * 1000000)::bigint) || E'\\n'
            || concat_ws('|', 1, d.account_id, 'debit', 'pending', 1, 'USD') || E'\\n'
            || concat_ws('|', 2, '{settlement}', 'credit', 'pending', 1, 'USD') || E'\\n', 'UTF8'));
        {insert};
        before := after;
    END LOOP;
    UPDATE ledger.chain_head AS h SET hash = coalesce(before, hash),
           chain_seq = greatest(chain_seq,
                                (SELECT max(chain_seq) FROM bench_grown WHERE lane = {lane}))
     WHERE lane = {lane};
END $$"""

BALANCES = """
WITH made AS (SELECT lane, account_id, count(*) AS count FROM bench_grown GROUP BY 1, 2),
     held AS (UPDATE "authorization".account AS a
                 SET held_minor = held_minor + m.count,
                     next_expiry_at = now() + interval '7 days' - interval '{hours} hours'
                FROM made AS m WHERE a.lane = m.lane AND a.id = m.account_id),
     debit AS (UPDATE ledger.balance AS b SET debit_minor = debit_minor + m.count
                 FROM made AS m WHERE b.lane = m.lane AND b.ledger_account_id = m.account_id)
UPDATE ledger.balance AS b SET credit_minor = credit_minor + m.count
  FROM (SELECT lane, sum(count) AS count FROM made GROUP BY lane) AS m
 WHERE b.lane = m.lane AND b.ledger_account_id = '{settlement}'"""


class Booked:
    """The rows that one authorization is in once it is booked, of a system of its own."""

    def __init__(self, cluster):
        system = System(cluster, env={"TALLYSTICK_LOG_LEVEL": "warning"})
        try:
            system.start()
            made = system.authorize(USER, "0.01").json()
            system.settle()
            self.types, self.rows = {}, {}
            for schema in SCHEMAS:
                for row in system.sql(COLUMNS, f'"{schema}"'):
                    self.types.setdefault((schema, row.table_name), {})[row.name] = row.type
            for table, columns in self.types.items():
                if not KEPT.fullmatch(table[1]) or table[1] == "journal":
                    names = ", ".join(f'"{name}"::text' for name in columns)
                    query = f'SELECT {names} FROM "{table[0]}"."{table[1]}"'
                    self.rows[table] = [dict(zip(columns, one, strict=True))
                                        for one in system.sql(query)]
        finally:
            system.close()
        self._name_values(made)

    def _name_values(self, made):
        """Which value stands for what."""
        journal, = self.rows["ledger", "journal"]
        saga, = self.rows["saga", "saga"]
        heard = {row["event_id"] for row in self.rows["saga", "inbox"]} - {made["saga_id"]}
        lines = {row["ledger_account_id"] for row in self.rows["ledger", "entry"]}
        self.settlement, = lines - {made["account_id"]}
        self.trace = journal["trace_id"]
        self.becomes = {made["id"]: "d.id", made["account_id"]: "d.account_id",
                        made["saga_id"]: "d.saga_id", journal["id"]: "d.journal_id",
                        journal["command_id"]: "d.command_id", USER: "d.user_id",
                        saga["command_event_id"]: "d.command_event_id",
                        **dict.fromkeys(heard, "d.reply_event_id")}

    def _expression(self, table, column, value):
        kind = self.types[table][column]
        if value in self.becomes:
            return self.becomes[value]
        if value is None:
            return f"NULL::{kind}"
        if column in DRAWN:
            return DRAWN[column]
        if kind == "timestamp with time zone":
            return "d.created_at"
        return f"{quoted(value)}::{kind}"

    def insert(self, table, row, drawn=()):
        """INSERT ... and what is selected: a row of `table` for each of bench_grown."""
        names = ", ".join(f'"{name}"' for name in row)
        values = ", ".join(dict(drawn).get(name) or self._expression(table, name, value)
                           for name, value in row.items())
        return f'INSERT INTO "{table[0]}"."{table[1]}" ({names}) SELECT {values}'

    def statements(self):
        """One for each row that an authorization leaves, but for its journal."""
        for table, rows in self.rows.items():
            order = f" ORDER BY {ORDERS[table[1]]}" if table[1] in ORDERS else ""
            for row in rows if table[1] != "journal" else ():
                yield f"{self.insert(table, row)} FROM bench_grown AS d{order}"

    def chain(self, lane):
        table = ("ledger", "journal")
        insert = self.insert(table, self.rows[table][0],
                             {"previous_hash": "before", "hash": "after"})
        return CHAIN.format(lane=lane, trace=self.trace, settlement=self.settlement, insert=insert)


def check_room(cluster, count):
    free = shutil.disk_usage(cluster.dir).free
    assert free > count * BYTES_EACH, \
        f"{count:,} take {count * BYTES_EACH / 2**30:.0f} GiB, {free / 2**30:.0f} GiB are free"


def grow(door, booked, count):
    """Fills the database of a door, all of whose accounts have been booked on before."""
    cluster, database = door.cluster, door.system.database
    check_room(cluster, count)
    door.touch_all()
    door.system.stop()

    def run(*statements):
        for statement in statements:
            cluster.sql(database, statement, role=OWNER)

    cluster.sql(database, PLAN % (count, count, door.accounts))
    run("CREATE INDEX ON bench_grown (lane, chain_seq)", "ANALYZE bench_grown",
        "ALTER TABLE ledger.entry DISABLE TRIGGER USER")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(run, booked.chain(lane)) for lane in range(64)] + \
                    [pool.submit(run, statement) for statement in booked.statements()]:
            done.result()
    run(BALANCES.format(hours=HOURS, settlement=booked.settlement),
        "ALTER TABLE ledger.entry ENABLE TRIGGER USER", "DROP TABLE bench_grown",
        "VACUUM ANALYZE", "CHECKPOINT")
    door.stored_before += count
    door.system.start()
