-- The rest of a fine's life: who judged an appeal, what was said, and the reversal that follows from a finding
-- that was changed, to which no appeal belongs (support.md §5, FindLiability).
SET lock_timeout = '2s';

ALTER TABLE penalty
    ADD COLUMN ground text CHECK (ground IN ('appeal', 'finding')),
    ADD COLUMN judge_user uuid,
    ADD COLUMN judge_employee uuid,
    DROP CONSTRAINT penalty_appealed,
    ADD CONSTRAINT penalty_appealed CHECK (appealed_at IS NOT NULL OR state NOT IN ('appealed', 'upheld')),
    ADD CONSTRAINT penalty_appealed_once CHECK (appealed_at IS NULL OR state IN ('appealed', 'upheld', 'reversed')),
    ADD CONSTRAINT penalty_ground CHECK ((state = 'reversed') = (ground IS NOT NULL)),
    ADD CONSTRAINT penalty_ground_appeal CHECK (ground <> 'appeal' OR appealed_at IS NOT NULL),
    ADD CONSTRAINT penalty_judge CHECK ((judged_at IS NULL) = (judge_user IS NULL));

-- What the employee, the decider and the judge said.
CREATE TABLE penalty_statement (
    id         uuid        PRIMARY KEY,
    penalty_id uuid        NOT NULL REFERENCES penalty (id),
    branch_id  uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('assessment', 'hearing', 'dismissal', 'appeal', 'judgement')),
    -- pii: free text
    text       text        NOT NULL CHECK (length(text) BETWEEN 1 AND 4000),
    said_by    text        NOT NULL,
    said_at    timestamptz NOT NULL
);
CREATE INDEX penalty_statement_penalty ON penalty_statement (penalty_id, said_at);
