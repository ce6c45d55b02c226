-- What contracts says about money and visits, kept until a run pays it. One row per fact, however often its event
-- arrives; `tx` tells whether a frozen run has seen it.
SET lock_timeout = '2s';

CREATE TABLE collection_fact (
    collection_id uuid   PRIMARY KEY,
    event_id      uuid   NOT NULL,
    contract_id   uuid   NOT NULL,
    -- No foreign key: money is collected also by one whom hr does not know yet; he is paid once it does.
    employee_id   uuid   NOT NULL,
    role          text   NOT NULL,
    -- The fee part, below zero for a reversal.
    fee_base_fen  bigint NOT NULL,
    collected_on  date   NOT NULL,
    reverses_id   uuid,
    tx            xid8   NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT collection_fact_sign CHECK ((reverses_id IS NULL AND fee_base_fen >= 0) OR (reverses_id IS NOT NULL AND fee_base_fen <= 0))
);
CREATE INDEX collection_fact_employee ON collection_fact (employee_id, collected_on);
CREATE INDEX collection_fact_reverses ON collection_fact (reverses_id) WHERE reverses_id IS NOT NULL;

CREATE TABLE visit_fact (
    visit_id         uuid   PRIMARY KEY,
    event_id         uuid   NOT NULL,
    contract_id      uuid   NOT NULL,
    employee_id      uuid   NOT NULL,
    on_day           date   NOT NULL,
    worker_share_fen bigint NOT NULL CHECK (worker_share_fen >= 0),
    tx               xid8   NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX visit_fact_employee ON visit_fact (employee_id, on_day);
