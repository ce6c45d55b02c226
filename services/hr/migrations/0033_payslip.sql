-- Payslips and their lines. Before the approval of their run they are drafts of one attempt; an issued one never
-- changes (H1): what comes later is a line of a later run.
SET lock_timeout = '2s';

CREATE TABLE payslip (
    id              uuid    PRIMARY KEY,
    run_id          uuid    NOT NULL REFERENCES pay_run,
    attempt         integer NOT NULL,
    employee_id     uuid    NOT NULL,
    -- The branch of the last assigned day.
    branch_id       uuid    NOT NULL,
    month           date    NOT NULL,
    is_blocked      boolean NOT NULL,
    is_issued       boolean NOT NULL DEFAULT false,
    state           text    NOT NULL CHECK (state IN ('draft', 'issued', 'confirmed', 'objected')),
    -- pii: pay
    gross_fen       bigint  NOT NULL,
    lateness_fen    bigint  NOT NULL,
    lateness_waived_fen bigint NOT NULL,
    penalties_fen   bigint  NOT NULL,
    refunds_fen     bigint  NOT NULL,
    adjustments_fen bigint  NOT NULL,
    net_fen         bigint  NOT NULL,
    cap_fen         bigint  NOT NULL,
    floor_fen       bigint  NOT NULL,
    commission_debt_fen bigint NOT NULL CHECK (commission_debt_fen >= 0),
    coverage        text    NOT NULL,
    exceptions      jsonb   NOT NULL,
    digest          bytea   NOT NULL CHECK (octet_length(digest) = 32),
    -- pii: statement
    objection       text    CHECK (length(objection) BETWEEN 1 AND 2000),
    answered_at     timestamptz,
    version         integer NOT NULL,
    CONSTRAINT payslip_one_per_run UNIQUE (run_id, attempt, employee_id),
    CONSTRAINT payslip_issued CHECK (is_issued = (state <> 'draft') AND NOT (is_issued AND is_blocked)),
    -- H6
    CONSTRAINT payslip_never_negative CHECK (is_blocked OR net_fen >= 0),
    CONSTRAINT payslip_h2 CHECK (net_fen = gross_fen - lateness_fen - penalties_fen + refunds_fen + adjustments_fen),
    CONSTRAINT payslip_answered CHECK ((state IN ('confirmed', 'objected')) = (answered_at IS NOT NULL) AND (state = 'objected') = (objection IS NOT NULL))
);
-- H1
CREATE UNIQUE INDEX payslip_once ON payslip (employee_id, month) WHERE is_issued;
CREATE INDEX payslip_branch ON payslip (branch_id, id) WHERE is_issued;

CREATE TABLE pay_line (
    id             uuid    PRIMARY KEY,
    payslip_id     uuid    NOT NULL REFERENCES payslip ON DELETE CASCADE,
    place          integer NOT NULL CHECK (place > 0),
    kind           text    NOT NULL,
    step           text    NOT NULL,
    quantity       numeric NOT NULL,
    rate           text    NOT NULL,
    base_fen       bigint  NOT NULL,
    amount_fen     bigint  NOT NULL,
    clause         text    NOT NULL,
    policy_version uuid    NOT NULL,
    -- What it came from, as the calculation said it, and the event to follow.
    source         jsonb   NOT NULL,
    source_event   uuid,
    branch_id      uuid,
    formula_zh     text    NOT NULL,
    formula_en     text    NOT NULL,
    CONSTRAINT pay_line_place UNIQUE (payslip_id, place)
);
CREATE INDEX pay_line_clause ON pay_line (clause, id);
CREATE INDEX pay_line_source ON pay_line (source_event) WHERE source_event IS NOT NULL;

-- What a slip does to each fine: posted when the run is approved, not before.
CREATE TABLE slip_fine (
    payslip_id      uuid   NOT NULL REFERENCES payslip ON DELETE CASCADE,
    penalty_id      uuid   NOT NULL,
    tried_fen       bigint NOT NULL,
    posted_fen      bigint NOT NULL CHECK (posted_fen >= 0),
    carried_fen     bigint NOT NULL CHECK (carried_fen >= 0),
    written_off_fen bigint NOT NULL CHECK (written_off_fen >= 0),
    refunded_fen    bigint NOT NULL CHECK (refunded_fen >= 0),
    PRIMARY KEY (payslip_id, penalty_id),
    CONSTRAINT slip_fine_whole CHECK (tried_fen = posted_fen + carried_fen + written_off_fen)
);

-- What each branch bears of a slip (H2).
CREATE TABLE slip_cost (
    payslip_id uuid   NOT NULL REFERENCES payslip ON DELETE CASCADE,
    branch_id  uuid   NOT NULL,
    amount_fen bigint NOT NULL,
    PRIMARY KEY (payslip_id, branch_id)
);

-- Facts that an issued slip has taken into account: no later run pays them again.
CREATE TABLE settled_fact (
    event_id   uuid PRIMARY KEY,
    payslip_id uuid NOT NULL REFERENCES payslip
);

-- H1, H7: an issued slip and its lines stay as they are, whoever asks.
CREATE FUNCTION payslip_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'payslip' THEN
        IF OLD.is_issued AND (TG_OP = 'DELETE' OR NOT NEW.is_issued
            OR (NEW.run_id, NEW.employee_id, NEW.month, NEW.gross_fen, NEW.net_fen, NEW.digest, NEW.lateness_fen, NEW.penalties_fen, NEW.refunds_fen, NEW.adjustments_fen)
               IS DISTINCT FROM
               (OLD.run_id, OLD.employee_id, OLD.month, OLD.gross_fen, OLD.net_fen, OLD.digest, OLD.lateness_fen, OLD.penalties_fen, OLD.refunds_fen, OLD.adjustments_fen)) THEN
            RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'payslip_is_kept', MESSAGE = 'an issued payslip never changes (H1)';
        END IF;
    ELSIF EXISTS (SELECT FROM payslip WHERE id = OLD.payslip_id AND is_issued) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'payslip_is_kept', MESSAGE = 'a line of an issued payslip never changes (H1)';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER payslip_kept BEFORE UPDATE OR DELETE ON payslip FOR EACH ROW EXECUTE FUNCTION payslip_is_kept();
CREATE TRIGGER pay_line_kept BEFORE UPDATE OR DELETE ON pay_line FOR EACH ROW EXECUTE FUNCTION payslip_is_kept();
