-- grant_operator: what the operator's role may do, what was just made included.
-- rows   none; a script, run in one SQL transaction
-- It reads everything; it writes API keys and the status of the ledger's accounts, and may call
-- redrive_dead_letter of each service's schema, no more.
DO $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('tallystick migrate'));
    GRANT SELECT ON ALL TABLES IN SCHEMA bus, gateway, "authorization", ledger, saga, operator
        TO tallystick_operator;
    IF to_regclass('gateway.api_key') IS NOT NULL THEN
        GRANT INSERT, UPDATE (revoked_at) ON gateway.api_key TO tallystick_operator;
    END IF;
    IF to_regclass('ledger.ledger_account') IS NOT NULL THEN
        GRANT UPDATE (status) ON ledger.ledger_account TO tallystick_operator;
    END IF;
END
$$;
