-- Corrections of attendance days: one person asks, another one decides (hr.md §1). One that was approved after the
-- month was closed leaves a row for payroll, which calculates that month again (hr.md §3.9).
SET lock_timeout = '2s';

CREATE TABLE correction (
    id                uuid        PRIMARY KEY,
    day_id            uuid        NOT NULL REFERENCES attendance_day,
    employee_id       uuid        NOT NULL REFERENCES employee,
    branch_id         uuid        NOT NULL,
    day               date        NOT NULL,
    kind              text        NOT NULL CHECK (kind IN ('excuse_lateness', 'excuse_absence', 'missing_punch')),
    punch_at          timestamptz,
    -- pii: statement
    reason            text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    state             text        NOT NULL CHECK (state IN ('requested', 'approved', 'refused')),
    requester_user    uuid        NOT NULL,
    requester_employee uuid,
    decider_user      uuid,
    decider_employee  uuid,
    decided_at        timestamptz,
    version           integer     NOT NULL,
    CONSTRAINT correction_punch CHECK ((kind = 'missing_punch') = (punch_at IS NOT NULL)),
    CONSTRAINT correction_decided CHECK ((state = 'requested') = (decided_at IS NULL) AND (decided_at IS NULL) = (decider_user IS NULL)),
    CONSTRAINT correction_four_eyes CHECK (decider_user <> requester_user AND decider_employee IS DISTINCT FROM employee_id
        AND (requester_employee IS NULL OR requester_employee IS DISTINCT FROM decider_employee))
);
CREATE UNIQUE INDEX correction_one_open ON correction (day_id) WHERE state = 'requested';
CREATE INDEX correction_branch ON correction (branch_id, id);
CREATE INDEX correction_employee ON correction (employee_id, id);

CREATE TABLE attendance_adjustment (
    correction_id    uuid        PRIMARY KEY REFERENCES correction,
    day_id           uuid        NOT NULL REFERENCES attendance_day,
    employee_id      uuid        NOT NULL,
    branch_id        uuid        NOT NULL,
    day              date        NOT NULL,
    month            date        NOT NULL CHECK (extract(day FROM month) = 1),
    old_result       text        NOT NULL,
    old_late_minutes bigint      NOT NULL,
    new_result       text        NOT NULL,
    new_late_minutes bigint      NOT NULL,
    approved_at      timestamptz NOT NULL
);
CREATE INDEX attendance_adjustment_month ON attendance_adjustment (month, employee_id);
