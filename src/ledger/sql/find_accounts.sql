-- find_accounts: ledger accounts as they are. Who sets a status locks the lane's chain head first,
-- as whoever posts has: so none changes before the SQL transaction ends.
-- param  lanes    smallint[]
-- param  ids      uuid[]
-- column lane     smallint
-- column id       uuid
-- column status   text
-- column currency text
-- rows   one per account that exists
SELECT a.lane, a.id, a.status, a.currency
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, id)
 CROSS JOIN LATERAL ( -- OFFSET 0: by key, however few rows there were when this was planned
       SELECT *
         FROM ledger_account AS l
        WHERE l.lane = wanted.lane AND l.id = wanted.id
       OFFSET 0) AS a;
