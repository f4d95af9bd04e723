-- list_story_sagas: the sagas of an authorization, in the order in which they can begin.
-- param  lane              smallint
-- param  authorization_id  uuid
-- column id                uuid
-- column type              text
-- column state             text
-- column step              text
-- column reason            text         or NULL
-- column tries             integer
-- column command_event_id  uuid         or NULL
-- column deadline_at       timestamptz  or NULL: it waits for no time
-- column started_at        timestamptz
-- column step_started_at   timestamptz
-- column updated_at        timestamptz
-- rows   0 to 2
SELECT id, type, state, step, reason, tries, command_event_id, deadline_at, started_at,
       step_started_at, updated_at
  FROM saga.saga
 WHERE lane = $1::smallint AND authorization_id = $2::uuid
 ORDER BY type;
