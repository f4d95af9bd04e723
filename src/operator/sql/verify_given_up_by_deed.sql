-- verify_given_up_by_deed: nothing is given up but by an operator's deed, and none without it.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT what, id, detail
  FROM (SELECT 'saga' AS what, coalesce(s.id, a.subject)::text AS id,
               CASE WHEN a.subject IS NULL THEN 'is abandoned, but nobody did it'
                    ELSE 'was abandoned by an operator, but is not' END AS detail
          FROM (SELECT id FROM saga.saga WHERE state = 'abandoned') AS s
          FULL JOIN (SELECT DISTINCT subject FROM operator.audit WHERE action = 'saga.abandon')
                    AS a ON a.subject = s.id
         WHERE s.id IS NULL OR a.subject IS NULL
        UNION ALL
        SELECT 'dead letter', coalesce(l.id, a.subject)::text,
               CASE WHEN a.subject IS NULL THEN 'is discarded, but nobody did it'
                    ELSE 'was discarded by an operator, but is not' END
          FROM (SELECT id FROM operator.dead_letter WHERE discarded_at IS NOT NULL) AS l
          FULL JOIN (SELECT DISTINCT subject
                       FROM operator.audit
                      WHERE action = 'dead_letter.discard'
                        AND detail::jsonb ->> 'outcome' = 'discarded') AS a ON a.subject = l.id
         WHERE l.id IS NULL OR a.subject IS NULL) AS violation
 LIMIT 1001;
