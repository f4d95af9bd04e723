-- find_ended_bookings: which authorizations' `authorize` sagas have ended.
-- param  lanes             smallint[]
-- param  authorization_ids uuid[]
-- column authorization_id  uuid
-- column state             text
-- rows   up to one for each authorization
-- OFFSET 0 keeps the planner from starting with all sagas of that type.
SELECT booking.authorization_id, booking.state
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, authorization_id)
 CROSS JOIN LATERAL (
       SELECT saga.authorization_id, saga.state
         FROM saga
        WHERE saga.lane = wanted.lane
          AND saga.authorization_id = wanted.authorization_id
          AND saga.type = 'authorize'
          AND saga.state IN ('completed', 'compensated', 'abandoned')
       OFFSET 0) AS booking;
