SET lock_timeout = '2s';

-- Claims a key for the rest of the transaction, and says what was answered to it before: one round trip of every command.
-- Volatile, so that the record is looked for in a snapshot taken once the lock is held: whoever held it before has committed
-- its record by then. Where somebody else holds the lock there is nothing to be said yet.
CREATE FUNCTION idempotency_claim(
    lock text, of_principal uuid, of_method text, of_path text, of_key text,
    OUT is_first boolean, OUT body_hash bytea, OUT status smallint, OUT etag text, OUT location text, OUT body jsonb)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    is_first := pg_try_advisory_xact_lock(hashtextextended(lock, 0));
    IF is_first THEN
        SELECT i.body_hash, i.status, i.etag, i.location, i.body INTO body_hash, status, etag, location, body
        FROM idempotency AS i
        WHERE i.principal = of_principal AND i.method = of_method AND i.path = of_path AND i.key = of_key;
    END IF;
END $$;
