-- list_deeds: what operators have done to one thing, the oldest first.
-- param  subject        uuid
-- column at             text
-- column action         text
-- column outcome        text
-- column os_user        text
-- column by             text  on whose behalf; NULL: his own
-- column database_user  text
-- column operation_id   text
-- column reason         text
SELECT to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), a.action,
       a.detail::jsonb ->> 'outcome', a.os_user, a.detail::jsonb ->> 'by', a.database_user,
       a.operation_id::text, a.reason
  FROM operator.audit AS a
 WHERE a.subject = $1
 ORDER BY a.seq;
