-- Pay profiles: what somebody is paid by, from a day on. Two approved ones never overlap; drafts may, and
-- WITHOUT OVERLAPS takes no condition, hence EXCLUDE (hr.md §1).
SET lock_timeout = '2s';

CREATE TABLE pay_profile (
    id                uuid        PRIMARY KEY,
    employee_id       uuid        NOT NULL REFERENCES employee,
    valid             daterange   NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    kind              text        NOT NULL CHECK (kind IN ('salaried', 'by_visit')),
    -- pii: pay
    base_fen          bigint      CHECK (base_fen > 0),
    -- The first day of full pay.
    probation_ends_on date,
    probation_bp      integer     CHECK (probation_bp BETWEEN 0 AND 10000),
    -- Absent: the rate of the pay policy.
    commission_bp     integer     CHECK (commission_bp BETWEEN 0 AND 10000),
    bonus_base_fen    bigint      CHECK (bonus_base_fen >= 0),
    state             text        NOT NULL CHECK (state IN ('draft', 'approved')),
    author_user       uuid        NOT NULL,
    author_employee   uuid,
    approver_user     uuid,
    approver_employee uuid,
    approved_at       timestamptz,
    version           integer     NOT NULL,
    CONSTRAINT pay_profile_approved_once EXCLUDE USING gist (employee_id WITH =, valid WITH &&) WHERE (state = 'approved'),
    CONSTRAINT pay_profile_kind CHECK ((kind = 'salaried') = (base_fen IS NOT NULL)),
    CONSTRAINT pay_profile_probation CHECK ((probation_ends_on IS NULL) = (probation_bp IS NULL)),
    CONSTRAINT pay_profile_probation_inside CHECK (probation_ends_on > lower(valid)),
    CONSTRAINT pay_profile_by_visit CHECK (kind = 'salaried' OR (probation_bp IS NULL AND bonus_base_fen IS NULL)),
    CONSTRAINT pay_profile_approved CHECK ((state = 'approved') = (approved_at IS NOT NULL)),
    CONSTRAINT pay_profile_approver CHECK ((approved_at IS NULL) = (approver_user IS NULL)),
    CONSTRAINT pay_profile_four_eyes CHECK (approver_user <> author_user AND approver_employee IS DISTINCT FROM employee_id
        AND (author_employee IS NULL OR author_employee IS DISTINCT FROM approver_employee) AND author_employee IS DISTINCT FROM employee_id)
);
CREATE INDEX pay_profile_employee ON pay_profile (employee_id, id);
