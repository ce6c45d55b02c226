-- The stored answer is the whole view that was answered: whatever of a person it shows stands here for seven days, and an
-- erasure need not wait longer than that.
SET lock_timeout = '2s';
-- pii: name, phone, address, identity number, pay: any view
COMMENT ON COLUMN idempotency.body IS 'pii: any view, for seven days';
