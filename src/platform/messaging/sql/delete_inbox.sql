-- delete_inbox: forget events that are older than the bus keeps them.
-- param  consumer_group text
-- param  before         uuid    a version 7 id: those made before its time
-- param  count_max      bigint
DELETE FROM inbox
 WHERE consumer_group = $1::text
   AND event_id = ANY (ARRAY(SELECT oldest.event_id
                               FROM inbox oldest
                              WHERE oldest.consumer_group = $1::text
                                AND oldest.event_id < $2::uuid
                              ORDER BY oldest.event_id
                              LIMIT $3::bigint));
