-- A change of an employee whose day has not come is a plan: it changes nothing before its day (hr.md §1). It stands in
-- the employee's own row, so there is never more than one of a person, and whoever holds the row holds the plan too; a
-- table of its own would be read by a join, and a join does not see what a lock has waited for.
--
-- Somebody hired for a later day is `hired` until then: his employment has its range of days, and nobody is told of
-- him before he begins. One who never begins has left on the day he would have come.
SET lock_timeout = '2s';

ALTER TABLE employee DROP CONSTRAINT employee_state_check;
ALTER TABLE employee DROP CONSTRAINT employee_check;
ALTER TABLE employee
    ADD COLUMN planned_change    text,
    ADD COLUMN planned_on        date,
    ADD COLUMN planned_branch_id uuid REFERENCES branch,
    ADD COLUMN planned_position  text,
    ADD COLUMN planned_contract_ends_on date,
    ADD CONSTRAINT employee_state CHECK (state IN ('hired', 'active', 'suspended', 'left')),
    ADD CONSTRAINT employee_left_on CHECK (left_on >= hired_on),
    ADD CONSTRAINT employee_plan CHECK ((planned_change IS NULL) = (planned_on IS NULL)),
    -- The only changes of one who left and of one who has not begun.
    ADD CONSTRAINT employee_plan_change CHECK (CASE state
        WHEN 'hired' THEN planned_change IS NOT NULL AND planned_change = 'begin' AND planned_on = hired_on
        WHEN 'left' THEN planned_change IS NULL OR planned_change = 'rehire'
        ELSE planned_change IS NULL OR planned_change IN ('transfer', 'suspend', 'reinstate', 'leave') END),
    ADD CONSTRAINT employee_plan_in_order CHECK (planned_on >= changed_on),
    ADD CONSTRAINT employee_plan_place CHECK (coalesce(planned_change IN ('transfer', 'rehire'), false) = (planned_branch_id IS NOT NULL)),
    ADD CONSTRAINT employee_plan_position CHECK (CASE planned_change
        WHEN 'transfer' THEN true WHEN 'rehire' THEN planned_position IS NOT NULL ELSE planned_position IS NULL END),
    ADD CONSTRAINT employee_plan_contract CHECK (planned_contract_ends_on IS NULL OR planned_change = 'rehire');
