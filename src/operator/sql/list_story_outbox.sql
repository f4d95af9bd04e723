-- list_story_outbox: what services have said about an authorization and nobody has published yet.
-- param  subjects    uuid[]  the authorization and its sagas
-- column room        text
-- column id          uuid
-- column type        text
-- column before      bigint  events of its lane that go out before it
-- column created_at  timestamptz
-- rows   0 or more
SELECT o.room, o.id, o.type, o.before, o.created_at
  FROM (SELECT 'authorization' AS room, id, type, created_at, aggregateid,
               row_number() OVER (PARTITION BY lane ORDER BY seq) - 1 AS before
          FROM "authorization".outbox
        UNION ALL
        SELECT 'saga', id, type, created_at, aggregateid,
               row_number() OVER (PARTITION BY lane ORDER BY seq) - 1
          FROM saga.outbox
        UNION ALL
        SELECT 'ledger', id, type, created_at, aggregateid,
               row_number() OVER (PARTITION BY lane ORDER BY seq) - 1
          FROM ledger.outbox) AS o
 WHERE o.aggregateid = ANY ($1::uuid[])
 ORDER BY o.created_at;
