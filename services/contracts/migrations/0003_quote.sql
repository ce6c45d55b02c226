-- Quotes: lines priced once, at their instant, and frozen (C4, P7, P8). And the customers support has told us of.
SET lock_timeout = '2s';

CREATE TABLE known_customer (
    id uuid PRIMARY KEY
);

CREATE TABLE quote (
    id              uuid        PRIMARY KEY,
    branch_id       uuid        NOT NULL,
    customer_id     uuid        NOT NULL,
    -- Who gets the commission unless somebody else collects.
    sold_by         uuid,
    state           text        NOT NULL CHECK (state IN ('draft', 'approved', 'offered', 'accepted', 'expired', 'declined', 'superseded', 'voided')),
    priced_at       timestamptz NOT NULL,
    valid_until     timestamptz NOT NULL,
    accepted_at     timestamptz,
    proration_basis text        NOT NULL CHECK (proration_basis IN ('fixed_30', 'fixed_26', 'avg_21_75', 'actual_days')),
    worker_level    smallint    CHECK (worker_level BETWEEN 0 AND 5),
    lines           jsonb       NOT NULL,
    total_fen       bigint      NOT NULL CHECK (total_fen >= 0),
    version         integer     NOT NULL,
    CONSTRAINT quote_accepted CHECK ((state = 'accepted') = (accepted_at IS NOT NULL)),
    CONSTRAINT quote_valid CHECK (priced_at < valid_until)
);
CREATE INDEX quote_branch ON quote (branch_id, id);
CREATE INDEX quote_customer ON quote (customer_id, id);
