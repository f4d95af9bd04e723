-- lock_chains: lock the chain heads of a batch's lanes until the SQL transaction ends.
-- param  lanes     smallint[]
-- column lane      smallint
-- column chain_seq bigint
-- column hash      bytea
-- rows   one per lane
-- locks  chain_head, ascending, always before ledger_account
SELECT lane, chain_seq, hash
  FROM chain_head
 WHERE lane = ANY ($1::smallint[])
 ORDER BY lane
   FOR NO KEY UPDATE;
