-- Accounts, authorizations and what makes a request happen once. Every hot key leads with the lane.

-- One account per (tenant, user id); its id follows from them by hash, its lane from its id.
CREATE TABLE account (
    lane           smallint    NOT NULL CHECK (lane BETWEEN 0 AND 63),
    id             uuid        NOT NULL,
    tenant_id      text        NOT NULL,
    user_id        text        NOT NULL,
    status         text        NOT NULL CHECK (status IN ('open', 'frozen', 'closed')),
    currency       text        NOT NULL,
    limit_minor    bigint      NOT NULL CHECK (limit_minor >= 0),
    held_minor     bigint      NOT NULL DEFAULT 0 CHECK (held_minor >= 0),
    posted_minor   bigint      NOT NULL DEFAULT 0,
    next_expiry_at timestamptz, -- no hold of the account expires earlier; NULL: no open hold
    version        bigint      NOT NULL DEFAULT 1, -- changes of status, limit; not of held
    opened_at      timestamptz NOT NULL,
    PRIMARY KEY (lane, id)
) WITH (fillfactor = 60); -- held changes with every batch: leave room for updates in place
CREATE INDEX account_next_expiry ON account (next_expiry_at) WHERE next_expiry_at IS NOT NULL;

-- The decision, and what became of it. From `decision` on nothing ever changes: a replay is
-- rendered from these columns alone.
CREATE TABLE credit_authorization (
    lane            smallint    NOT NULL,
    id              uuid        NOT NULL, -- v7, the lane in its last six bits
    status          text        NOT NULL
        CHECK (status IN ('approved', 'declined', 'voided', 'expired', 'reversed')),
    version         bigint      NOT NULL CHECK (version >= 1), -- 1 + rows in authorization_change
    remaining_minor bigint      NOT NULL CHECK (remaining_minor >= 0), -- what it still holds
    decision        text        NOT NULL CHECK (decision IN ('approved', 'declined')),
    decision_code   text        NOT NULL,
    reasons         text        NOT NULL, -- every failing check, separated by commas
    tenant_id       text        NOT NULL,
    transaction_id  text        NOT NULL,
    user_id         text        NOT NULL,
    account_id      uuid        NOT NULL,
    currency        text        NOT NULL,
    requested_minor bigint      NOT NULL CHECK (requested_minor > 0),
    approved_minor  bigint      NOT NULL CHECK (approved_minor BETWEEN 0 AND requested_minor),
    available_minor bigint      NOT NULL, -- right after the decision; of an unknown account 0
    expires_at      timestamptz,          -- of a hold
    saga_id         uuid,                 -- its booking; NULL: nothing to book
    trace_id        text        NOT NULL,
    fingerprint     bytea       NOT NULL,
    body_format     smallint    NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (lane, id),
    CHECK (decision = 'declined' OR (approved_minor > 0 AND saga_id IS NOT NULL)),
    CHECK (remaining_minor = 0 OR status = 'approved')
) WITH (fillfactor = 90);
CREATE INDEX credit_authorization_of_account ON credit_authorization (lane, account_id, id);
CREATE INDEX credit_authorization_open ON credit_authorization (lane, account_id, expires_at)
    WHERE remaining_minor > 0;

-- Each change after the decision; the decision itself is version 1 and has no row here.
CREATE TABLE authorization_change (
    lane             smallint    NOT NULL,
    authorization_id uuid        NOT NULL,
    version          bigint      NOT NULL CHECK (version >= 2),
    status           text        NOT NULL, -- afterwards
    amount_minor     bigint      NOT NULL, -- released by it
    changed_by       text        NOT NULL, -- api, expiry, saga
    reason           text        NOT NULL,
    trace_id         text        NOT NULL,
    changed_at       timestamptz NOT NULL,
    PRIMARY KEY (lane, authorization_id, version)
);

-- A transaction id is decided once per tenant, for ever. The key is the first half of
-- SHA-256(tenant, transaction id): sixteen bytes keep this largest random index small.
CREATE TABLE decided_transaction (
    transaction_key  uuid     NOT NULL PRIMARY KEY,
    lane             smallint NOT NULL,
    authorization_id uuid     NOT NULL
);

-- Which request was answered how. Rotated by day of database time, so that its random index stays
-- small; around midnight a key is written to both days (see store.c).
CREATE TABLE idempotency_key (
    day              date        NOT NULL,
    key_hash         bytea       NOT NULL,
    fingerprint      bytea       NOT NULL,
    lane             smallint    NOT NULL,
    authorization_id uuid        NOT NULL,
    version          bigint      NOT NULL, -- of the authorization in the answer
    http_status      smallint    NOT NULL,
    shows_reasons    boolean     NOT NULL,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (key_hash, day)
) PARTITION BY RANGE (day);

-- What an insert runs into when the key is there and has not expired.
CREATE FUNCTION idempotency_key_taken() RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
    RAISE unique_violation USING MESSAGE = 'the idempotency key was answered meanwhile';
END $$;

-- Partitions are made and dropped by the service through these, which run as the schema's owner.
CREATE FUNCTION idempotency_key_make_partitions(first_day date, last_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "authorization", pg_temp AS $$
DECLARE
    wanted date;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('idempotency_key_make_partitions'));
    FOR wanted IN SELECT generate_series(first_day, last_day, '1 day')::date LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS idempotency_key_%s PARTITION OF idempotency_key '
                       'FOR VALUES FROM (%L) TO (%L)',
                       to_char(wanted, 'YYYYMMDD'), wanted, wanted + 1);
    END LOOP;
END $$;

CREATE FUNCTION idempotency_key_drop_partitions(before_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "authorization", pg_temp AS $$
DECLARE
    old record;
BEGIN
    FOR old IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'idempotency_key'::regclass
                  AND to_date(right(c.relname, 8), 'YYYYMMDD') < before_day LOOP
        EXECUTE format('DROP TABLE %I', old.relname);
    END LOOP;
END $$;

SELECT idempotency_key_make_partitions((now() AT TIME ZONE 'UTC')::date - 1,
                                       (now() AT TIME ZONE 'UTC')::date + 2);

REVOKE ALL ON FUNCTION idempotency_key_make_partitions, idempotency_key_drop_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION idempotency_key_make_partitions, idempotency_key_drop_partitions
    TO tallystick_authorization;
GRANT SELECT, INSERT, UPDATE ON account, credit_authorization, idempotency_key
    TO tallystick_authorization;
GRANT SELECT, INSERT ON authorization_change, decided_transaction TO tallystick_authorization;
