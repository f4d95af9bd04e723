-- lock_free_accounts: as lock_accounts, but leave out whose row somebody else has locked, and wait
-- for nobody. After lock_accounts: who waits for no lock cannot be part of a deadlock.
-- param  lanes           smallint[]
-- param  ids             uuid[]
-- column id              uuid
-- column user_id         text
-- column status          text
-- column currency        text
-- column limit_minor     bigint
-- column held_minor      bigint
-- column posted_minor    bigint
-- column next_expiry_at  timestamptz
-- column version         bigint
-- rows   one per account that exists and is free
-- locks  account, those that are free
SELECT a.id, a.user_id, a.status, a.currency, a.limit_minor, a.held_minor, a.posted_minor,
       a.next_expiry_at, a.version
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, id)
  JOIN account a ON a.lane = wanted.lane AND a.id = wanted.id
 ORDER BY a.lane, a.id
   FOR NO KEY UPDATE OF a SKIP LOCKED;
