-- The end of a certificate is announced once for each threshold (workforce.md W9): the smallest one that was.
SET lock_timeout = '2s';

ALTER TABLE certificate
    -- Days before the end; 0 once it was said that it has ended.
    ADD COLUMN told_days integer CHECK (told_days >= 0);
