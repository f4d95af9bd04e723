-- verify_available_not_negative: credit is never exceeded: not right after an approval, not since.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT what, id, detail
  FROM (SELECT 'authorization' AS what, id::text AS id,
               'approved, leaving ' || available_minor AS detail
          FROM "authorization".credit_authorization
         WHERE decision = 'approved' AND available_minor < 0
        UNION ALL
        SELECT 'account', id::text,
               'held ' || held_minor || ' and posted ' || posted_minor || ' exceed the limit '
                   || limit_minor || ', which was never changed'
          FROM "authorization".account
         WHERE version = 1 AND held_minor + posted_minor > limit_minor) AS violation
 LIMIT 1001;
