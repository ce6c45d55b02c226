-- Notes and evidence are read in pages, which go by id; nobody reads them by their time.
SET lock_timeout = '2s';

DROP INDEX complaint_evidence_complaint;
DROP INDEX complaint_note_complaint;
CREATE INDEX complaint_evidence_page ON complaint_evidence (complaint_id, id);
CREATE INDEX complaint_note_page ON complaint_note (complaint_id, id);
