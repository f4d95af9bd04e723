-- find_steps: what came of these steps of sagas, where they were done before.
-- param  lanes            smallint[]
-- param  saga_ids         uuid[]
-- param  steps            text[]
-- param  ops              text[]
-- column lane             smallint
-- column saga_id          uuid
-- column step             text
-- column op               text
-- column outcome          text
-- column reason           text
-- column amount_minor     bigint
-- column currency         text
-- column journal_id       uuid
-- column version          bigint
-- rows   one per step that was done
SELECT s.lane, s.saga_id, s.step, s.op, s.outcome, s.reason, s.amount_minor, s.currency,
       s.journal_id, s.version
  FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[])
       AS wanted (lane, saga_id, step, op)
 CROSS JOIN LATERAL ( -- OFFSET 0: by key, however few rows there were when this was planned
       SELECT *
         FROM command_step AS c
        WHERE c.lane = wanted.lane AND c.saga_id = wanted.saga_id
          AND c.step = wanted.step AND c.op = wanted.op
       OFFSET 0) AS s;
