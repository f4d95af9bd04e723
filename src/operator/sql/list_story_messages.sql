-- list_story_messages: what was published about an authorization, where the bus is PostgreSQL.
-- A partition can be found by offset alone, so the first message after each moment is searched by
-- halves: what is published later comes behind.
-- param  partition     smallint
-- param  key           uuid           the account
-- param  subjects      text[]         the authorization and its sagas
-- param  moments       timestamptz[]  after which something was said
-- param  window        bigint         so many messages behind each are looked at
-- column id            uuid
-- column type          text           ce_type, or NULL
-- column topic         text
-- column partition     integer
-- column offset        bigint
-- column published_at  timestamptz
-- column reader        text
-- column before        bigint         what its reader has to read first; below 0: it has read it
-- rows   0 or more
WITH RECURSIVE topic AS (
    SELECT h.topic, h.partition, h.next_offset, reader.name AS reader,
           coalesce(c.next_offset, 0) AS read_offset
      FROM (VALUES ('authorization', 'saga'), ('ledger', 'saga'), ('ledger.commands', 'ledger'),
                   ('authorization.commands', 'authorization')) AS reader (of_topic, name)
      JOIN bus.bus_partition AS h
        ON substring(h.topic FROM '^[^.]+\.(.+)\.v1$') = reader.of_topic
       AND h.partition = $1::smallint
      LEFT JOIN bus.bus_cursor AS c
        ON c.consumer_group = reader.name AND c.topic = h.topic AND c.partition = h.partition
), place AS (
    SELECT t.topic, t.partition, moment.at, coalesce(oldest."offset", t.next_offset) AS low,
           t.next_offset AS high
      FROM topic AS t
     CROSS JOIN unnest($4::timestamptz[]) AS moment (at)
      LEFT JOIN LATERAL (SELECT m."offset"
                           FROM bus.bus_message AS m
                          WHERE m.topic = t.topic AND m.partition = t.partition
                          ORDER BY m."offset"
                          LIMIT 1) AS oldest ON true
    UNION ALL
    SELECT p.topic, p.partition, p.at,
           CASE WHEN m.published_at < p.at THEN m."offset" + 1 ELSE p.low END,
           CASE WHEN m.published_at < p.at THEN p.high ELSE m."offset" END
      FROM place AS p
      JOIN bus.bus_message AS m ON m.topic = p.topic AND m.partition = p.partition
                               AND m."offset" = (p.low + p.high) / 2
     WHERE p.low < p.high
)
SELECT DISTINCT ON (m.topic, m."offset")
       m.id, substring(m.headers FROM '"ce_type" *: *"([^"\\]*)"'), m.topic, m.partition::integer,
       m."offset", m.published_at, t.reader, m."offset" - t.read_offset
  FROM place AS p
  JOIN topic AS t ON t.topic = p.topic
  JOIN bus.bus_message AS m ON m.topic = p.topic AND m.partition = p.partition
                           AND m."offset" >= p.low AND m."offset" < p.low + $5::bigint
 WHERE p.low = p.high AND m.key = $2::uuid
   AND EXISTS (SELECT FROM unnest($3::text[]) AS wanted (id) WHERE strpos(m.headers, wanted.id) > 0)
 ORDER BY m.topic, m."offset";
