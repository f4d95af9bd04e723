-- check_lane: what `tallystick verify` asks of all accounts at once, asked of one lane's.
-- param  lane         smallint
-- column held_matches bigint
-- rows   1: how many accounts break the invariant
-- locks  none
SELECT count(*) AS held_matches
  FROM (SELECT id, held_minor
          FROM account
         WHERE lane = $1::smallint) AS a
  FULL JOIN (SELECT account_id, sum(remaining_minor) AS remaining_minor
               FROM credit_authorization
              WHERE lane = $1::smallint
                AND remaining_minor > 0
              GROUP BY account_id) AS o ON o.account_id = a.id
 WHERE a.held_minor IS DISTINCT FROM coalesce(o.remaining_minor, 0);
