-- find_saga: one saga, as pairs of a field's name and its value.
-- param  id     uuid
-- column field  text
-- column value  text
-- rows   0 (unknown) or one for each field
SELECT field.key, field.value
  FROM saga.saga AS s, jsonb_each_text(to_jsonb(s)) WITH ORDINALITY AS field
 WHERE s.id = $1
 ORDER BY field.ordinality;
