-- open_accounts: open the ledger accounts that a batch needs and that are not there yet; the lane's
-- chain head is locked, so nobody else opens them.
-- param  lanes        smallint[]
-- param  ids          uuid[]
-- param  codes        text[]
-- param  kinds        text[]
-- param  currencies   text[]
-- param  normal_sides text[]
-- rows   0
INSERT INTO ledger_account (lane, id, code, kind, currency, normal_side)
SELECT *
  FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]);
