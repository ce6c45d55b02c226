-- Policies: versioned rule data with an effective range (requirements.md P3.2-1, P3.4-4). One approved version
-- per kind and scope is in force on any day; a second person approves (access.md §2).
SET lock_timeout = '2s';

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE policy (
    id          uuid        PRIMARY KEY,
    kind        text        NOT NULL CHECK (kind ~ '^[a-z_]+$'),
    branch_id   uuid,
    valid       daterange   NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    state       text        NOT NULL CHECK (state IN ('draft', 'approved', 'withdrawn')),
    clause      text        NOT NULL,
    parameters  jsonb       NOT NULL,
    reason      text        NOT NULL,
    author      uuid        NOT NULL,
    approver    uuid,
    version     integer     NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT policy_approver CHECK ((state = 'approved') = (approver IS NOT NULL)),
    CONSTRAINT policy_in_force_once EXCLUDE USING gist
        (kind WITH =, coalesce(branch_id, '00000000-0000-0000-0000-000000000000'::uuid) WITH =, valid WITH &&) WHERE (state = 'approved')
);
