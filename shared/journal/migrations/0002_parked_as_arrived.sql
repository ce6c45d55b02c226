-- A parked event is kept exactly as it arrived: jsonb refuses what JSON allows (\u0000, huge exponents), and an
-- event that cannot even be parked would stop its reader for ever.
SET lock_timeout = '2s';
ALTER TABLE parked ALTER COLUMN envelope TYPE json USING envelope::json;
