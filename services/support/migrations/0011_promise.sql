-- Promises of a reply at a time (support.md §6). One active promise per case, held by an index; the time of a promise
-- never moves (P1), held by a trigger.
SET lock_timeout = '2s';

CREATE TABLE promise (
    id           uuid          PRIMARY KEY,
    branch_id    uuid          NOT NULL,
    ref_kind     text          NOT NULL CHECK (ref_kind = 'complaint'),
    ref_id       uuid          NOT NULL,
    made_by      uuid          NOT NULL,
    made_at      timestamptz   NOT NULL,
    due_at       timestamptz   NOT NULL,
    zone         text          NOT NULL,
    agreed       text          NOT NULL CHECK (agreed IN ('agreed', 'one_sided')),
    channel      text          NOT NULL CHECK (channel IN ('phone', 'message', 'email', 'visit', 'web')),
    on_call      uuid,
    severity     text          CHECK (severity IN ('S1', 'S2', 'S3', 'S4')),
    policy_version uuid        NOT NULL,
    provisional  boolean       NOT NULL,
    warn_at      timestamptz[] NOT NULL,
    state        text          NOT NULL CHECK (state IN ('active', 'kept', 'kept_by_attempt', 'broken', 'released', 'superseded')),
    ended_at     timestamptz,
    attempts     integer       CHECK (attempts > 0),
    released_for text          CHECK (released_for IN ('withdrawn', 'external_dispute', 'merged')),
    next_promise uuid,
    renewal      text          CHECK (renewal IN ('running', 'met')),
    escalations  integer       CHECK (escalations >= 0),
    version      integer       NOT NULL,
    CONSTRAINT promise_whole_minute CHECK (date_trunc('minute', due_at) = due_at),
    CONSTRAINT promise_ahead CHECK (due_at > made_at),
    CONSTRAINT promise_ended CHECK ((state = 'active') = (ended_at IS NULL)),
    CONSTRAINT promise_in_time CHECK (state <> 'kept' OR ended_at <= due_at),
    CONSTRAINT promise_attempts CHECK ((state = 'kept_by_attempt') = (attempts IS NOT NULL)),
    CONSTRAINT promise_released CHECK ((state = 'released') = (released_for IS NOT NULL)),
    CONSTRAINT promise_superseded CHECK ((state = 'superseded') = (next_promise IS NOT NULL)),
    CONSTRAINT promise_renewal CHECK ((state IN ('broken', 'kept_by_attempt')) = (renewal IS NOT NULL)),
    CONSTRAINT promise_escalations CHECK ((renewal IS NULL) = (escalations IS NULL))
);
CREATE UNIQUE INDEX promise_one_active ON promise (ref_id) WHERE state = 'active';
CREATE UNIQUE INDEX promise_one_to_renew ON promise (ref_id) WHERE renewal = 'running';
CREATE INDEX promise_case ON promise (branch_id, ref_id, id);
CREATE INDEX promise_maker ON promise (made_by, id);
CREATE INDEX promise_branch ON promise (branch_id, id);

CREATE FUNCTION promise_time_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.due_at <> OLD.due_at OR NEW.made_at <> OLD.made_at THEN
        RAISE EXCEPTION 'a promise never moves' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER promise_never_moves BEFORE UPDATE ON promise FOR EACH ROW EXECUTE FUNCTION promise_time_stays();
