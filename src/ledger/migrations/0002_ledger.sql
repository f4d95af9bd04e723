-- 0002_ledger: the books of the ledger.
-- Ledger accounts, journals of balanced entries chained per lane, balances, holds, and
-- which saga steps were done. A journal and its entries are written once and never change.

-- A cardholder's account has the id of the account it is for. The settlement account of a network
-- and currency has one row, and so one balance, in each lane: it serializes nothing.
CREATE TABLE ledger_account (
    lane        smallint    NOT NULL CHECK (lane BETWEEN 0 AND 63),
    id          uuid        NOT NULL,
    code        text        NOT NULL, -- 1100:{account id}, 2100:{network}
    kind        text        NOT NULL CHECK (kind IN ('cardholder_receivable',
                                                     'settlement_payable')),
    currency    text        NOT NULL CHECK (length(currency) = 3),
    normal_side text        NOT NULL CHECK (normal_side IN ('debit', 'credit')),
    status      text        NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'frozen', 'closed')),
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (lane, id)
);

-- The newest journal of each lane. Whoever writes journals of a lane locks its row first, so that
-- chain_seq has no gap and every hash covers the one before it.
CREATE TABLE chain_head (
    lane      smallint PRIMARY KEY CHECK (lane BETWEEN 0 AND 63),
    chain_seq bigint   NOT NULL CHECK (chain_seq >= 0),
    hash      bytea    NOT NULL CHECK (length(hash) = 32)
) WITH (fillfactor = 20); -- updated all the time: room in the page keeps the updates in place
INSERT INTO chain_head
SELECT generate_series(0, 63), 0, decode(repeat('00', 32), 'hex');

CREATE TABLE journal (
    lane             smallint    NOT NULL,
    chain_seq        bigint      NOT NULL CHECK (chain_seq > 0),
    id               uuid        NOT NULL,
    type             text        NOT NULL CHECK (type IN ('record_hold', 'release_hold')),
    authorization_id uuid        NOT NULL,
    saga_id          uuid        NOT NULL,
    command_id       uuid        NOT NULL,
    currency         text        NOT NULL CHECK (length(currency) = 3),
    trace_id         text        NOT NULL CHECK (length(trace_id) = 32),
    previous_hash    bytea       NOT NULL CHECK (length(previous_hash) = 32),
    hash             bytea       NOT NULL CHECK (length(hash) = 32),
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (lane, chain_seq)
);

CREATE TABLE entry (
    lane              smallint NOT NULL,
    chain_seq         bigint   NOT NULL, -- of its journal
    line              smallint NOT NULL CHECK (line > 0),
    ledger_account_id uuid     NOT NULL,
    side              text     NOT NULL CHECK (side IN ('debit', 'credit')),
    layer             text     NOT NULL CHECK (layer IN ('pending', 'posted')),
    amount_minor      bigint   NOT NULL CHECK (amount_minor > 0),
    currency          text     NOT NULL,
    PRIMARY KEY (lane, chain_seq, line)
);
CREATE INDEX entry_of_account ON entry (lane, ledger_account_id, chain_seq, line);

CREATE TABLE balance (
    lane              smallint NOT NULL,
    ledger_account_id uuid     NOT NULL,
    currency          text     NOT NULL,
    layer             text     NOT NULL CHECK (layer IN ('pending', 'posted')),
    debit_minor       bigint   NOT NULL CHECK (debit_minor >= 0),
    credit_minor      bigint   NOT NULL CHECK (credit_minor >= 0),
    PRIMARY KEY (lane, ledger_account_id, currency, layer)
) WITH (fillfactor = 70); -- as chain_head

-- What the ledger knows of each authorization's hold; version counts its journals.
CREATE TABLE hold (
    lane             smallint NOT NULL,
    authorization_id uuid     NOT NULL,
    account_id       uuid     NOT NULL,
    currency         text     NOT NULL CHECK (length(currency) = 3),
    status           text     NOT NULL CHECK (status IN ('recorded', 'released')),
    recorded_minor   bigint   NOT NULL CHECK (recorded_minor >= 0),
    pending_minor    bigint   NOT NULL CHECK (pending_minor BETWEEN 0 AND recorded_minor),
    version          bigint   NOT NULL CHECK (version >= 0),
    journal_id       uuid, -- the journal that recorded it
    PRIMARY KEY (lane, authorization_id),
    CHECK (status = 'recorded' OR pending_minor = 0),
    CHECK ((journal_id IS NULL) = (recorded_minor = 0))
);

-- The barrier: what came of each step of each saga. A repeated command is answered from here.
CREATE TABLE command_step (
    lane             smallint    NOT NULL,
    saga_id          uuid        NOT NULL,
    step             text        NOT NULL CHECK (step IN ('record_hold', 'release_hold')),
    op               text        NOT NULL CHECK (op IN ('do', 'undo')),
    command_id       uuid        NOT NULL,
    authorization_id uuid        NOT NULL,
    outcome          text        NOT NULL CHECK (outcome IN ('recorded', 'released', 'refused')),
    reason           text CHECK (reason IN ('account_closed', 'account_frozen',
                                            'currency_mismatch', 'already_released')),
    amount_minor     bigint      NOT NULL CHECK (amount_minor >= 0),
    currency         text        NOT NULL,
    journal_id       uuid,
    version          bigint      NOT NULL, -- of the hold, after this step
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (lane, saga_id, step, op),
    CHECK ((outcome = 'refused') = (reason IS NOT NULL))
);

-- ---- written once ------------------------------------------------------------------------------

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %: the books are never changed, only added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER journal_is_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_is_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ---- balanced by constraint --------------------------------------------------------------------

-- Once per INSERT, over all its rows: each journal's new entries balance per currency and layer,
-- and the journal is of this very SQL transaction, so that no past journal ever gets another entry.
CREATE FUNCTION check_new_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT e.lane, e.chain_seq INTO wrong
      FROM (SELECT lane, chain_seq, currency,
                   sum(CASE side WHEN 'debit' THEN amount_minor ELSE -amount_minor END) AS sum_minor
              FROM new_entry
             GROUP BY lane, chain_seq, currency, layer) AS e
      LEFT JOIN ledger.journal AS j ON j.lane = e.lane AND j.chain_seq = e.chain_seq
     WHERE e.sum_minor <> 0
        OR j.currency IS DISTINCT FROM e.currency
        OR j.xmin <> pg_current_xact_id()::xid
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entries of journal % of lane % do not balance or are not of its making',
            wrong.chain_seq, wrong.lane USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER entry_balances AFTER INSERT ON entry
    REFERENCING NEW TABLE AS new_entry
    FOR EACH STATEMENT EXECUTE FUNCTION check_new_entries();

-- ---- the chain, recomputed ---------------------------------------------------------------------

-- Each journal with the hash that follows from what is stored (the form of journal_text in
-- domain/journal.c) and the hash of the journal before it. All is well where hash =
-- recomputed_hash and previous_hash = hash_before and chain_seq = chain_seq_before + 1.
CREATE VIEW chain_link AS
SELECT j.lane, j.chain_seq, j.id AS journal_id, j.hash, j.previous_hash,
       sha256(convert_to(
           concat_ws('|', 'tallystick.journal.v1', j.lane, j.chain_seq,
                     encode(j.previous_hash, 'hex'), j.id, j.type, j.authorization_id, j.saga_id,
                     j.command_id, j.currency, j.trace_id,
                     (extract(epoch FROM j.created_at) * 1000000)::bigint)
           || E'\n' || coalesce(e.lines, ''), 'UTF8')) AS recomputed_hash,
       coalesce(lag(j.hash) OVER lane_order, decode(repeat('00', 32), 'hex')) AS hash_before,
       coalesce(lag(j.chain_seq) OVER lane_order, 0) AS chain_seq_before
  FROM journal AS j
  LEFT JOIN (SELECT lane, chain_seq,
                    string_agg(concat_ws('|', line, ledger_account_id, side, layer, amount_minor,
                                         currency) || E'\n', '' ORDER BY line) AS lines
               FROM entry
              GROUP BY lane, chain_seq) AS e ON e.lane = j.lane AND e.chain_seq = j.chain_seq
WINDOW lane_order AS (PARTITION BY j.lane ORDER BY j.chain_seq);

-- ---- who may do what ---------------------------------------------------------------------------

GRANT SELECT, INSERT ON journal, entry, command_step TO tallystick_ledger;
GRANT SELECT, INSERT, UPDATE ON balance, hold TO tallystick_ledger;
GRANT SELECT, UPDATE ON chain_head TO tallystick_ledger;
GRANT SELECT, INSERT, UPDATE (status) ON ledger_account TO tallystick_ledger;
GRANT SELECT ON chain_link TO tallystick_ledger;
GRANT UPDATE (status) ON ledger_account TO tallystick_operator;
