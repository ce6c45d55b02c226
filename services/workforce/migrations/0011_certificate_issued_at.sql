-- A revocation stands until a certificate that was issued after it: so it must be known when each was.
SET lock_timeout = '2s';

ALTER TABLE certificate ADD COLUMN issued_at timestamptz;
-- Until now the id was made when the certificate was.
UPDATE certificate SET issued_at = COALESCE(uuid_extract_timestamp(id), valid_from::timestamptz);
ALTER TABLE certificate ALTER COLUMN issued_at SET NOT NULL;
