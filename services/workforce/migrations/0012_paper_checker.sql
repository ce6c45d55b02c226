-- Who checked a paper, as a person: two accounts of one employee are one (access.md, separation of duties).
SET lock_timeout = '2s';

ALTER TABLE compliance_paper ADD COLUMN checked_employee uuid;
