-- lock_lanes: lock lanes that have something to say, until the transaction ends.
-- param  resting   smallint[]  lanes to leave alone for now
-- param  row_max   bigint      look at so many of the oldest rows
-- param  first     integer     begin at this lane and go round, so that none is always last
-- param  lane_max  bigint      leave the rest to others
-- column lane      smallint
-- locks  outbox_lane; lanes that others hold are passed over
SELECT lane.lane
  FROM outbox_lane lane
 WHERE lane.lane IN (SELECT oldest.lane
                       FROM (SELECT o.lane
                               FROM outbox o
                              WHERE o.lane <> ALL ($1::smallint[])
                              ORDER BY o.seq
                              LIMIT $2::bigint) AS oldest)
 ORDER BY (lane.lane - $3::integer) & 63
 LIMIT $4::bigint
   FOR UPDATE SKIP LOCKED;
