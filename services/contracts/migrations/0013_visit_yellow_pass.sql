-- The yellow light that a branch manager let pass: who, why, and which reasons of the standing (workforce W7).
SET lock_timeout = '2s';

ALTER TABLE visit ADD COLUMN yellow_pass jsonb CHECK (yellow_pass IS NULL OR worker_id IS NOT NULL);
