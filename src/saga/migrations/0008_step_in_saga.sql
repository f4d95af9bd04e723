-- 0008_step_in_saga: the step that a saga is at stands in the saga's own row, and saga_step has
-- those it has left. A booking has one step: no second row, written and then written again.

ALTER TABLE saga
    ADD COLUMN step_state       text,        -- NULL: it ended before, saga_step has all its steps
    ADD COLUMN step_finished_at timestamptz, -- NULL: not finished
    ADD COLUMN step_reason      text,
    ADD CONSTRAINT saga_step_state_check CHECK (step_state IN
        ('pending', 'in_flight', 'done', 'failed', 'unknown', 'compensating', 'compensated',
         'comp_failed', 'skipped')) NOT VALID; -- every row that is written; none of old has one

-- What has not ended will move on, and does so by its own row.
WITH moved AS (
    DELETE FROM saga_step AS gone
     USING saga
     WHERE saga.state IN ('started', 'running', 'compensating', 'stuck')
       AND saga.state <> 'completed' -- so that the index of those that are not is taken
       AND gone.lane = saga.lane AND gone.saga_id = saga.id AND gone.step = saga.step
    RETURNING gone.*)
UPDATE saga
   SET step_state = moved.state, step_finished_at = moved.finished_at, step_reason = moved.reason
  FROM moved
 WHERE saga.lane = moved.lane AND saga.id = moved.saga_id;

-- The steps of sagas, wherever they stand: for whoever reads.
CREATE VIEW every_step AS
SELECT lane, saga_id, step, op, state, command_id, tries, started_at, finished_at, reason
  FROM saga_step
UNION ALL
SELECT lane, id, step,
       CASE WHEN step IN ('release_authorization', 'undo_hold') THEN 'undo' ELSE 'do' END,
       step_state, command_id, tries, step_started_at, step_finished_at, step_reason
  FROM saga
 WHERE step_state IS NOT NULL;

GRANT SELECT ON every_step TO tallystick_saga;
