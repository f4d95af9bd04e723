-- delete_inbox: forget events that are older than the bus keeps them. Version 7 sorts by time,
-- so the oldest stand first; an id of another kind among them is kept as long as any other. One
-- that is an open dead letter, too, is remembered: a redrive asks for it.
-- param  consumer_group text
-- param  before         uuid    a version 7 id: those made before its time
-- param  age_days       bigint  since they were received
-- param  count_max      bigint
DELETE FROM inbox
 WHERE consumer_group = $1::text
   AND event_id = ANY (ARRAY(SELECT oldest.event_id
                               FROM inbox oldest
                              WHERE oldest.consumer_group = $1::text
                                AND oldest.event_id < $2::uuid
                                AND oldest.received_at
                                    < clock_timestamp() - $3::bigint * interval '1 day'
                                AND NOT EXISTS (SELECT FROM dead_letter letter
                                                 WHERE letter.event_id = oldest.event_id
                                                   AND letter.consumer_group = $1::text
                                                   AND letter.redriven_at IS NULL)
                              ORDER BY oldest.event_id
                              LIMIT $4::bigint));
