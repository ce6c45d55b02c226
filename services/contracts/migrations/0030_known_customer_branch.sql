-- A customer belongs to a branch, and to another one he is nobody (support.md §2). Of those we were told of before it is
-- not known to which: support's next word on them says it.
SET lock_timeout = '2s';

ALTER TABLE known_customer ADD COLUMN branch_id uuid;
