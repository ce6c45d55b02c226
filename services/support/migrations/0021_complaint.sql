-- Complaints (support.md §5): one small row each, which carries the version that guards everything below it; what
-- grows stands in tables of its own. What a client says or wants is kept apart from the row, as personal data.
SET lock_timeout = '2s';

-- C14 in the database: whoever writes a finding, its shares are 100 together.
CREATE FUNCTION complaint_share_sum(smallint[]) RETURNS bigint
    LANGUAGE sql IMMUTABLE AS 'SELECT coalesce(sum(pct), 0) FROM unnest($1) AS pct';

CREATE TABLE complaint (
    id                uuid        PRIMARY KEY,
    branch_id         uuid        NOT NULL,
    no                text        NOT NULL,
    channel           text        NOT NULL,
    complainant       text        NOT NULL CHECK (complainant IN ('customer', 'sales_staff', 'other')),
    about             text        NOT NULL,
    about_employee_id uuid,
    category          text        NOT NULL,
    customer_id       uuid,
    call_id           uuid,
    contract_id       uuid,
    visit_id          uuid,
    service_code      text,
    receiver_id       uuid        NOT NULL,
    owner_id          uuid        NOT NULL,
    offered_to        uuid,
    recap_at          timestamptz,
    severity          text        CHECK (severity IN ('S1', 'S2', 'S3', 'S4')),
    class             text        CHECK (class IN ('ordinary', 'major', 'invalid')),
    policy_version    uuid,
    apologised_at     timestamptz,
    level             smallint    CHECK (level BETWEEN 2 AND 4),
    level_cause       text,
    level_asked       uuid,
    due_ack_at        timestamptz,
    acknowledged_at   timestamptz,
    remedy            text,
    remedy_fen        bigint      CHECK (remedy_fen >= 0),
    remedy_done_at    timestamptz,
    assurance         text        NOT NULL CHECK (assurance IN ('promised', 'answered', 'lapsed', 'settled')),
    broken_promises   integer     NOT NULL CHECK (broken_promises >= 0),
    cycle_no          integer     NOT NULL CHECK (cycle_no >= 1),
    cycle_from        timestamptz NOT NULL,
    registered_at     timestamptz NOT NULL,
    state             text        NOT NULL CHECK (state IN ('registered', 'triaged', 'investigating', 'proposing', 'awaiting_decision',
                                                            'implementing', 'replied', 'following_up', 'closed')),
    outcome           text        CHECK (outcome IN ('resolved', 'goodwill', 'unfounded', 'withdrawn', 'external_dispute')),
    closed_at         timestamptz,
    version           integer     NOT NULL,
    CONSTRAINT complaint_no UNIQUE (no),
    -- C2: the one complained about never owns the case.
    CONSTRAINT complaint_owner_not_accused CHECK (owner_id <> about_employee_id),
    CONSTRAINT complaint_triaged CHECK ((severity IS NULL) = (class IS NULL) AND (severity IS NULL) = (policy_version IS NULL)),
    CONSTRAINT complaint_graded CHECK (severity IS NOT NULL OR state IN ('registered', 'closed')),
    CONSTRAINT complaint_closed CHECK ((state = 'closed') = (closed_at IS NOT NULL) AND (state = 'closed') = (outcome IS NOT NULL)),
    CONSTRAINT complaint_level CHECK ((level IS NULL) = (due_ack_at IS NULL)),
    CONSTRAINT complaint_remedy CHECK ((remedy IS NULL) = (remedy_fen IS NULL)),
    -- C1: while the customer waits he has a promise or an answer, or one was broken.
    CONSTRAINT complaint_assured CHECK (assurance <> 'settled' OR state IN ('replied', 'following_up', 'closed'))
);
CREATE INDEX complaint_branch ON complaint (branch_id, id);
CREATE INDEX complaint_open ON complaint (branch_id, state, id) WHERE state <> 'closed';
CREATE INDEX complaint_owner ON complaint (owner_id, id);
CREATE INDEX complaint_offered ON complaint (offered_to) WHERE offered_to IS NOT NULL;
CREATE INDEX complaint_about ON complaint (about_employee_id, id) WHERE about_employee_id IS NOT NULL;
CREATE INDEX complaint_customer ON complaint (branch_id, customer_id, registered_at) WHERE customer_id IS NOT NULL;

-- What the customer said and wants.
CREATE TABLE complaint_text (
    complaint_id  uuid PRIMARY KEY REFERENCES complaint (id),
    branch_id     uuid NOT NULL,
    -- pii: free text
    verbatim      text NOT NULL CHECK (length(verbatim) BETWEEN 1 AND 4000),
    -- pii: free text
    remedy_sought text NOT NULL CHECK (length(remedy_sought) BETWEEN 1 AND 4000)
);

-- The number of the branch's day: given in the transaction of the registration, so one that is rolled back gives
-- its number to the next; gaps are not promised away.
CREATE TABLE complaint_number (
    branch_id uuid    NOT NULL,
    on_date   date    NOT NULL,
    last      integer NOT NULL CHECK (last >= 1),
    PRIMARY KEY (branch_id, on_date)
);

-- The finding in force, and the one that waits for a second person; earlier ones are in the journal.
CREATE TABLE complaint_finding (
    complaint_id    uuid       NOT NULL REFERENCES complaint (id),
    role            text       NOT NULL CHECK (role IN ('present', 'proposed')),
    branch_id       uuid       NOT NULL,
    finding         text       NOT NULL CHECK (finding IN ('company', 'worker', 'shared', 'customer', 'third_party', 'unfounded')),
    basis_code      text       NOT NULL,
    parties         text[]     NOT NULL,
    employees       uuid[]     NOT NULL,
    pcts            smallint[] NOT NULL,
    first_user      uuid       NOT NULL,
    first_employee  uuid,
    second_user     uuid,
    second_employee uuid,
    PRIMARY KEY (complaint_id, role),
    CONSTRAINT complaint_finding_parts CHECK (cardinality(parties) = cardinality(pcts) AND cardinality(parties) = cardinality(employees)),
    CONSTRAINT complaint_finding_shares CHECK (complaint_share_sum(pcts) = CASE WHEN finding = 'unfounded' THEN 0 ELSE 100 END)
);
CREATE INDEX complaint_finding_employees ON complaint_finding USING gin (employees);

-- What could put it right, best first; one numbering per cycle.
CREATE TABLE complaint_proposal (
    complaint_id uuid     NOT NULL REFERENCES complaint (id),
    cycle_no     integer  NOT NULL,
    rank         smallint NOT NULL CHECK (rank >= 1),
    branch_id    uuid     NOT NULL,
    remedy       text     NOT NULL CHECK (remedy IN ('redo', 'replace_worker', 'refund', 'compensate', 'explain')),
    -- pii: free text
    text         text     NOT NULL,
    cost_fen     bigint   NOT NULL CHECK (cost_fen >= 0),
    authority    text     NOT NULL CHECK (authority IN ('agent', 'manager', 'headquarters')),
    offer        text     NOT NULL CHECK (offer IN ('prepared', 'presented', 'objected', 'accepted')),
    PRIMARY KEY (complaint_id, cycle_no, rank)
);
-- One at a time (R8), and one accepted at most (C4).
CREATE UNIQUE INDEX complaint_proposal_on_the_table ON complaint_proposal (complaint_id, cycle_no) WHERE offer IN ('presented', 'accepted');

-- Follow-ups, and attempts that reached nobody.
CREATE TABLE complaint_follow_up (
    complaint_id   uuid        NOT NULL REFERENCES complaint (id),
    cycle_no       integer     NOT NULL,
    no             integer     NOT NULL CHECK (no >= 1),
    branch_id      uuid        NOT NULL,
    channel        text        NOT NULL,
    score          smallint    CHECK (score BETWEEN 1 AND 5),
    is_last_wanted boolean     NOT NULL,
    -- pii: free text
    comment        text,
    on_date        date        NOT NULL,
    at             timestamptz NOT NULL,
    PRIMARY KEY (complaint_id, cycle_no, no)
);

-- Evidence: its hash and kind; files are kept elsewhere. A statement names the employee who made it.
CREATE TABLE complaint_evidence (
    id           uuid        PRIMARY KEY,
    complaint_id uuid        NOT NULL REFERENCES complaint (id),
    branch_id    uuid        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('photo', 'recording', 'document', 'statement', 'other')),
    sha256       text        CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    employee_id  uuid,
    -- pii: free text
    text         text,
    added_by     text        NOT NULL,
    added_at     timestamptz NOT NULL
);
CREATE INDEX complaint_evidence_complaint ON complaint_evidence (complaint_id, added_at);

-- Words that go with a step: why, what was answered, process and result.
CREATE TABLE complaint_note (
    id           uuid        PRIMARY KEY,
    complaint_id uuid        NOT NULL REFERENCES complaint (id),
    branch_id    uuid        NOT NULL,
    kind         text        NOT NULL,
    -- pii: free text
    text         text        NOT NULL CHECK (length(text) BETWEEN 1 AND 4000),
    said_by      text        NOT NULL,
    said_at      timestamptz NOT NULL
);
CREATE INDEX complaint_note_complaint ON complaint_note (complaint_id, said_at);

-- Who stands above an owner (K11); where nobody is named at level 3, the branch's manager holds it.
CREATE TABLE ladder (
    id           uuid    PRIMARY KEY,
    branch_id    uuid    NOT NULL,
    team_lead    uuid,
    branch_head  uuid,
    headquarters uuid,
    version      integer NOT NULL,
    CONSTRAINT ladder_one_per_branch UNIQUE (branch_id)
);
