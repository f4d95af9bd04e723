-- save_journals: write new journals, each the next of its lane's chain.
-- param  created_at        timestamptz
-- param  lanes             smallint[]
-- param  chain_seqs        bigint[]
-- param  ids               uuid[]
-- param  types             text[]
-- param  authorization_ids uuid[]
-- param  saga_ids          uuid[]
-- param  command_ids       uuid[]
-- param  currencies        text[]
-- param  trace_ids         text[]
-- param  previous_hashes   bytea[]
-- param  hashes            bytea[]
-- rows   0
INSERT INTO journal (lane, chain_seq, id, type, authorization_id, saga_id, command_id, currency,
                     trace_id, previous_hash, hash, created_at)
SELECT *, $1::timestamptz
  FROM unnest($2::smallint[], $3::bigint[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[],
              $8::uuid[], $9::text[], $10::text[], $11::bytea[], $12::bytea[]);
