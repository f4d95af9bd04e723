-- 0007_expired_keys: an expired key is deleted before it is inserted anew, since rows now come by
-- COPY, which knows no ON CONFLICT. idempotency_key_taken() stays for older versions.
GRANT DELETE ON idempotency_key TO tallystick_authorization;
