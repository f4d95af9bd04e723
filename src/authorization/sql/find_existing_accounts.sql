-- find_existing_accounts: which of these accounts exist, locked or not. After lock_free_accounts,
-- so by a newer snapshot: what exists now and was not locked there somebody else has locked.
-- param  lanes  smallint[]
-- param  ids    uuid[]
-- column id     uuid
-- rows   one per account that exists
SELECT a.id
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, id)
  JOIN account a ON a.lane = wanted.lane AND a.id = wanted.id;
