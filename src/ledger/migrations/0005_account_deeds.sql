-- 0005_account_deeds: the status of a ledger account is set by a deed, and by nothing else.

-- Sets the status of one of the ledger's own accounts and writes who did it and why. It belongs to
-- the owner of the tables, so that none is set without its record.
--
-- outcome: set; absent: its first hold has not come yet.
CREATE FUNCTION set_account_status(of_lane smallint, account_id uuid, new_status text,
                                   deed_id uuid, operator_name text, on_behalf_of text, why text,
                                   OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    old_status text;
BEGIN
    SELECT status INTO old_status
      FROM ledger_account
     WHERE lane = of_lane AND id = account_id
       FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'absent';
        RETURN;
    END IF;
    outcome := 'set';
    UPDATE ledger_account SET status = new_status WHERE lane = of_lane AND id = account_id;
    INSERT INTO operator.audit (os_user, action, subject, operation_id, reason, detail)
    VALUES (operator_name, 'ledger_account.set_status', account_id, deed_id, why,
            jsonb_build_object('outcome', outcome, 'by', on_behalf_of, 'from', old_status,
                               'to', new_status)::text);
END $$;
ALTER FUNCTION set_account_status(smallint, uuid, text, uuid, text, text, text)
    SET search_path = ledger, pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION set_account_status(smallint, uuid, text, uuid, text, text, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION set_account_status(smallint, uuid, text, uuid, text, text, text)
    TO tallystick_operator;
REVOKE UPDATE (status) ON ledger_account FROM tallystick_operator;
