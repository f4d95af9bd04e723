-- 0007_lane_and_key: a booking writes less, and what it costs does not grow with the books.
-- Who sets an account's status locks its lane's chain head, as whoever posts does, so that a batch
-- of commands need not lock each of its accounts, which would write them all; and the check of new
-- entries finds their journals by key.

-- As in 0005, but with the lane locked first: holds that are under way there end before, and those
-- that come after see the new status. Batches follow one another quickly: it waits its turn.
CREATE OR REPLACE FUNCTION set_account_status(of_lane smallint, account_id uuid, new_status text,
                                              deed_id uuid, operator_name text, on_behalf_of text,
                                              why text, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    old_status text;
BEGIN
    PERFORM 1 FROM chain_head WHERE lane = of_lane FOR NO KEY UPDATE;
    SELECT status INTO old_status
      FROM ledger_account
     WHERE lane = of_lane AND id = account_id
       FOR NO KEY UPDATE; -- a ledger of an earlier version locks the account
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
ALTER FUNCTION set_account_status(smallint, uuid, text, uuid, text, text, text)
    SET lock_timeout = '5s';

-- As in 0002: once per INSERT, over all its rows, each journal's new entries balance per currency
-- and layer, and the journal is of this very SQL transaction. But it reads the journals of these
-- entries and no others: planned while there were few, the join read all of a lane's.
CREATE OR REPLACE FUNCTION check_new_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT e.lane, e.chain_seq INTO wrong
      FROM (SELECT lane, chain_seq, currency,
                   sum(CASE side WHEN 'debit' THEN amount_minor ELSE -amount_minor END) AS sum_minor
              FROM new_entry
             GROUP BY lane, chain_seq, currency, layer) AS e
      LEFT JOIN LATERAL ( -- OFFSET 0: by key, whatever the statistics say
           SELECT currency, xmin AS made_by
             FROM ledger.journal
            WHERE journal.lane = e.lane AND journal.chain_seq = e.chain_seq
           OFFSET 0) AS j ON true
     WHERE e.sum_minor <> 0
        OR j.currency IS DISTINCT FROM e.currency
        OR j.made_by <> pg_current_xact_id()::xid
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entries of journal % of lane % do not balance or are not of its making',
            wrong.chain_seq, wrong.lane USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
