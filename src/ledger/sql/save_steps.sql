-- save_steps: keep what came of each step, so that a repeat is answered the same.
-- param  created_at        timestamptz
-- param  lanes             smallint[]
-- param  saga_ids          uuid[]
-- param  steps             text[]
-- param  ops               text[]
-- param  command_ids       uuid[]
-- param  authorization_ids uuid[]
-- param  outcomes          text[]
-- param  reasons           text[]
-- param  amounts_minor     bigint[]
-- param  currencies        text[]
-- param  journal_ids       uuid[]
-- param  versions          bigint[]
-- rows   0
INSERT INTO command_step (lane, saga_id, step, op, command_id, authorization_id, outcome, reason,
                          amount_minor, currency, journal_id, version, created_at)
SELECT *, $1::timestamptz
  FROM unnest($2::smallint[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[],
              $8::text[], $9::text[], $10::bigint[], $11::text[], $12::uuid[], $13::bigint[]);
