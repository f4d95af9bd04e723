-- change_holds: holds that were known before, as they are now. ON CONFLICT finds each by its key,
-- however few rows there were when this was planned; a join might not.
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
-- locks  hold, within lanes whose chain heads are locked
INSERT INTO hold AS h (lane, authorization_id, account_id, currency, status, recorded_minor,
                       pending_minor, version, journal_id)
SELECT *
  FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
              $7::bigint[], $8::bigint[], $9::uuid[])
    ON CONFLICT (lane, authorization_id) DO UPDATE
   SET status = excluded.status, recorded_minor = excluded.recorded_minor,
       pending_minor = excluded.pending_minor, version = excluded.version,
       currency = excluded.currency, journal_id = excluded.journal_id;
