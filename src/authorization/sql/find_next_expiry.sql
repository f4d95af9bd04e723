-- find_next_expiry: when the earliest hold of each account expires that is not due yet.
-- param  lanes           smallint[]
-- param  account_ids     uuid[]
-- param  now             timestamptz
-- column account_id      uuid
-- column next_expiry_at  timestamptz
-- rows   one per account
-- locks  none; the accounts are locked
SELECT wanted.id AS account_id,
       (SELECT c.expires_at
          FROM credit_authorization c
         WHERE c.lane = wanted.lane
           AND c.account_id = wanted.id
           AND c.remaining_minor > 0
           AND c.expires_at > $3::timestamptz
         ORDER BY c.lane, c.account_id, c.expires_at
         LIMIT 1) AS next_expiry_at
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, id);
