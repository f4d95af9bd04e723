-- grant_operator: the operator's role may read everything, what was just made included.
-- rows   none; a script, run in one SQL transaction
DO $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('tallystick migrate'));
    GRANT SELECT ON ALL TABLES IN SCHEMA bus, gateway, "authorization", ledger, saga
        TO tallystick_operator;
END
$$;
