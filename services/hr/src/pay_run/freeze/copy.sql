-- $1 run, $2 attempt, $3 first day of the month, $4 first day after it, $5 branches, $6 people per chunk.
WITH last AS (
    SELECT DISTINCT ON (employee_id) employee_id, branch_id
    FROM assignment WHERE valid && daterange($3::date, $4::date) ORDER BY employee_id, lower(valid) DESC
), people AS (
    SELECT employee_id FROM last
    WHERE branch_id = ANY ($5::uuid[])
      AND NOT EXISTS (SELECT FROM payslip s WHERE s.employee_id = last.employee_id AND s.month = $3 AND s.is_issued)
), assignments AS (
    SELECT a.employee_id, jsonb_agg(jsonb_build_object('branch', a.branch_id, 'from', lower(a.valid * w.valid), 'to', upper(a.valid * w.valid),
                                                       'minimum_wage', w.minimum_wage_fen)) AS facts
    FROM people JOIN assignment a USING (employee_id) JOIN branch_minimum_wage w ON w.branch_id = a.branch_id AND w.valid && a.valid
    GROUP BY a.employee_id
), profiles AS (
    SELECT p.employee_id, jsonb_agg(jsonb_build_object('event', coalesce(approval.event_id, p.id), 'from', lower(p.valid), 'to', upper(p.valid),
                                                       'base', p.base_fen, 'probation_ends_on', p.probation_ends_on, 'probation_bp', p.probation_bp)) AS facts,
           array_agg(p.author_user::text) FILTER (WHERE p.valid && daterange($3, $4)) AS users,
           array_agg(p.author_employee::text) FILTER (WHERE p.valid && daterange($3, $4)) AS employees
    FROM people JOIN pay_profile p USING (employee_id)
    LEFT JOIN LATERAL (SELECT event_id FROM journal WHERE aggregate_id = p.id AND type = 'hr.pay_profile.approved.v0' ORDER BY aggversion LIMIT 1) approval ON true
    WHERE p.state = 'approved' GROUP BY p.employee_id
), days AS (
    SELECT d.employee_id, jsonb_agg(jsonb_build_object('event', coalesce(last.event_id, d.id), 'day', d.day, 'result', d.result)) AS facts
    FROM people JOIN attendance_day d USING (employee_id)
    LEFT JOIN LATERAL (SELECT event_id FROM journal WHERE aggregate_id = d.id ORDER BY aggversion DESC LIMIT 1) last ON true
    WHERE d.day >= $3 AND d.day < $4 AND d.result IN ('late', 'absent') GROUP BY d.employee_id
), corrections AS (
    -- Who asked for a correction that this run pays by: of its own month, or of a closed one that is still to be settled.
    SELECT c.employee_id, array_agg(c.requester_user::text) AS users, array_agg(c.requester_employee::text) AS employees
    FROM people JOIN correction c USING (employee_id) LEFT JOIN attendance_adjustment a ON a.correction_id = c.id
    WHERE c.state = 'approved'
      AND (c.day >= $3 AND c.day < $4 OR a.month < $3 AND NOT EXISTS (SELECT FROM settled_fact s WHERE s.event_id = c.id))
    GROUP BY c.employee_id
), credited AS (
    -- What came in and what was given back, each with the rate of the day it came in and, once it is paid, the rate it
    -- was paid at last.
    SELECT c.employee_id, c.event_id, c.collection_id, c.collected_on, c.fee_base_fen, c.reverses_id, rate.bp, profile.author_user,
           profile.author_employee, settled.event_id IS NOT NULL AS is_paid, paid.bp AS paid_bp
    FROM people JOIN collection_fact c USING (employee_id)
    LEFT JOIN settled_fact settled ON settled.event_id = c.event_id
    LEFT JOIN collection_fact original ON original.collection_id = c.reverses_id
    CROSS JOIN LATERAL (SELECT coalesce(original.collected_on, c.collected_on) AS day) rated
    LEFT JOIN pay_profile profile ON profile.employee_id = c.employee_id AND profile.state = 'approved' AND profile.valid @> rated.day
    CROSS JOIN LATERAL (SELECT coalesce(profile.commission_bp,
        (SELECT (parameters ->> 'commission_bp')::int FROM policy
         WHERE kind = 'pay' AND branch_id IS NULL AND state = 'approved' AND valid @> greatest(rated.day, date '2000-01-01'))) AS bp) rate
    LEFT JOIN LATERAL (
        SELECT split_part(l.rate, '/', 1)::int AS bp FROM pay_line l JOIN payslip s ON s.id = l.payslip_id JOIN pay_run r ON r.id = s.run_id
        WHERE l.source_event = c.event_id AND s.is_issued ORDER BY r.approved_at DESC, s.id DESC LIMIT 1) paid ON settled.event_id IS NOT NULL
    WHERE c.collected_on < $4
), collections AS (
    -- To be paid; and paid already at a rate that is another one by now. Whoever wrote the rate, of whichever month,
    -- is an author of what this run pays (H4).
    SELECT c.employee_id, jsonb_agg(jsonb_build_object('event', c.event_id, 'id', c.collection_id, 'on', c.collected_on, 'base', c.fee_base_fen,
               'reverses', c.reverses_id, 'before', coalesce(earlier.fen, 0), 'rate', c.bp, 'paid', paid.fen)) AS facts,
           array_agg(DISTINCT c.author_user::text) AS users,
           array_agg(DISTINCT c.author_employee::text) AS employees
    FROM credited c
    LEFT JOIN LATERAL (SELECT -sum(o.fee_base_fen) AS fen FROM collection_fact o
                       WHERE o.reverses_id = c.reverses_id AND (o.collected_on, o.collection_id) < (c.collected_on, c.collection_id)) earlier ON true
    LEFT JOIN LATERAL (SELECT sum(l.amount_fen) AS fen FROM pay_line l JOIN payslip s ON s.id = l.payslip_id
                       WHERE l.source_event = c.event_id AND s.is_issued) paid ON c.is_paid
    WHERE NOT c.is_paid OR c.paid_bp <> c.bp
    GROUP BY c.employee_id
), debts AS (
    -- Handed on from one approval to the next, in whatever order months are paid.
    SELECT DISTINCT ON (s.employee_id) s.employee_id, s.commission_debt_fen AS fen, jsonb_build_object('slip', s.id, 'month', s.month) AS of
    FROM people JOIN payslip s USING (employee_id) JOIN pay_run r ON r.id = s.run_id
    WHERE s.is_issued ORDER BY s.employee_id, r.approved_at DESC, s.id DESC
), approved_entry AS (
    SELECT p.employee_id, p.kind, p.amount_fen, p.author_user, p.author_employee, coalesce(approval.event_id, p.id) AS event_id
    FROM people JOIN pay_entry p USING (employee_id)
    LEFT JOIN LATERAL (SELECT event_id FROM journal WHERE aggregate_id = p.id ORDER BY aggversion DESC LIMIT 1) approval ON true
    WHERE p.state = 'approved' AND p.month <= $3
), entries AS (
    SELECT employee_id, jsonb_agg(jsonb_build_object('event', event_id, 'kind', kind, 'amount', amount_fen)) AS facts,
           array_agg(author_user::text) AS users, array_agg(author_employee::text) AS employees
    FROM approved_entry e WHERE NOT EXISTS (SELECT FROM settled_fact s WHERE s.event_id = e.event_id) GROUP BY employee_id
), visits AS (
    SELECT v.employee_id, jsonb_agg(jsonb_build_object('event', v.event_id, 'on', v.on_day, 'share', v.worker_share_fen)) AS facts
    FROM people JOIN visit_fact v USING (employee_id)
    WHERE v.on_day < $4 AND NOT EXISTS (SELECT FROM settled_fact s WHERE s.event_id = v.event_id) GROUP BY v.employee_id
), fines AS (
    SELECT d.employee_id, jsonb_agg(jsonb_build_object('penalty', d.penalty_id, 'event', d.source_event, 'kind', d.kind, 'month', d.month,
                                                       'confirmed_at', d.confirmed_at, 'open', d.open_fen)) AS facts
    FROM people JOIN deduction d USING (employee_id) WHERE d.open_fen > 0 AND d.month <= $3 GROUP BY d.employee_id
), refunds AS (
    SELECT d.employee_id, jsonb_agg(jsonb_build_object('penalty', d.penalty_id, 'event', coalesce(d.reversal_event, d.source_event), 'due', d.refund_due_fen)) AS facts
    FROM people JOIN deduction d USING (employee_id) WHERE d.refund_due_fen > 0 GROUP BY d.employee_id
), changed AS (
    -- What changes a closed month and no issued slip has settled: an approved correction, and a pay profile that the
    -- month's own freeze had not seen.
    SELECT a.employee_id, a.month, a.correction_id AS id, a.approved_at AS at, NULL::uuid AS author_user, NULL::uuid AS author_employee
    FROM people JOIN attendance_adjustment a USING (employee_id)
    WHERE a.month < $3
    UNION ALL
    SELECT p.employee_id, s.month, j.event_id, p.approved_at, p.author_user, p.author_employee
    FROM people JOIN pay_profile p USING (employee_id) JOIN payslip s USING (employee_id) JOIN run_freeze f USING (run_id, attempt)
    JOIN journal j ON j.aggregate_id = p.id AND j.type = 'hr.pay_profile.approved.v0'
    WHERE p.state = 'approved' AND s.is_issued AND s.month < $3 AND p.valid && daterange(s.month, (s.month + interval '1 month')::date)
      AND NOT pg_visible_in_snapshot(j.tx, f.snapshot)
), corrected AS (
    -- The newest change stands for all of the month.
    SELECT employee_id, month, (array_agg(id ORDER BY at DESC, id))[1] AS correction_id, jsonb_agg(id) AS ids,
           array_agg(author_user::text) AS users, array_agg(author_employee::text) AS employees
    FROM changed WHERE NOT EXISTS (SELECT FROM settled_fact s WHERE s.event_id = changed.id) GROUP BY employee_id, month
), changers AS (
    -- Who wrote a profile that changes a closed month.
    SELECT c.employee_id, array_agg(a.user_id) AS users, array_agg(a.employee) AS employees
    FROM corrected c CROSS JOIN LATERAL UNNEST(c.users, c.employees) AS a (user_id, employee) GROUP BY c.employee_id
), recorders AS (
    -- Who recorded a punch of the month himself; a night shift of its last day ends on the next, and one of its first
    -- hours may begin on the day before.
    SELECT p.employee_id, array_agg(DISTINCT p.recorder_user::text) AS users, array_agg(DISTINCT p.recorder_employee::text) AS employees
    FROM people JOIN punch p USING (employee_id) JOIN branch b ON b.id = p.branch_id
    WHERE p.recorder_user IS NOT NULL AND p.state <> 'voided' AND p.at >= $3::timestamptz - interval '2 days' AND p.at < $4::timestamptz + interval '3 days'
      AND (p.at AT TIME ZONE b.zone)::date BETWEEN $3 - 1 AND $4
    GROUP BY p.employee_id
), closed AS (
    SELECT c.employee_id, jsonb_agg(jsonb_build_object('month', c.month, 'slip', s.id, 'event', coalesce(decided.event_id, c.correction_id), 'corrections', c.ids,
               'facts', i.facts - 'closed', 'profiles', coalesce(profiles.facts, '[]'), 'policies', f.policies, 'workdays', f.workdays, 'paid', paid.lines, 'days', coalesce(now.facts, '[]'))) AS facts
    FROM corrected c
    LEFT JOIN profiles USING (employee_id)
    JOIN payslip s ON s.employee_id = c.employee_id AND s.month = c.month AND s.is_issued
    JOIN run_input i ON i.run_id = s.run_id AND i.attempt = s.attempt AND i.employee_id = s.employee_id
    JOIN run_freeze f ON f.run_id = s.run_id AND f.attempt = s.attempt
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_agg(jsonb_build_array(step, fen)), '[]') AS lines FROM (
            SELECT l.step, l.amount_fen AS fen FROM pay_line l WHERE l.payslip_id = s.id
            UNION ALL
            SELECT l.source ->> 'step', l.amount_fen FROM payslip later JOIN pay_line l ON l.payslip_id = later.id
            WHERE later.employee_id = c.employee_id AND later.is_issued AND l.kind = 'adjustment' AND l.source ->> 'month' = to_char(c.month, 'YYYY-MM')
        ) as_paid) paid
    LEFT JOIN LATERAL (SELECT event_id FROM journal WHERE aggregate_id = c.correction_id ORDER BY aggversion DESC LIMIT 1) decided ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('event', d.id, 'day', d.day, 'result', d.result)) AS facts
        FROM attendance_day d
        WHERE d.employee_id = c.employee_id AND d.day >= c.month AND d.day < c.month + interval '1 month' AND d.result IN ('late', 'absent')) now ON true
    GROUP BY c.employee_id
)
INSERT INTO run_input (run_id, attempt, employee_id, chunk, facts)
SELECT $1::uuid, $2::int, employee_id, ((row_number() OVER (ORDER BY employee_id) - 1) / $6::bigint)::int,
       jsonb_strip_nulls(jsonb_build_object(
           'assignments', assignments.facts, 'profiles', profiles.facts, 'days', days.facts, 'collections', collections.facts, 'debt', debts.fen,
           'debt_of', debts.of,
           'entries', entries.facts, 'visits', visits.facts, 'fines', fines.facts, 'refunds', refunds.facts, 'closed', closed.facts,
           'authors', to_jsonb(profiles.users || profiles.employees || entries.users || entries.employees
                                || corrections.users || corrections.employees || collections.users || collections.employees
                                || changers.users || changers.employees || recorders.users || recorders.employees)))
FROM people
LEFT JOIN assignments USING (employee_id) LEFT JOIN profiles USING (employee_id) LEFT JOIN days USING (employee_id)
LEFT JOIN collections USING (employee_id) LEFT JOIN debts USING (employee_id) LEFT JOIN entries USING (employee_id)
LEFT JOIN visits USING (employee_id) LEFT JOIN fines USING (employee_id) LEFT JOIN refunds USING (employee_id) LEFT JOIN closed USING (employee_id)
LEFT JOIN corrections USING (employee_id) LEFT JOIN changers USING (employee_id) LEFT JOIN recorders USING (employee_id)
