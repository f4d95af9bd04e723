-- open_accounts: insert accounts that do not exist yet.
-- param  lanes           smallint[]
-- param  ids             uuid[]
-- param  tenant_ids      text[]
-- param  user_ids        text[]
-- param  statuses        text[]
-- param  currencies      text[]
-- param  limits_minor    bigint[]
-- column id              uuid
-- column opened_at       timestamptz
-- rows   one per account that was opened; the others existed
-- locks  account rows, inserted in ascending (lane, id)
INSERT INTO account (lane, id, tenant_id, user_id, status, currency, limit_minor, opened_at)
SELECT v.lane, v.id, v.tenant_id, v.user_id, v.status, v.currency, v.limit_minor, clock_timestamp()
  FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
              $7::bigint[])
       AS v (lane, id, tenant_id, user_id, status, currency, limit_minor)
 ORDER BY v.lane, v.id
    ON CONFLICT DO NOTHING
RETURNING id, opened_at;
