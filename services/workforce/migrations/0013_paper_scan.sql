-- One scan is one paper: registered again it would prove the same thing twice, or for two people. What was registered
-- so before this rule stays as it is.
SET lock_timeout = '2s';

ALTER TABLE compliance_paper ADD COLUMN is_repeated boolean NOT NULL DEFAULT false;
UPDATE compliance_paper p SET is_repeated = true
WHERE EXISTS (SELECT FROM compliance_paper q WHERE q.file_sha256 = p.file_sha256 AND q.id < p.id);
CREATE UNIQUE INDEX compliance_paper_scan ON compliance_paper (file_sha256)
    WHERE state IN ('submitted', 'verified') AND NOT is_repeated;
