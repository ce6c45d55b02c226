-- What was sold before a service was retired is still to be done, by whoever is certified then: its standings go on
-- as before, so nobody asks when it was retired.
SET lock_timeout = '2s';

ALTER TABLE known_service DROP COLUMN retired_from;
