SET lock_timeout = '2s';

-- Up to which number the journal may be told to others, beside the bus, while nobody knows whether the bus agrees with it;
-- NULL where it does. Whoever takes over numbering sets it, an agreement with the stream lifts it: a database that was
-- restored numbers on, but what it numbers under numbers that are taken is told to nobody (events.md §3, §7).
ALTER TABLE relay ADD COLUMN told_to bigint CHECK (told_to >= 0);
