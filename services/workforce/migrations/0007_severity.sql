-- Severities are written as support publishes them: one word for one thing.
ALTER TABLE upheld_complaint DROP CONSTRAINT upheld_complaint_severity_check;
UPDATE upheld_complaint SET severity = upper(severity);
ALTER TABLE upheld_complaint ADD CONSTRAINT upheld_complaint_severity_check CHECK (severity IN ('S1', 'S2', 'S3', 'S4'));
