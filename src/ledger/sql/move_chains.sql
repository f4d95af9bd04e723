-- move_chains: the newest journal of each lane is now another.
-- param  lanes      smallint[]
-- param  chain_seqs bigint[]
-- param  hashes     bytea[]
-- rows   0
UPDATE chain_head AS h
   SET chain_seq = moved.chain_seq, hash = moved.hash
  FROM unnest($1::smallint[], $2::bigint[], $3::bytea[]) AS moved (lane, chain_seq, hash)
 WHERE h.lane = moved.lane;
