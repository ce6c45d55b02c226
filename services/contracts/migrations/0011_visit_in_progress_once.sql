-- Nobody is at two places at once: the planned windows are held apart by visit_worker_once, the real ones by this.
SET lock_timeout = '2s';

CREATE UNIQUE INDEX visit_in_progress_once ON visit (worker_id) WHERE state = 'in_progress';
