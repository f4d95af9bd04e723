-- verify_held_matches_open_authorizations: an account holds what its authorizations still hold.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT 'account', coalesce(a.id, o.account_id)::text,
       'held is ' || coalesce(a.held_minor::text, 'unknown') || ', its authorizations hold '
           || coalesce(o.remaining_minor, 0)
  FROM "authorization".account AS a
  FULL JOIN (SELECT lane, account_id, sum(remaining_minor) AS remaining_minor
               FROM "authorization".credit_authorization
              WHERE remaining_minor > 0
              GROUP BY lane, account_id) AS o ON o.lane = a.lane AND o.account_id = a.id
 WHERE a.held_minor IS DISTINCT FROM coalesce(o.remaining_minor, 0)
 LIMIT 1001;
