-- Pay entries: what a month pays on top, as one enters it and another one approves it (H4).
SET lock_timeout = '2s';

CREATE TABLE pay_entry (
    id                uuid        PRIMARY KEY,
    employee_id       uuid        NOT NULL REFERENCES employee,
    month             date        NOT NULL CHECK (extract(day FROM month) = 1),
    kind              text        NOT NULL CHECK (kind IN ('bonus', 'allowance')),
    -- pii: pay
    amount_fen        bigint      NOT NULL CHECK (amount_fen > 0),
    -- pii: statement
    reason            text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    state             text        NOT NULL CHECK (state IN ('draft', 'approved')),
    author_user       uuid        NOT NULL,
    author_employee   uuid,
    approver_user     uuid,
    approver_employee uuid,
    approved_at       timestamptz,
    version           integer     NOT NULL,
    CONSTRAINT pay_entry_approved CHECK ((state = 'approved') = (approved_at IS NOT NULL) AND (approved_at IS NULL) = (approver_user IS NULL)),
    CONSTRAINT pay_entry_four_eyes CHECK (approver_user <> author_user AND approver_employee IS DISTINCT FROM employee_id
        AND (author_employee IS NULL OR author_employee IS DISTINCT FROM approver_employee) AND author_employee IS DISTINCT FROM employee_id)
);
CREATE INDEX pay_entry_employee ON pay_entry (employee_id, id);
CREATE INDEX pay_entry_month ON pay_entry (month) WHERE state = 'approved';
