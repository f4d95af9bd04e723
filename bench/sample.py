"""SQL that writes what the authorization service writes: made from rows that it has written.

One authorization goes through the door of a system without books; its rows are then read, column by
column. What was its id becomes the new one's id, what was its account's becomes the new one's
account, what was drawn is drawn anew, the rest stays as it is. So the floors write the same columns
to the same tables with the same indexes, whatever a migration makes of them.
"""
import uuid

# Written in this order; those that a later schema has no longer are left out.
TABLES = ("credit_authorization", "decided_transaction", "idempotency_key", "outbox")
COLUMNS = """
SELECT table_name, column_name, format_type(a.atttypid, a.atttypmod) AS type
  FROM information_schema.columns AS c
  JOIN pg_attribute AS a ON a.attname = c.column_name
   AND a.attrelid = format('"authorization".%%I', c.table_name)::regclass
 WHERE c.table_schema = 'authorization' AND c.table_name = ANY(%s)
   AND c.is_identity = 'NO' AND c.is_generated = 'NEVER'
 ORDER BY table_name, ordinal_position"""
# A uuid of version 7 but for its version: what the services make is as ascending as this.
NEW_ID = ("(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')"
          " || substr(gen_random_uuid()::text, 14))::uuid")
# By column, whatever the table. `d` is the decision.
DRAWN = {
    "transaction_id": "'bench-' || d.random::text",
    "transaction_key": "d.random",
    "key_hash": "sha256(uuid_send(d.random))",
    "day": "(now() AT TIME ZONE 'UTC')::date",
    "created_at": "clock_timestamp()",
    "expires_at": "clock_timestamp() + interval '7 days'",
}
USER = "bench-sample"
LIMIT = "1000000.00"


def quoted(value):
    """A text for SQL. Behind a colon pgbench sees a variable of its own: there must be none."""
    escaped = value.replace("\\", r"\\").replace("'", "''").replace(":", r"\x3a")
    return f"E'{escaped}'"


class Sample:
    """The rows of one authorization, of a system of gateway and authorization service alone."""

    def __init__(self, system):
        assert system.put(f"/v1/accounts/{USER}", {"credit_limit": LIMIT}).status_code in (200, 201)
        answer = system.authorize(USER, "0.01", transaction_id=f"bench-{uuid.uuid4()}")
        assert answer.status_code == 201, answer.text
        made = answer.json()
        self.becomes = {made["id"]: "d.id", made["account_id"]: "d.account_id",
                        made["saga_id"]: "d.saga_id"}
        self.lane = str(uuid.UUID(made["id"]).bytes[15] % 64)
        self.types = {}
        for row in system.sql(COLUMNS, list(TABLES)):
            self.types.setdefault(row.table_name, {})[row.column_name] = row.type
        self.rows = {table: self._read(system, table) for table in TABLES if table in self.types}

    def _read(self, system, table):
        """The newest row of a table, as texts: the accounts' own events come before."""
        columns = ", ".join(f'"{name}"::text' for name in self.types[table])
        rows = system.sql(f'SELECT {columns} FROM "authorization".{table} ORDER BY ctid')
        return dict(zip(self.types[table], rows[-1], strict=True))

    def payload_bytes(self):
        return len(self.rows["outbox"]["payload"])

    def _expression(self, table, column):
        value = self.rows[table][column]
        if column == "lane":
            return "d.lane"
        if column == "id" and table == "outbox":
            return "d.event_id"
        if value in self.becomes:
            return self.becomes[value]
        if value is None:
            return f"NULL::{self.types[table][column]}"
        if column in DRAWN:
            return DRAWN[column]
        return f"{quoted(value)}::{self.types[table][column]}"

    def insert(self, table, source="decided"):
        """INSERT of a row for each decision of `source`."""
        columns = self.types[table]
        names = ", ".join(f'"{name}"' for name in columns)
        values = ", ".join(self._expression(table, name) for name in columns)
        return f'INSERT INTO "authorization".{table} ({names}) SELECT {values} FROM {source} AS d'

    def insert_all(self, source="decided"):
        """All tables' rows in what follows `WITH`, and the statement behind it."""
        *first, last = self.rows
        parts = [f"{table}_row AS ({self.insert(table, source)})" for table in first]
        return ", ".join(parts), self.insert(last, source)
