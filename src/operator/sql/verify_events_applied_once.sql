-- verify_events_applied_once: each command was booked at most once, each journal by its command.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT what, id, detail
  FROM (SELECT 'saga' AS what, saga_id::text AS id,
               count(*) || ' journals of type ' || type AS detail
          FROM ledger.journal
         GROUP BY saga_id, type
        HAVING count(*) > 1
        UNION ALL
        SELECT 'journal', coalesce(j.id, s.journal_id)::text,
               CASE WHEN j.id IS NULL THEN 'its command was done but it is not there'
                    WHEN s.saga_id IS NULL THEN 'was booked without a command'
                    ELSE 'was booked by another command than is remembered' END
          FROM ledger.journal AS j
          FULL JOIN (SELECT lane, saga_id, command_id, journal_id
                       FROM ledger.command_step
                      WHERE journal_id IS NOT NULL) AS s ON s.lane = j.lane AND s.journal_id = j.id
         WHERE j.id IS NULL OR s.saga_id IS NULL OR j.saga_id <> s.saga_id
            OR j.command_id <> s.command_id) AS violation
 LIMIT 1001;
