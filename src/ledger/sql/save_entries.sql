-- save_entries: write the entries of new journals, all in one INSERT: its trigger sums them.
-- param  lanes              smallint[]
-- param  chain_seqs         bigint[]
-- param  lines              smallint[]
-- param  ledger_account_ids uuid[]
-- param  sides              text[]
-- param  layers             text[]
-- param  amounts_minor      bigint[]
-- param  currencies         text[]
-- rows   0
INSERT INTO entry (lane, chain_seq, line, ledger_account_id, side, layer, amount_minor, currency)
SELECT *
  FROM unnest($1::smallint[], $2::bigint[], $3::smallint[], $4::uuid[], $5::text[], $6::text[],
              $7::bigint[], $8::text[]);
