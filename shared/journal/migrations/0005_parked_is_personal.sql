-- What others published holds no personal data by contract; what could not be read may hold anything.
SET lock_timeout = '2s';
-- pii: whatever arrived
COMMENT ON COLUMN parked.envelope IS 'pii: whatever arrived';
COMMENT ON COLUMN parked.detail IS 'pii: may quote what arrived';
