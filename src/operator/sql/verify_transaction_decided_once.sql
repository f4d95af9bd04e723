-- verify_transaction_decided_once: a transaction id is decided once per tenant, for ever.
-- The key is the first half of SHA-256 over both, each after its size in eight bytes.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT what, id, detail
  FROM (SELECT 'transaction' AS what, tenant_id || '/' || transaction_id AS id,
               'decided ' || count(*) || ' times' AS detail
          FROM "authorization".credit_authorization
         GROUP BY tenant_id, transaction_id
        HAVING count(*) > 1
        UNION ALL
        SELECT 'authorization', coalesce(a.id, d.authorization_id)::text,
               CASE WHEN a.id IS NULL THEN 'is remembered as decided but is not there'
                    WHEN d.authorization_id IS NULL THEN 'its transaction is not remembered'
                    ELSE 'is remembered under another transaction' END
          FROM "authorization".credit_authorization AS a
          FULL JOIN "authorization".decided_transaction AS d
            ON d.lane = a.lane AND d.authorization_id = a.id
         WHERE a.id IS NULL OR d.authorization_id IS NULL
            OR uuid_send(d.transaction_key) <> substring(sha256(
                   int8send(octet_length(a.tenant_id)) || convert_to(a.tenant_id, 'UTF8')
                   || int8send(octet_length(a.transaction_id))
                   || convert_to(a.transaction_id, 'UTF8')) FROM 1 FOR 16)) AS violation
 LIMIT 1001;
