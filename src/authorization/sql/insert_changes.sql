-- insert_changes: what became of authorizations.
-- param  lanes             smallint[]
-- param  authorization_ids uuid[]
-- param  versions          bigint[]
-- param  statuses          text[]
-- param  amounts_minor     bigint[]
-- param  changed_by        text[]
-- param  reasons           text[]
-- param  trace_ids         text[]
-- param  changed_at        timestamptz
-- rows   none
-- locks  nothing that others wait for: the accounts are locked
INSERT INTO authorization_change
       (lane, authorization_id, version, status, amount_minor, changed_by, reason, trace_id,
        changed_at)
SELECT v.lane, v.authorization_id, v.version, v.status, v.amount_minor, v.changed_by, v.reason,
       v.trace_id, $9::timestamptz
  FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::text[],
              $7::text[], $8::text[])
       AS v (lane, authorization_id, version, status, amount_minor, changed_by, reason, trace_id);
