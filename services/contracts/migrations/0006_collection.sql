-- Money that was collected, and what was taken back of it: one row each, never changed (C11, F2). Amounts of a
-- reversal are negative.
SET lock_timeout = '2s';

CREATE TABLE collection (
    id             uuid    PRIMARY KEY,
    branch_id      uuid    NOT NULL,
    contract_id    uuid    NOT NULL REFERENCES contract (id),
    -- The channel's own number; a reversal has the one of its collection.
    channel        text    NOT NULL CHECK (channel IN ('cash', 'bank', 'wechat', 'alipay')),
    external_ref   text    NOT NULL CHECK (length(external_ref) BETWEEN 1 AND 64),
    amount_fen     bigint  NOT NULL,
    fee_base_fen   bigint  NOT NULL,
    collected_on   date    NOT NULL,
    credited       uuid    NOT NULL,
    role           text    NOT NULL CHECK (role IN ('collector', 'seller')),
    reverses_id    uuid    REFERENCES collection (id),
    part           text    CHECK (part IN ('proportional', 'fee', 'pass_through')),
    version        integer NOT NULL,
    CONSTRAINT collection_sign CHECK (CASE WHEN reverses_id IS NULL
        THEN amount_fen > 0 AND fee_base_fen BETWEEN 0 AND amount_fen
        ELSE amount_fen < 0 AND fee_base_fen BETWEEN amount_fen AND 0 END),
    CONSTRAINT collection_part CHECK ((reverses_id IS NULL) = (part IS NULL))
);
CREATE UNIQUE INDEX collection_ref_once ON collection (channel, external_ref) WHERE reverses_id IS NULL;
CREATE INDEX collection_branch ON collection (branch_id, id);
CREATE INDEX collection_contract ON collection (contract_id);
CREATE INDEX collection_reverses ON collection (reverses_id) WHERE reverses_id IS NOT NULL;
