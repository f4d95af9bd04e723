-- find_due_accounts: accounts with holds whose time is over, the longest overdue first.
-- param  limit           bigint
-- column lane            smallint
-- column id              uuid
-- column overdue_us      bigint
-- rows   at most limit
-- locks  none: whoever releases locks the account and checks again
SELECT a.lane, a.id,
       (extract(epoch FROM statement_timestamp() - a.next_expiry_at) * 1000000)::bigint
           AS overdue_us
  FROM account a
 WHERE a.next_expiry_at <= statement_timestamp() -- not clock_timestamp(): no index serves that
 ORDER BY a.next_expiry_at
 LIMIT $1::bigint;
