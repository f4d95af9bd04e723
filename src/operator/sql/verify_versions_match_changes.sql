-- verify_versions_match_changes: a version is the number of recorded changes, without a gap.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT what, id, detail
  FROM (SELECT 'authorization' AS what, coalesce(a.id, c.authorization_id)::text AS id,
               'version ' || coalesce(a.version::text, 'none') || ' with '
                   || coalesce(c.changes, 0) || ' changes, the last to '
                   || coalesce(c.status, 'nothing') AS detail
          FROM "authorization".credit_authorization AS a
          FULL JOIN (SELECT lane, authorization_id, count(*) AS changes, max(version) AS newest,
                            (array_agg(status ORDER BY version DESC))[1] AS status
                       FROM "authorization".authorization_change
                      GROUP BY lane, authorization_id) AS c
            ON c.lane = a.lane AND c.authorization_id = a.id
         WHERE a.id IS NULL
            OR a.version <> 1 + coalesce(c.changes, 0)
            OR a.version <> coalesce(c.newest, 1)
            OR a.status <> coalesce(c.status, a.decision)
        UNION ALL
        SELECT 'hold', coalesce(h.authorization_id, j.authorization_id)::text,
               'version ' || coalesce(h.version::text, 'none') || ' with '
                   || coalesce(j.journals, 0) || ' journals'
          FROM ledger.hold AS h
          FULL JOIN (SELECT lane, authorization_id, count(*) AS journals
                       FROM ledger.journal
                      GROUP BY lane, authorization_id) AS j
            ON j.lane = h.lane AND j.authorization_id = h.authorization_id
         WHERE h.version IS DISTINCT FROM coalesce(j.journals, 0)) AS violation
 LIMIT 1001;
