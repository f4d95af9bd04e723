-- find_account: read one account.
-- param  lane            smallint
-- param  id              uuid
-- column id              uuid
-- column user_id         text
-- column status          text
-- column currency        text
-- column limit_minor     bigint
-- column held_minor      bigint
-- column posted_minor    bigint
-- column next_expiry_at  timestamptz
-- column version         bigint
-- rows   0 (unknown) or 1
-- locks  none
SELECT a.id, a.user_id, a.status, a.currency, a.limit_minor, a.held_minor, a.posted_minor,
       a.next_expiry_at, a.version
  FROM account a
 WHERE a.lane = $1::smallint
   AND a.id = $2::uuid;
