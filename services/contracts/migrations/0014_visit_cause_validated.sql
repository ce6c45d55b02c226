-- Every visit that waits for somebody else says why, the old ones too.
SET lock_timeout = '2s';

ALTER TABLE visit VALIDATE CONSTRAINT visit_cause;
