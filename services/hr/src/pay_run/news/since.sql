-- $1 run, $2 attempt, $3 first day of the month, $4 first day after it, $5 below, $6 above, $7 newest first, $8 rows.
-- What a transaction wrote that the frozen snapshot did not see, but for the run's own approval.
WITH f AS (
    SELECT frozen.snapshot, r.approved_tx FROM run_freeze frozen JOIN pay_run r ON r.id = frozen.run_id
    WHERE frozen.run_id = $1 AND frozen.attempt = $2
), people AS (
    SELECT employee_id FROM run_input WHERE run_id = $1 AND attempt = $2 AND employee_id < $5 AND employee_id > $6
), written AS (
    SELECT 'deduction' AS what, d.employee_id, d.changed_tx AS tx FROM deduction d JOIN people USING (employee_id) WHERE d.month <= $3
    UNION ALL
    SELECT 'collection', c.employee_id, c.tx FROM collection_fact c JOIN people USING (employee_id) WHERE c.collected_on < $4
    UNION ALL
    SELECT 'visit', v.employee_id, v.tx FROM visit_fact v JOIN people USING (employee_id) WHERE v.on_day < $4
    UNION ALL
    SELECT 'pay_entry', e.employee_id, j.tx FROM pay_entry e JOIN people USING (employee_id) JOIN journal j ON j.aggregate_id = e.id
    WHERE e.state = 'approved' AND e.month <= $3
    UNION ALL
    SELECT 'pay_profile', p.employee_id, j.tx FROM pay_profile p JOIN people USING (employee_id) JOIN journal j ON j.aggregate_id = p.id
    WHERE p.state = 'approved'
    UNION ALL
    SELECT 'correction', a.employee_id, j.tx FROM attendance_adjustment a JOIN people USING (employee_id) JOIN journal j ON j.aggregate_id = a.correction_id
    WHERE a.month <= $3
)
SELECT employee_id AS "employee_id!", array_agg(DISTINCT what ORDER BY what) AS "what!"
FROM written, f WHERE NOT pg_visible_in_snapshot(tx, f.snapshot) AND tx IS DISTINCT FROM f.approved_tx
GROUP BY employee_id ORDER BY CASE WHEN $7 THEN employee_id END DESC, employee_id LIMIT $8
