-- A slip is read, and an objection to it is settled by somebody in charge (hr.md §1: issued → read → confirmed / objected →
-- settled). The answer may name the correction that follows from it.
SET lock_timeout = '2s';

ALTER TABLE payslip DROP CONSTRAINT payslip_state_check;
ALTER TABLE payslip DROP CONSTRAINT payslip_answered;
ALTER TABLE payslip
    ADD COLUMN read_at         timestamptz,
    ADD COLUMN settled_at      timestamptz,
    ADD COLUMN settler_user    uuid,
    ADD COLUMN settler_employee uuid,
    -- pii: statement
    ADD COLUMN settlement      text CHECK (length(settlement) BETWEEN 1 AND 2000),
    ADD COLUMN correction_id   uuid REFERENCES correction,
    ADD CONSTRAINT payslip_state CHECK (state IN ('draft', 'issued', 'read', 'confirmed', 'objected', 'settled')),
    ADD CONSTRAINT payslip_read CHECK (CASE state WHEN 'read' THEN read_at IS NOT NULL WHEN 'draft' THEN read_at IS NULL
        WHEN 'issued' THEN read_at IS NULL ELSE true END),
    ADD CONSTRAINT payslip_answered CHECK ((state IN ('confirmed', 'objected', 'settled')) = (answered_at IS NOT NULL)
        AND (state IN ('objected', 'settled')) = (objection IS NOT NULL)),
    ADD CONSTRAINT payslip_settled CHECK ((state = 'settled') = (settled_at IS NOT NULL)
        AND num_nonnulls(settled_at, settler_user, settlement) IN (0, 3)
        AND (settled_at IS NOT NULL OR num_nonnulls(settler_employee, correction_id) = 0)),
    -- Nobody settles what he objects to himself (H4).
    ADD CONSTRAINT payslip_settler_other CHECK (settler_employee IS DISTINCT FROM employee_id);
