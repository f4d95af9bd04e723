-- find_due_accounts: accounts with holds whose time is over, the longest overdue first.
-- param  limit           bigint
-- column lane            smallint
-- column id              uuid
-- rows   at most limit
-- locks  none: whoever releases locks the account and checks again
SELECT a.lane, a.id
  FROM account a
 WHERE a.next_expiry_at <= statement_timestamp() -- not clock_timestamp(): no index serves that
 ORDER BY a.next_expiry_at
 LIMIT $1::bigint;
