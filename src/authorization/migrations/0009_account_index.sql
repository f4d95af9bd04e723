-- 0009_account_index: an account's authorizations without their lane, which follows from the
-- account: entries of 40 bytes instead of 48, and an index that nobody can mistake for the primary
-- key. With the lane in front, plans made while the table was small took it to find one (lane, id),
-- which reads a whole lane.
DROP INDEX credit_authorization_of_account;
CREATE INDEX credit_authorization_of_account ON credit_authorization (account_id, id);
