-- set_ledger_account_status: freeze, close or open an account of the ledger alone, and write who
-- did it; all in one, or nothing.
-- param  lane     smallint
-- param  id       uuid
-- param  status   text
-- param  deed_id  uuid
-- param  os_user  text
-- param  by       text  NULL: os_user
-- param  reason   text
-- column outcome  text  set | absent: its first hold has not come yet
-- rows   1
-- locks  the lane's chain head, ledger_account, then the head of the audit
SELECT done.outcome
  FROM ledger.set_account_status($1::smallint, $2::uuid, $3::text, $4::uuid, $5::text, $6::text,
                                 $7::text) AS done (outcome);
