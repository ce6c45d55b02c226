-- What 0050 allows holds for every row that is there.
SET lock_timeout = '2s';

ALTER TABLE correction VALIDATE CONSTRAINT correction_kind;
