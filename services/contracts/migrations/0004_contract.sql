-- Contracts: one per accepted quote; what was priced, promised and agreed stands here frozen (C2, C3, C5).
SET lock_timeout = '2s';

CREATE TABLE contract (
    id              uuid      PRIMARY KEY,
    branch_id       uuid      NOT NULL,
    customer_id     uuid      NOT NULL,
    quote_id        uuid      NOT NULL REFERENCES quote (id),
    sold_by         uuid,
    state           text      NOT NULL CHECK (state IN ('draft', 'offered', 'active')),
    term            daterange NOT NULL CHECK (NOT isempty(term) AND NOT lower_inf(term)),
    proration_basis text      NOT NULL,
    lines           jsonb     NOT NULL,
    plan            jsonb     NOT NULL,
    total_fen       bigint    NOT NULL CHECK (total_fen >= 0),
    -- The text that was offered, with the particulars of all parties; its hash is what is signed.
    document        jsonb, -- pii: name, identity number, health status, address, contact
    hash            text      CHECK (hash ~ '^[0-9a-f]{64}$'),
    active_since    timestamptz,
    version         integer   NOT NULL,
    CONSTRAINT contract_of_quote UNIQUE (quote_id),
    CONSTRAINT contract_offered CHECK ((state = 'draft') = (document IS NULL) AND (document IS NULL) = (hash IS NULL)),
    CONSTRAINT contract_active CHECK ((state = 'active') = (active_since IS NOT NULL))
);
CREATE INDEX contract_branch ON contract (branch_id, id);
CREATE INDEX contract_customer ON contract (customer_id, id);

-- Who signed which text, and where the proof is kept. Never changed, never deleted.
CREATE TABLE contract_signature (
    contract_id   uuid        NOT NULL REFERENCES contract (id),
    party         text        NOT NULL CHECK (party IN ('customer', 'company')),
    method        text        NOT NULL CHECK (method IN ('paper', 'electronic')),
    hash          text        NOT NULL,
    evidence_hash text        NOT NULL CHECK (evidence_hash ~ '^[0-9a-f]{64}$'),
    signed_at     timestamptz NOT NULL,
    recorded_by   uuid        NOT NULL,
    CONSTRAINT contract_signature_once PRIMARY KEY (contract_id, party)
);
