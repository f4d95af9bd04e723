-- 0004_trace_context: whose trace a row is of, so that what comes later goes on in it.

ALTER TABLE outbox
    ADD COLUMN tracestate text; -- goes with both traceparents; NULL: none

ALTER TABLE inbox
    ADD COLUMN traceparent text; -- the message's, as it came; NULL: it had none

ALTER TABLE dead_letter
    ADD COLUMN traceparent         text NOT NULL DEFAULT '', -- of the last try; empty: not known
    ADD COLUMN redrive_traceparent text; -- of the newest redrive; NULL: never redriven, not known

ALTER TABLE parked_message
    ADD COLUMN redrive_traceparent text; -- of the redrive that has put it here; NULL: none has

-- Puts one dead letter back among the parked messages of its key, due at once, and writes who did
-- it, and in which trace. The key is locked before the letter, as whoever tries parked keys does.
-- It belongs to the owner of the tables, so that an operator can send back what is here and nothing
-- else.
--
-- outcome: redriven; already_applied: the inbox has it, so the letter is closed and nothing is put
-- back; not_open: it has been redriven and has not died since; too_often: redrives_max were made;
-- gone: there is no such letter. A key that was made for nothing is let go when it is tried.
DROP FUNCTION redrive_dead_letter(uuid, uuid, integer, text, text);
CREATE FUNCTION redrive_dead_letter(letter_id uuid, new_redrive_id uuid, redrives_max integer,
                                    operator_name text, why text,
                                    operator_traceparent text DEFAULT NULL,
                                    OUT outcome text, OUT redrives integer,
                                    OUT last_traceparent text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    letter dead_letter;
BEGIN
    SELECT * INTO letter FROM dead_letter WHERE id = letter_id;
    IF NOT FOUND THEN
        outcome := 'gone';
        RETURN;
    END IF;
    INSERT INTO parked_key AS parked (consumer_group, topic, key, reason, error_class, attempts,
                                      next_try_at)
    VALUES (letter.consumer_group, letter.topic, letter.key, 'its turn comes', '', 0,
            clock_timestamp())
        ON CONFLICT (consumer_group, topic, key) DO UPDATE SET attempts = parked.attempts;

    SELECT * INTO letter FROM dead_letter WHERE id = letter_id FOR UPDATE;
    redrives := letter.redrive_count;
    last_traceparent := letter.traceparent;
    outcome := CASE WHEN letter.redriven_at IS NOT NULL THEN 'not_open'
                    WHEN letter.redrive_count >= redrives_max THEN 'too_often'
                    WHEN EXISTS (SELECT FROM inbox i WHERE i.event_id = letter.event_id
                                    AND i.consumer_group = letter.consumer_group)
                    THEN 'already_applied' ELSE 'redriven' END;
    IF outcome IN ('not_open', 'too_often') THEN
        RETURN;
    END IF;

    IF outcome = 'redriven' THEN
        INSERT INTO parked_message (consumer_group, topic, key, event_id, partition, "offset",
                                    published_at, headers, payload, is_redriven,
                                    redrive_traceparent)
        VALUES (letter.consumer_group, letter.topic, letter.key, letter.event_id, letter.partition,
                letter."offset", letter.published_at, letter.headers, letter.payload, true,
                operator_traceparent)
            ON CONFLICT DO NOTHING; -- it waits there already
        UPDATE parked_key parked
           SET attempts = 0, reason = 'its turn comes', error_class = '',
               next_try_at = clock_timestamp()
         WHERE parked.consumer_group = letter.consumer_group
           AND parked.topic = letter.topic
           AND parked.key = letter.key;
        redrives := redrives + 1;
    END IF;
    UPDATE dead_letter
       SET redriven_at = clock_timestamp(), redrive_count = redrives, redrive_id = new_redrive_id,
           redrive_traceparent = operator_traceparent
     WHERE id = letter_id;
    INSERT INTO operator.audit (os_user, action, subject, operation_id, reason, detail)
    VALUES (operator_name, 'dead_letter.redrive', letter_id, new_redrive_id, why,
            jsonb_build_object('outcome', outcome, 'consumer_group', letter.consumer_group,
                               'event_id', letter.event_id, 'error_code', letter.error_code,
                               'redrive_count', redrives,
                               'traceparent', operator_traceparent)::text);
END $$;

DO $$
DECLARE
    signature text := 'redrive_dead_letter(uuid, uuid, integer, text, text, text)';
BEGIN
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_catalog, pg_temp', signature,
                   current_schema());
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO tallystick_operator', signature);
END
$$;
