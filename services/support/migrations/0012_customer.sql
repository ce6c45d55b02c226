-- Customers in households (support.md §2). Personal columns are marked; they are not encrypted yet, so the unique index
-- stands on the normalised number itself until its hash takes its place.
SET lock_timeout = '2s';

CREATE TABLE household (
    id        uuid PRIMARY KEY,
    branch_id uuid NOT NULL,
    place     text NOT NULL, -- pii: address
    area_code text,
    CONSTRAINT household_of_branch UNIQUE (id, branch_id)
);

CREATE TABLE customer (
    id            uuid        PRIMARY KEY,
    branch_id     uuid        NOT NULL,
    household_id  uuid        NOT NULL,
    name          text        NOT NULL, -- pii: name
    source_code   text        NOT NULL,
    came_for      text        NOT NULL, -- pii: free text
    first_touch   text        NOT NULL CHECK (first_touch IN ('call', 'visit', 'web')),
    call_id       uuid,
    registered_by uuid,
    registered_at timestamptz NOT NULL,
    state         text        NOT NULL CHECK (state IN ('prospect', 'active', 'dormant', 'blocked')),
    blocked_for   text,
    version       integer     NOT NULL,
    CONSTRAINT customer_household FOREIGN KEY (household_id, branch_id) REFERENCES household (id, branch_id),
    CONSTRAINT customer_blocked CHECK ((state = 'blocked') = (blocked_for IS NOT NULL))
);
CREATE INDEX customer_branch ON customer (branch_id, id);
CREATE INDEX customer_name ON customer (branch_id, name text_pattern_ops);
CREATE INDEX customer_household_member ON customer (household_id);

CREATE TABLE contact_point (
    id          uuid        PRIMARY KEY,
    customer_id uuid        NOT NULL REFERENCES customer (id),
    branch_id   uuid        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('phone', 'email')),
    normalised  text        NOT NULL, -- pii: phone, email
    rank        text        NOT NULL CHECK (rank IN ('primary', 'further')),
    verified_at timestamptz,
    opt_in      text        NOT NULL CHECK (opt_in IN ('yes', 'no'))
);
-- Customers belong to a branch: a network-wide index would tell one branch that another knows somebody.
CREATE UNIQUE INDEX customer_phone_once ON contact_point (branch_id, normalised) WHERE kind = 'phone' AND rank = 'primary';
CREATE UNIQUE INDEX contact_point_primary ON contact_point (customer_id, kind) WHERE rank = 'primary';
CREATE UNIQUE INDEX contact_point_once ON contact_point (customer_id, kind, normalised);
CREATE INDEX contact_point_phone ON contact_point (branch_id, normalised);
