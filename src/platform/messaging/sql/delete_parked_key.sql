-- delete_parked_key: let a key go once none of its messages waits.
-- param  consumer_group text
-- param  topic          text
-- param  key            uuid
DELETE FROM parked_key
 WHERE consumer_group = $1::text
   AND topic = $2::text
   AND key = $3::uuid
   AND NOT EXISTS (SELECT FROM parked_message m
                    WHERE m.consumer_group = $1::text
                      AND m.topic = $2::text
                      AND m.key = $3::uuid);
