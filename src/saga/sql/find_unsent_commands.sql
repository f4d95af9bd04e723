-- find_unsent_commands: which of some commands are still in the outbox.
-- param  event_ids uuid[]
-- column id        uuid
-- rows   up to one for each command
SELECT id
  FROM outbox
 WHERE id = ANY ($1::uuid[])
   AND command_id IS NOT NULL;
