-- check_lane: what `tallystick verify` asks of the whole ledger, asked of one lane: its balances,
-- its newest journals and the accounts that these touched. All in one snapshot.
-- param  lane                   smallint
-- param  journals               bigint
-- column journals_balance       bigint
-- column trial_balance          bigint
-- column balances_match_entries bigint
-- column chain_unbroken         bigint
-- rows   1: how often each invariant is broken
-- locks  none
WITH recent AS MATERIALIZED (
    SELECT chain_seq, currency, previous_hash, hash
      FROM journal
     WHERE lane = $1::smallint
     ORDER BY chain_seq DESC
     LIMIT $2::bigint
), of_recent AS MATERIALIZED ( -- an index range: chain_seq has no gap
    SELECT chain_seq, ledger_account_id, side, layer, amount_minor, currency
      FROM entry
     WHERE lane = $1::smallint
       AND chain_seq >= (SELECT min(chain_seq) FROM recent)
), touched AS MATERIALIZED (
    SELECT t.id
      FROM (SELECT DISTINCT ledger_account_id AS id FROM of_recent) AS t
     CROSS JOIN LATERAL (SELECT kind
                           FROM ledger_account AS a
                          WHERE a.lane = $1::smallint AND a.id = t.id
                         OFFSET 0) AS a
     WHERE a.kind = 'cardholder_receivable' -- the settlement account's is what is left of the trial
), summed AS ( -- account by account: a join would read all entries that the lane ever had
    SELECT t.id, s.currency, s.layer, s.debit_minor, s.credit_minor
      FROM touched AS t
     CROSS JOIN LATERAL (
           SELECT e.currency, e.layer,
                  coalesce(sum(e.amount_minor) FILTER (WHERE e.side = 'debit'), 0) AS debit_minor,
                  coalesce(sum(e.amount_minor) FILTER (WHERE e.side = 'credit'), 0) AS credit_minor
             FROM entry AS e
            WHERE e.lane = $1::smallint AND e.ledger_account_id = t.id
            GROUP BY e.currency, e.layer) AS s
), linked AS (
    SELECT chain_seq, previous_hash, hash,
           lag(hash) OVER in_order AS hash_before, lag(chain_seq) OVER in_order AS chain_seq_before,
           lead(chain_seq) OVER in_order IS NULL AS is_newest
      FROM recent
    WINDOW in_order AS (ORDER BY chain_seq)
)
SELECT (SELECT count(*)
          FROM (SELECT chain_seq
                  FROM recent AS r
                  FULL JOIN of_recent AS e USING (chain_seq)
                 GROUP BY chain_seq, e.currency, e.layer, r.currency
                HAVING e.currency IS DISTINCT FROM r.currency
                    OR sum(CASE e.side WHEN 'debit' THEN e.amount_minor
                                       ELSE -e.amount_minor END) <> 0) AS wrong)
           AS journals_balance,
       (SELECT count(*)
          FROM (SELECT currency
                  FROM balance
                 WHERE lane = $1::smallint
                 GROUP BY currency, layer
                HAVING sum(debit_minor) <> sum(credit_minor)) AS wrong) AS trial_balance,
       (SELECT count(*)
          FROM summed AS s
          LEFT JOIN LATERAL (SELECT debit_minor, credit_minor
                               FROM balance AS b
                              WHERE b.lane = $1::smallint AND b.ledger_account_id = s.id
                                AND b.currency = s.currency AND b.layer = s.layer
                             OFFSET 0) AS b ON true
         WHERE b.debit_minor IS DISTINCT FROM s.debit_minor
            OR b.credit_minor IS DISTINCT FROM s.credit_minor) AS balances_match_entries,
       (SELECT count(*)
          FROM linked
         WHERE previous_hash <> hash_before OR chain_seq <> chain_seq_before + 1)
     + (SELECT count(*)
          FROM chain_head AS h
          LEFT JOIN linked AS l ON l.is_newest
         WHERE h.lane = $1::smallint
           AND (h.chain_seq <> coalesce(l.chain_seq, 0)
             OR h.hash <> coalesce(l.hash, decode(repeat('00', 32), 'hex')))) AS chain_unbroken;
