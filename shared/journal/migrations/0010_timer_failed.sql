-- A timer whose effect failed, and not for a passing reason: seen by operators and by the processes that do not fire.
SET lock_timeout = '2s';
ALTER TABLE timer ADD COLUMN failed_at timestamptz;
