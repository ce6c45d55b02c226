-- Employees: who, employed when, and where as what. The two foreign keys between employment and assignment hold
-- each other: nobody is assigned outside of his employment, and no day of it is without a branch (hr.md §1).
SET lock_timeout = '2s';

CREATE TABLE employee (
    id          uuid    PRIMARY KEY,
    -- pii: identity
    name        text    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    branch_id   uuid    NOT NULL REFERENCES branch,
    position    text    NOT NULL,
    state       text    NOT NULL CHECK (state IN ('active', 'suspended', 'left')),
    hired_on    date    NOT NULL,
    left_on     date    CHECK (left_on > hired_on),
    -- The contract in force; open-ended without an end.
    contract_ends_on date CHECK (contract_ends_on >= hired_on),
    changed_on  date    NOT NULL,
    version     integer NOT NULL,
    CONSTRAINT employee_left CHECK ((state = 'left') = (left_on IS NOT NULL))
);
CREATE INDEX employee_branch ON employee (branch_id, id);

CREATE TABLE employment (
    employee_id uuid      NOT NULL REFERENCES employee DEFERRABLE INITIALLY DEFERRED,
    valid       daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    contract_ends_on date,
    CONSTRAINT employment_no_overlap PRIMARY KEY (employee_id, valid WITHOUT OVERLAPS)
);

CREATE TABLE assignment (
    id          uuid      NOT NULL UNIQUE,
    employee_id uuid      NOT NULL,
    branch_id   uuid      NOT NULL REFERENCES branch,
    position    text      NOT NULL,
    valid       daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    CONSTRAINT assignment_no_overlap PRIMARY KEY (employee_id, valid WITHOUT OVERLAPS),
    CONSTRAINT assignment_while_employed FOREIGN KEY (employee_id, PERIOD valid)
        REFERENCES employment (employee_id, PERIOD valid) DEFERRABLE INITIALLY DEFERRED
);
ALTER TABLE employment ADD CONSTRAINT employment_without_gap FOREIGN KEY (employee_id, PERIOD valid)
    REFERENCES assignment (employee_id, PERIOD valid) DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX assignment_branch ON assignment USING gist (branch_id, valid);

-- Days on which somebody may not work, and is not scheduled.
CREATE TABLE suspension (
    employee_id uuid      NOT NULL REFERENCES employee,
    valid       daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    CONSTRAINT suspension_no_overlap PRIMARY KEY (employee_id, valid WITHOUT OVERLAPS)
);
