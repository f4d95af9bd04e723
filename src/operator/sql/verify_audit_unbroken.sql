-- verify_audit_unbroken: each hash follows from what is stored: no deed was ever changed.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT what, id, detail
  FROM (SELECT 'deed' AS what, seq::text AS id,
               CASE WHEN hash <> recomputed_hash THEN 'is not what its hash was made of'
                    ELSE 'does not follow the deed before it' END AS detail
          FROM operator.audit_link
         WHERE hash <> recomputed_hash OR previous_hash <> hash_before OR seq <> seq_before + 1
        UNION ALL
        SELECT 'head', h.seq::text, 'is not the newest deed'
          FROM operator.audit_head AS h
          LEFT JOIN (SELECT seq, hash FROM operator.audit ORDER BY seq DESC LIMIT 1) AS a ON true
         WHERE h.seq <> coalesce(a.seq, 0)
            OR h.hash <> coalesce(a.hash, decode(repeat('00', 32), 'hex'))) AS violation
 LIMIT 1001;
