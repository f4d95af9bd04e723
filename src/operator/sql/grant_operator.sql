-- grant_operator: what the operator's role may do, what was just made included.
-- rows   none; a script, run in one SQL transaction
-- It reads everything, the server's state included; it writes API keys, and may call the functions
-- of the services' schemas that do a deed and record it, no more.
DO $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('tallystick migrate'));
    GRANT SELECT ON ALL TABLES IN SCHEMA bus, gateway, "authorization", ledger, saga, operator
        TO tallystick_operator;
    -- Where the data are and how much log is kept. Not every owner may give that away, and another
    -- database of the same cluster may be doing it at this moment.
    IF NOT pg_has_role('tallystick_operator', 'pg_monitor', 'MEMBER') THEN
        BEGIN
            GRANT pg_monitor TO tallystick_operator;
        EXCEPTION WHEN insufficient_privilege OR unique_violation OR internal_error THEN
            NULL;
        END;
    END IF;
    IF to_regclass('gateway.api_key') IS NOT NULL THEN
        GRANT INSERT, UPDATE (revoked_at, rate_per_s, burst) ON gateway.api_key
            TO tallystick_operator;
    END IF;
END
$$;
