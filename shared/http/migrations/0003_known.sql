-- What every service knows of hr's branches and employees: projections of hr.branch.* and hr.employee.*
-- (architecture.md §3). No name stands here: an event carries none.
SET lock_timeout = '2s';

CREATE TABLE known_branch (
    id               uuid   PRIMARY KEY,
    code             text   NOT NULL,
    zone             text   NOT NULL,
    city             text   NOT NULL,
    minimum_wage_fen bigint NOT NULL CHECK (minimum_wage_fen >= 0),
    closed_on        date
);

CREATE TABLE known_employee (
    id           uuid NOT NULL PRIMARY KEY,
    branch_id    uuid NOT NULL,
    position     text NOT NULL,
    state        text NOT NULL CHECK (state IN ('employed', 'suspended', 'left')),
    effective_on date NOT NULL
);
CREATE INDEX known_employee_branch ON known_employee (branch_id, position) WHERE state = 'employed';
