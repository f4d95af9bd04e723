-- find_account_ids: whose authorizations these are, so that the accounts can be locked first.
-- param  lanes           smallint[]
-- param  ids             uuid[]
-- column id              uuid
-- column account_id      uuid
-- rows   one per authorization that exists
-- locks  none; an authorization never changes its account
SELECT c.id, c.account_id
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, id)
  JOIN credit_authorization c ON c.lane = wanted.lane AND c.id = wanted.id;
