-- Who stands behind the accounts that write and approve policies: two accounts of one person are one person
-- (access.md, separation of duties), so the account alone does not say whether somebody approves his own draft.
SET lock_timeout = '2s';

ALTER TABLE policy ADD COLUMN author_employee uuid, ADD COLUMN approver_employee uuid;
