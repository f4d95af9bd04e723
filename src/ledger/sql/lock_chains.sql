-- lock_chains: lock the chain heads of a batch's lanes until the SQL transaction ends.
-- param  lanes     smallint[]
-- column lane      smallint
-- column chain_seq bigint
-- column hash      bytea
-- column waited_us bigint
-- rows   one per lane, in the order of the locks: the last one's waited_us is the whole wait
-- locks  chain_head, ascending; who sets the status of a ledger_account locks it too
WITH locked AS MATERIALIZED (
    SELECT lane, chain_seq, hash
      FROM chain_head
     WHERE lane = ANY ($1::smallint[])
     ORDER BY lane
       FOR NO KEY UPDATE
)
SELECT lane, chain_seq, hash,
       (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000000)::bigint
           AS waited_us
  FROM locked;
