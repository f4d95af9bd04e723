-- find_balance: an account's status and its sums of debits and credits in each layer.
-- param  lane                 smallint
-- param  ledger_account_id    uuid
-- column code                 text
-- column status               text
-- column currency             text
-- column pending_debit_minor  bigint
-- column pending_credit_minor bigint
-- column posted_debit_minor   bigint
-- column posted_credit_minor  bigint
-- rows   0 (unknown account) or 1
SELECT a.code, a.status, a.currency,
       coalesce(pending.debit_minor, 0) AS pending_debit_minor,
       coalesce(pending.credit_minor, 0) AS pending_credit_minor,
       coalesce(posted.debit_minor, 0) AS posted_debit_minor,
       coalesce(posted.credit_minor, 0) AS posted_credit_minor
  FROM ledger_account AS a
  LEFT JOIN balance AS pending
    ON pending.lane = a.lane AND pending.ledger_account_id = a.id
   AND pending.currency = a.currency AND pending.layer = 'pending'
  LEFT JOIN balance AS posted
    ON posted.lane = a.lane AND posted.ledger_account_id = a.id
   AND posted.currency = a.currency AND posted.layer = 'posted'
 WHERE a.lane = $1::smallint AND a.id = $2::uuid;
