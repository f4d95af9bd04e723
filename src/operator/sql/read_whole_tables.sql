-- read_whole_tables: plan for whole tables, as verify reads them; services read single rows.
-- column seqscan   text
-- column work_mem  text
-- rows   1
SELECT set_config('enable_seqscan', 'on', true) AS seqscan,
       set_config('work_mem', '64MB', true) AS work_mem;
