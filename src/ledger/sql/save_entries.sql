-- save_entries: write the entries of new journals, all in one COPY: its trigger sums them.
-- copied lane              smallint
-- copied chain_seq         bigint
-- copied line              smallint
-- copied ledger_account_id uuid
-- copied side              text
-- copied layer             text
-- copied amount_minor      bigint
-- copied currency          text
-- rows   none
-- locks  nothing that others wait for: the lane's chain head is locked
COPY entry
     (lane, chain_seq, line, ledger_account_id, side, layer, amount_minor, currency)
FROM STDIN (FORMAT binary);
