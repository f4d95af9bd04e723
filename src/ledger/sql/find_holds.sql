-- find_holds: what is known of the holds of these authorizations.
-- param  lanes             smallint[]
-- param  authorization_ids uuid[]
-- column lane              smallint
-- column authorization_id  uuid
-- column account_id        uuid
-- column currency          text
-- column status            text
-- column recorded_minor    bigint
-- column pending_minor     bigint
-- column version           bigint
-- column journal_id        uuid
-- rows   one per authorization that is known
SELECT h.lane, h.authorization_id, h.account_id, h.currency, h.status, h.recorded_minor,
       h.pending_minor, h.version, h.journal_id
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, authorization_id)
 CROSS JOIN LATERAL ( -- OFFSET 0: by key, however few rows there were when this was planned
       SELECT *
         FROM hold
        WHERE hold.lane = wanted.lane AND hold.authorization_id = wanted.authorization_id
       OFFSET 0) AS h;
