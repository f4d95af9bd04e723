-- 0007_deeds: what an operator has had a saga do is written down with it.

-- Writes a deed to the operators' audit, in the SQL transaction that moves the saga. It belongs to
-- the owner of the audit, so that the service adds deeds to sagas there and nothing else.
CREATE FUNCTION record_deed(saga_lane smallint, saga_id uuid, deed text, deed_id uuid,
                            operator_name text, why text, detail text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF deed NOT IN ('retry', 'compensate', 'abandon')
       OR NOT EXISTS (SELECT FROM saga WHERE lane = saga_lane AND id = saga_id) THEN
        RAISE EXCEPTION 'no deed to a saga: % of %', deed, saga_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO operator.audit (os_user, action, subject, operation_id, reason, detail)
    VALUES (operator_name, 'saga.' || deed, saga_id, deed_id, why, detail);
END $$;
ALTER FUNCTION record_deed(smallint, uuid, text, uuid, text, text, text)
    SET search_path = saga, pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION record_deed(smallint, uuid, text, uuid, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_deed(smallint, uuid, text, uuid, text, text, text)
    TO tallystick_saga;
