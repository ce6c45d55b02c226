-- Branches: hr owns them, every other service projects hr.branch.* (hr.md §4). The minimum wage of a branch's city
-- has ranges of its own, because a month of the past is judged by the wage of its time.
SET lock_timeout = '2s';

CREATE TABLE branch (
    id               uuid    PRIMARY KEY,
    code             text    NOT NULL CHECK (code ~ '^[A-Z0-9]{2,8}$'),
    name             text    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    zone             text    NOT NULL,
    city             text    NOT NULL CHECK (length(city) BETWEEN 1 AND 100),
    minimum_wage_fen bigint  NOT NULL CHECK (minimum_wage_fen > 0),
    opened_on        date    NOT NULL,
    closed_on        date    CHECK (closed_on > opened_on),
    version          integer NOT NULL,
    CONSTRAINT branch_code_once UNIQUE (code)
);

CREATE TABLE branch_minimum_wage (
    branch_id        uuid      NOT NULL REFERENCES branch,
    valid            daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    minimum_wage_fen bigint    NOT NULL CHECK (minimum_wage_fen > 0),
    CONSTRAINT branch_minimum_wage_once PRIMARY KEY (branch_id, valid WITHOUT OVERLAPS)
);
