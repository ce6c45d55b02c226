-- Nobody is at two places at once: the planned windows are held apart by visit_worker_once, the real ones by this.
-- Before this rule a visit that nobody told done stayed in progress while its worker began the next one: of those only
-- the newest holds him, the older ones stay as they are.
SET lock_timeout = '2s';

ALTER TABLE visit ADD COLUMN is_forgotten boolean NOT NULL DEFAULT false;
UPDATE visit v SET is_forgotten = true
WHERE state = 'in_progress' AND EXISTS (
    SELECT FROM visit n
    WHERE n.worker_id = v.worker_id AND n.state = 'in_progress' AND (n.started_at, n.id) > (v.started_at, v.id));
CREATE UNIQUE INDEX visit_in_progress_once ON visit (worker_id) WHERE state = 'in_progress' AND NOT is_forgotten;
