-- Whether the end of a hearing rests on a year without an official calendar: it says so wherever it is shown (K13).
-- The rows that were there before had been reckoned within the shipped years.
SET lock_timeout = '2s';

ALTER TABLE penalty ADD COLUMN provisional boolean NOT NULL DEFAULT false;
