-- verify_chain_unbroken: each hash follows from what is stored: nothing was ever changed.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT what, id, detail
  FROM (SELECT 'journal' AS what, journal_id::text AS id,
               CASE WHEN hash <> recomputed_hash THEN 'is not what its hash was made of'
                    ELSE 'does not follow the journal before it' END AS detail
          FROM ledger.chain_link
         WHERE hash <> recomputed_hash OR previous_hash <> hash_before
            OR chain_seq <> chain_seq_before + 1
        UNION ALL
        SELECT 'lane', h.lane::text, 'its head is not its newest journal'
          FROM ledger.chain_head AS h
          LEFT JOIN (SELECT DISTINCT ON (lane) lane, chain_seq, hash
                       FROM ledger.journal
                      ORDER BY lane, chain_seq DESC) AS j ON j.lane = h.lane
         WHERE h.chain_seq <> coalesce(j.chain_seq, 0)
            OR h.hash <> coalesce(j.hash, decode(repeat('00', 32), 'hex'))) AS violation
 LIMIT 1001;
