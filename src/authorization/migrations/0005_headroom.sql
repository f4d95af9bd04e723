-- 0005_headroom: what a decision was made on, kept beside what was left after it.
-- No replay is rendered from these: they are for whoever asks later why it was decided so.

ALTER TABLE credit_authorization
    ADD COLUMN limit_minor bigint, -- of the account, at the decision; of an unknown account 0
    ADD COLUMN held_minor  bigint; -- right after it; both NULL where an older version decided
