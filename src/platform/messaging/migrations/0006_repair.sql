-- 0006_repair: what an operator may do about messages that were laid aside, beside sending them
-- back: discard a dead letter, have a parked key tried at once.

-- A letter is open while redriven_at is NULL. A discard closes it for good: both times are equal.
ALTER TABLE dead_letter
    ADD COLUMN discarded_at timestamptz, -- NULL: never
    ADD COLUMN discard_id   uuid;        -- the operator's deed

-- Closes one dead letter without its effect, for good, and writes who did it and why. Its event is
-- claimed in the inbox: should the bus hand it over once more, it goes by. It belongs to the owner
-- of the tables, so that an operator can close what is open and nothing else.
--
-- outcome: discarded; already_applied: the inbox has it, so that there was nothing left to give up;
-- not_open: it is on its way back, or somebody was quicker; gone: there is no such letter.
CREATE FUNCTION discard_dead_letter(letter_id uuid, deed_id uuid, operator_name text,
                                    on_behalf_of text, why text, operator_traceparent text,
                                    OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    letter dead_letter;
    now_at timestamptz := clock_timestamp();
BEGIN
    SELECT * INTO letter FROM dead_letter WHERE id = letter_id FOR UPDATE;
    outcome := CASE WHEN letter.id IS NULL THEN 'gone'
                    WHEN letter.redriven_at IS NOT NULL THEN 'not_open' ELSE 'discarded' END;
    IF outcome <> 'discarded' THEN
        RETURN;
    END IF;
    INSERT INTO inbox (consumer_group, event_id) VALUES (letter.consumer_group, letter.event_id)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        outcome := 'already_applied';
    END IF;
    UPDATE dead_letter
       SET redriven_at = now_at, discard_id = deed_id,
           discarded_at = CASE outcome WHEN 'discarded' THEN now_at END
     WHERE id = letter_id;
    INSERT INTO operator.audit (os_user, action, subject, operation_id, reason, detail)
    VALUES (operator_name, 'dead_letter.discard', letter_id, deed_id, why,
            jsonb_build_object('outcome', outcome, 'by', on_behalf_of,
                               'consumer_group', letter.consumer_group,
                               'event_id', letter.event_id, 'type', letter.type,
                               'error_code', letter.error_code,
                               'traceparent', operator_traceparent)::text);
END $$;

-- Has a parked key tried at once, with all its tries before it, and writes who did it and why.
-- Nothing is skipped: its messages are tried in order, as ever.
--
-- outcome: released; not_parked: nothing of this key waits there.
CREATE FUNCTION release_parked_key(of_group text, of_topic text, of_key uuid, deed_id uuid,
                                   operator_name text, on_behalf_of text, why text,
                                   OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    parked parked_key;
BEGIN
    SELECT * INTO parked
      FROM parked_key
     WHERE consumer_group = of_group AND topic = of_topic AND key = of_key
       FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'not_parked';
        RETURN;
    END IF;
    outcome := 'released';
    UPDATE parked_key
       SET attempts = 0, next_try_at = clock_timestamp()
     WHERE consumer_group = of_group AND topic = of_topic AND key = of_key;
    INSERT INTO operator.audit (os_user, action, subject, operation_id, reason, detail)
    VALUES (operator_name, 'parked_key.release', of_key, deed_id, why,
            jsonb_build_object('outcome', outcome, 'by', on_behalf_of,
                               'consumer_group', of_group, 'topic', of_topic,
                               'attempts', parked.attempts, 'error', parked.reason)::text);
END $$;

DO $$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY[
        'discard_dead_letter(uuid, uuid, text, text, text, text)',
        'release_parked_key(text, text, uuid, uuid, text, text, text)']
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_catalog, pg_temp', signature,
                       current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO tallystick_operator', signature);
    END LOOP;
END
$$;
