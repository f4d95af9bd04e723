-- set_ledger_account_status: freeze, close or open an account of the ledger alone.
-- param  lane    smallint
-- param  id      uuid
-- param  status  text
-- column status  text
-- rows   0 (its first hold has not come yet) or 1
-- locks  ledger_account
UPDATE ledger.ledger_account
   SET status = $3
 WHERE lane = $1 AND id = $2
RETURNING status;
