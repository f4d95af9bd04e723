-- save_holds: holds that were not known before; the lane's chain head is locked, so nobody else
-- writes them.
-- param  lanes             smallint[]
-- param  authorization_ids uuid[]
-- param  account_ids       uuid[]
-- param  currencies        text[]
-- param  statuses          text[]
-- param  recorded_minors   bigint[]
-- param  pending_minors    bigint[]
-- param  versions          bigint[]
-- param  journal_ids       uuid[]
-- rows   0
INSERT INTO hold (lane, authorization_id, account_id, currency, status, recorded_minor,
                  pending_minor, version, journal_id)
SELECT *
  FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
              $7::bigint[], $8::bigint[], $9::uuid[]);
