-- Timers that are over are deleted after as long as the journal keeps its partitions: this is how they are found.
SET lock_timeout = '2s';
CREATE INDEX timer_over ON timer (due_at) WHERE state <> 'running';
