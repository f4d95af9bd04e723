-- insert_authorizations: a batch's decisions.
-- param  lanes            smallint[]
-- param  ids              uuid[]
-- param  statuses         text[]
-- param  remaining_minor  bigint[]
-- param  decision_codes   text[]
-- param  reasons          text[]
-- param  tenant_ids       text[]
-- param  transaction_ids  text[]
-- param  user_ids         text[]
-- param  account_ids      uuid[]
-- param  currencies       text[]
-- param  requested_minor  bigint[]
-- param  approved_minor   bigint[]
-- param  available_minor  bigint[]
-- param  limit_minor      bigint[]
-- param  held_minor       bigint[]
-- param  expires_at       timestamptz[]
-- param  saga_ids         uuid[]
-- param  trace_ids        text[]
-- param  fingerprints     bytea[]
-- param  body_formats     smallint[]
-- param  created_at       timestamptz[]
-- rows   none
-- locks  nothing that others wait for: ids are new
INSERT INTO credit_authorization
       (lane, id, status, version, remaining_minor, decision, decision_code, reasons, tenant_id,
        transaction_id, user_id, account_id, currency, requested_minor, approved_minor,
        available_minor, limit_minor, held_minor, expires_at, saga_id, trace_id, fingerprint,
        body_format, created_at)
SELECT v.lane, v.id, v.status, 1, v.remaining_minor, v.status, v.decision_code, v.reasons,
       v.tenant_id, v.transaction_id, v.user_id, v.account_id, v.currency, v.requested_minor,
       v.approved_minor, v.available_minor, v.limit_minor, v.held_minor, v.expires_at, v.saga_id,
       v.trace_id, v.fingerprint, v.body_format, v.created_at
  FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[],
              $7::text[], $8::text[], $9::text[], $10::uuid[], $11::text[], $12::bigint[],
              $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::timestamptz[],
              $18::uuid[], $19::text[], $20::bytea[], $21::smallint[], $22::timestamptz[])
       AS v (lane, id, status, remaining_minor, decision_code, reasons, tenant_id, transaction_id,
             user_id, account_id, currency, requested_minor, approved_minor, available_minor,
             limit_minor, held_minor, expires_at, saga_id, trace_id, fingerprint, body_format,
             created_at);
