-- insert_messages: append messages at offsets of locked partitions.
-- copied topic     text
-- copied partition smallint
-- copied offset    bigint
-- copied key       uuid
-- copied id        uuid
-- copied headers   text
-- copied payload   text
COPY bus.bus_message (topic, partition, "offset", key, id, headers, payload)
FROM STDIN (FORMAT binary);
