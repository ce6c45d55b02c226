-- Why a visit needs somebody else: what a standing took away a newer one gives back; a worker who could not come is
-- sent again by nobody but a person.
SET lock_timeout = '2s';

ALTER TABLE visit ADD COLUMN cause text CHECK (cause IN ('standing', 'worker'));
-- Of the visits that wait now nothing says why: a person decides.
UPDATE visit SET cause = 'worker' WHERE state = 'needs_replacement';
ALTER TABLE visit ADD CONSTRAINT visit_cause CHECK ((state = 'needs_replacement') = (cause IS NOT NULL)) NOT VALID;
