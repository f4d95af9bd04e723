-- list_unsafe_settings: what a role or this database has been given that breaks a promise.
-- column owner    text  ROLE tallystick_ledger, DATABASE tallystick
-- column setting  text  synchronous_commit=off
-- rows   0 or more
SELECT concat_ws(' IN ', 'ROLE ' || r.rolname, 'DATABASE ' || d.datname), found.setting
  FROM pg_db_role_setting AS s
  LEFT JOIN pg_roles AS r ON r.oid = s.setrole
  LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
 CROSS JOIN LATERAL unnest(s.setconfig) AS found (setting)
 WHERE found.setting IN ('synchronous_commit=off', 'synchronous_commit=local')
   AND (s.setrole = 0 OR r.rolname LIKE 'tallystick\_%')
   AND (s.setdatabase = 0 OR d.datname = current_database())
 ORDER BY 1, 2;
