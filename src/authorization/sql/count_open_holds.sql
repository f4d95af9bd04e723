-- count_open_holds: what a lane's open holds are and sum up to, for metrics.
-- param  lane         smallint
-- column currency     text
-- column holds        bigint
-- column amount_minor bigint
-- rows   one per currency of an open hold
-- locks  none
SELECT currency, count(*) AS holds, sum(remaining_minor)::bigint AS amount_minor
  FROM credit_authorization
 WHERE lane = $1::smallint
   AND remaining_minor > 0
 GROUP BY currency;
