-- list_story_deeds: what operators have done to dead letters and sagas.
-- param  subjects       uuid[]
-- column subject        uuid
-- column at             timestamptz
-- column action         text
-- column outcome        text
-- column who            text  on whose behalf it was done, or os_user
-- column os_user        text
-- column database_user  text
-- column reason         text  may be empty
-- rows   0 or more
SELECT subject, at, action, detail::jsonb ->> 'outcome',
       coalesce(detail::jsonb ->> 'by', os_user), os_user, database_user, reason
  FROM operator.audit
 WHERE subject = ANY ($1::uuid[])
 ORDER BY seq;
