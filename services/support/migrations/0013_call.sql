-- Telephone calls (support.md §3): rung, answered, recorded; or missed and returned. What was said is here, never in events.
SET lock_timeout = '2s';

CREATE TABLE call (
    id            uuid        PRIMARY KEY,
    branch_id     uuid        NOT NULL,
    caller_number text, -- pii: phone
    customer_id   uuid,
    complaint_id  uuid,
    visit_id      uuid,
    offered_at    timestamptz NOT NULL,
    state         text        NOT NULL CHECK (state IN ('ringing', 'answered', 'wrapping', 'recorded', 'abandoned', 'missed', 'returned', 'not_needed')),
    agent         uuid,
    answered_at   timestamptz,
    rings         integer     CHECK (rings >= 0),
    wait_ms       bigint      CHECK (wait_ms >= 0),
    apology       text        CHECK (apology IN ('due', 'said')),
    ended_by      text        CHECK (ended_by IN ('caller', 'agent', 'system', 'unknown')),
    ended_at      timestamptz,
    closed_at     timestamptz,
    missed_in     text        CHECK (missed_in IN ('open', 'closed')),
    missed_at     timestamptz,
    reason        text,
    caller_name   jsonb, -- pii: name
    place         jsonb, -- pii: address
    topic         jsonb, -- pii: free text
    why           jsonb, -- pii: free text
    reason_code   text,
    recap_at      timestamptz,
    version       integer     NOT NULL,
    CONSTRAINT call_answered CHECK ((state IN ('answered', 'wrapping', 'recorded')) = (answered_at IS NOT NULL)),
    CONSTRAINT call_agent CHECK (answered_at IS NULL OR (agent IS NOT NULL AND rings IS NOT NULL AND wait_ms IS NOT NULL)),
    CONSTRAINT call_ended CHECK ((state IN ('wrapping', 'recorded')) = (ended_at IS NOT NULL)),
    CONSTRAINT call_ended_by CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
    CONSTRAINT call_missed CHECK ((state IN ('missed', 'returned', 'not_needed')) = (missed_at IS NOT NULL)),
    CONSTRAINT call_window CHECK ((missed_at IS NULL) = (missed_in IS NULL)),
    CONSTRAINT call_closed CHECK ((state IN ('recorded', 'abandoned', 'returned', 'not_needed')) = (closed_at IS NOT NULL)),
    -- B1, B2 and the apology of P3.3.1-1, held once more where nothing gets past.
    CONSTRAINT call_complete CHECK (state <> 'recorded' OR (caller_name IS NOT NULL AND place IS NOT NULL AND topic IS NOT NULL
                                                            AND why IS NOT NULL AND reason_code IS NOT NULL)),
    CONSTRAINT call_recap CHECK (state <> 'recorded' OR recap_at IS NOT NULL OR reason_code IN ('abuse', 'silent', 'wrong_number')),
    CONSTRAINT call_apology CHECK (state <> 'recorded' OR apology IS DISTINCT FROM 'due')
);
CREATE INDEX call_branch ON call (branch_id, id);
CREATE INDEX call_agent_own ON call (agent, id);
CREATE INDEX call_customer ON call (customer_id, agent) WHERE customer_id IS NOT NULL;

CREATE TABLE call_transfer (
    call_id     uuid        NOT NULL REFERENCES call (id),
    place       integer     NOT NULL,
    branch_id   uuid        NOT NULL,
    giver       uuid        NOT NULL,
    taker       uuid        NOT NULL CHECK (taker <> giver),
    caller_name text        NOT NULL, -- pii: name
    gist        text        NOT NULL, -- pii: free text
    at          timestamptz NOT NULL,
    PRIMARY KEY (call_id, place)
);
