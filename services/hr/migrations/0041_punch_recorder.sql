-- Who recorded a punch: an input of the pay run that he does not approve (hr.md H4). Absent where a device did it, through
-- the integration client, and of punches from before this was kept.
SET lock_timeout = '2s';

ALTER TABLE punch
    ADD COLUMN recorder_user     uuid,
    ADD COLUMN recorder_employee uuid,
    ADD CONSTRAINT punch_recorder CHECK (recorder_user IS NOT NULL OR recorder_employee IS NULL),
    -- Nobody records his own punch by hand.
    ADD CONSTRAINT punch_recorder_other CHECK (recorder_employee IS DISTINCT FROM employee_id);
-- Freezing a run asks for the few that a person has typed, not for the many of devices.
CREATE INDEX punch_recorded_by_hand ON punch (employee_id, at) WHERE recorder_user IS NOT NULL;
