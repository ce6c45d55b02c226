-- Deriving a month again asks of every day that is nobody's any more whether a correction names it.
SET lock_timeout = '2s';

CREATE INDEX correction_day ON correction (day_id);
