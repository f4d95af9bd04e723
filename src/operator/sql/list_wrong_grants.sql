-- list_wrong_grants: what a service's role may do and must not.
-- column role    text
-- column excess  text  in words
-- column revoke  text  the statement that takes it away
-- rows   0 or more
WITH service (role, schema) AS (
    VALUES ('tallystick_gateway', 'gateway'), ('tallystick_authorization', 'authorization'),
           ('tallystick_ledger', 'ledger'), ('tallystick_saga', 'saga')
), room_table AS (
    SELECT n.nspname AS schema, c.relname AS name, c.oid
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('gateway', 'authorization', 'ledger', 'saga', 'operator')
       AND c.relkind IN ('r', 'p', 'v')
)
SELECT r.rolname::text, 'is a superuser', format('ALTER ROLE %I NOSUPERUSER', r.rolname)
  FROM pg_roles AS r
 WHERE r.rolname LIKE 'tallystick\_%' AND r.rolsuper AND r.rolname <> 'tallystick_owner'
UNION ALL
SELECT s.role, format('reads %I.%I of another service', t.schema, t.name),
       format('REVOKE ALL ON %I.%I FROM %I', t.schema, t.name, s.role)
  FROM service AS s
  JOIN pg_roles AS r ON r.rolname = s.role AND NOT r.rolsuper
  JOIN room_table AS t ON t.schema <> s.schema AND t.schema <> 'operator'
 WHERE has_table_privilege(r.oid, t.oid, 'SELECT')
UNION ALL
SELECT r.rolname::text, format('may change %I.%I, which is written once', t.schema, t.name),
       format('REVOKE UPDATE, DELETE, TRUNCATE ON %I.%I FROM %I', t.schema, t.name, r.rolname)
  FROM room_table AS t
  JOIN pg_roles AS r ON r.rolname LIKE 'tallystick\_%' AND NOT r.rolsuper
 WHERE ((t.schema = 'ledger' AND t.name IN ('journal', 'entry'))
        OR (t.schema = 'operator' AND t.name = 'audit'))
   AND (has_table_privilege(r.oid, t.oid, 'UPDATE') OR has_table_privilege(r.oid, t.oid, 'DELETE')
        OR has_table_privilege(r.oid, t.oid, 'TRUNCATE'))
 ORDER BY 1, 2;
