-- 0001_operator: what operators have done, and what they look at over all services.

-- Written once, in the SQL transaction of the deed, by whatever does it; each row covers the one
-- before it by its hash. What it says of itself (seq to database_user, both hashes) is filled in
-- below, whatever was given.
CREATE TABLE audit (
    seq           bigint      PRIMARY KEY CHECK (seq > 0), -- without a gap
    at            timestamptz NOT NULL,
    database_user text        NOT NULL, -- who had logged in to PostgreSQL
    os_user       text        NOT NULL, -- whom the tool ran as, by its own word
    action        text        NOT NULL, -- dead_letter.redrive
    subject       uuid        NOT NULL, -- what it was done to
    operation_id  uuid        NOT NULL, -- the same for all that was done by one command
    reason        text        NOT NULL, -- why, in the operator's words; may be empty
    detail        text        NOT NULL, -- JSON
    previous_hash bytea       NOT NULL CHECK (length(previous_hash) = 32),
    hash          bytea       NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX audit_of_subject ON audit (subject, seq);

CREATE TABLE audit_head (
    is_the_only_one boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_one),
    seq             bigint  NOT NULL,
    hash            bytea   NOT NULL CHECK (length(hash) = 32)
);
INSERT INTO audit_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- What a row's hash is made of: no two rows have the same text.
CREATE FUNCTION audit_text(a audit) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array('tallystick.audit.v1', a.seq,
                             (extract(epoch FROM a.at) * 1000000)::bigint, a.database_user,
                             a.os_user, a.action, a.subject, a.operation_id, a.reason, a.detail,
                             encode(a.previous_hash, 'hex'))::text
$$;

CREATE FUNCTION seal_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    head operator.audit_head;
BEGIN
    SELECT * INTO head FROM operator.audit_head FOR UPDATE;
    NEW.seq := head.seq + 1;
    NEW.at := clock_timestamp();
    NEW.database_user := session_user;
    NEW.previous_hash := head.hash;
    NEW.hash := sha256(convert_to(operator.audit_text(NEW), 'UTF8'));
    UPDATE operator.audit_head SET seq = NEW.seq, hash = NEW.hash;
    RETURN NEW;
END $$;
ALTER FUNCTION seal_audit() SET search_path = operator, pg_catalog, pg_temp;

CREATE TRIGGER audit_is_sealed BEFORE INSERT ON audit
    FOR EACH ROW EXECUTE FUNCTION seal_audit();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %: what operators have done is never changed, only added to', TG_OP,
        TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER audit_is_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Each row with the hash that follows from what is stored, and the hash of the row before it. All
-- is well where hash = recomputed_hash and previous_hash = hash_before and seq = seq_before + 1.
CREATE VIEW audit_link AS
SELECT a.seq, a.hash, a.previous_hash,
       sha256(convert_to(audit_text(a), 'UTF8')) AS recomputed_hash,
       coalesce(lag(a.hash) OVER (ORDER BY a.seq), decode(repeat('00', 32), 'hex')) AS hash_before,
       coalesce(lag(a.seq) OVER (ORDER BY a.seq), 0) AS seq_before
  FROM audit AS a;

-- ---- over all services -------------------------------------------------------------------------

CREATE VIEW dead_letter AS
SELECT 'authorization' AS room, l.* FROM "authorization".dead_letter AS l
UNION ALL
SELECT 'ledger', l.* FROM ledger.dead_letter AS l
UNION ALL
SELECT 'saga', l.* FROM saga.dead_letter AS l;

CREATE VIEW parked_message AS
SELECT 'authorization' AS room, m.* FROM "authorization".parked_message AS m
UNION ALL
SELECT 'ledger', m.* FROM ledger.parked_message AS m
UNION ALL
SELECT 'saga', m.* FROM saga.parked_message AS m;

CREATE VIEW inbox AS
SELECT 'authorization' AS room, i.* FROM "authorization".inbox AS i
UNION ALL
SELECT 'ledger', i.* FROM ledger.inbox AS i
UNION ALL
SELECT 'saga', i.* FROM saga.inbox AS i;
