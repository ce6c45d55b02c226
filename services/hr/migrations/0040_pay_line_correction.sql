-- A slip that a later line corrects is asked for its corrections (hr.md H-E29): from the slip to the lines.
SET lock_timeout = '2s';

CREATE INDEX pay_line_correction ON pay_line ((source ->> 'slip')) WHERE source ->> 'of' = 'correction';
