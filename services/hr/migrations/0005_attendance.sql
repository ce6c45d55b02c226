-- Attendance: one row per office employee and scheduled day, derived from punches and kept; open until the month
-- of the branch is closed, afterwards changed by an approved correction only (H8): the triggers hold that, once per
-- statement and not per row, because a month has millions of days.
SET lock_timeout = '2s';

CREATE TABLE attendance_month (
    id         uuid        PRIMARY KEY,
    branch_id  uuid        NOT NULL REFERENCES branch,
    month      date        NOT NULL CHECK (extract(day FROM month) = 1),
    state      text        NOT NULL CHECK (state IN ('open', 'closed')),
    derived_at timestamptz NOT NULL,
    days       bigint      NOT NULL,
    incomplete bigint      NOT NULL,
    closed_at  timestamptz,
    closer_user uuid,
    version    integer     NOT NULL,
    CONSTRAINT attendance_month_once UNIQUE (branch_id, month),
    CONSTRAINT attendance_month_closed CHECK ((state = 'closed') = (closed_at IS NOT NULL) AND (closed_at IS NULL) = (closer_user IS NULL))
);

CREATE TABLE attendance_day (
    id               uuid        PRIMARY KEY,
    month_id         uuid        NOT NULL REFERENCES attendance_month,
    employee_id      uuid        NOT NULL REFERENCES employee,
    -- Where he is assigned on that day.
    branch_id        uuid        NOT NULL,
    day              date        NOT NULL,
    shift_start      timestamptz NOT NULL,
    shift_end        timestamptz NOT NULL,
    first_in         timestamptz,
    last_out         timestamptz,
    result           text        NOT NULL CHECK (result IN ('present', 'late', 'late_unconfirmed', 'incomplete', 'absent', 'on_leave', 'excused')),
    -- Also recorded where the day is not late: within the grace, or excused.
    late_minutes     bigint      NOT NULL CHECK (late_minutes >= 0),
    early_minutes    bigint      NOT NULL CHECK (early_minutes >= 0),
    policy_version   uuid        NOT NULL,
    calendar_version uuid        NOT NULL,
    -- The newest correction that changed it; derivation leaves such a day alone.
    correction_id    uuid,
    version          integer     NOT NULL,
    CONSTRAINT attendance_day_once UNIQUE (employee_id, day)
);
CREATE INDEX attendance_day_branch ON attendance_day (branch_id, day);
CREATE INDEX attendance_day_month ON attendance_day (month_id);

CREATE FUNCTION attendance_day_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_broken boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT EXISTS (SELECT FROM attendance_month m WHERE m.state = 'closed' AND m.id IN (SELECT month_id FROM after)) INTO is_broken;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT EXISTS (SELECT FROM attendance_month m WHERE m.state = 'closed' AND m.id IN (SELECT month_id FROM before)) INTO is_broken;
    ELSE
        SELECT EXISTS (SELECT FROM before JOIN after USING (id)
                       JOIN attendance_month m ON m.id IN (before.month_id, after.month_id)
                       WHERE m.state = 'closed' AND after.correction_id IS NOT DISTINCT FROM before.correction_id) INTO is_broken;
    END IF;
    IF is_broken THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'attendance_day_of_closed_month',
            MESSAGE = 'a day of a closed month changes only by an approved correction (H8)';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER attendance_day_kept_insert AFTER INSERT ON attendance_day
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION attendance_day_kept();
CREATE TRIGGER attendance_day_kept_update AFTER UPDATE ON attendance_day
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION attendance_day_kept();
CREATE TRIGGER attendance_day_kept_delete AFTER DELETE ON attendance_day
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION attendance_day_kept();
