-- The kinds of statements, also for the rows that were there before.
SET lock_timeout = '2s';

ALTER TABLE penalty_statement VALIDATE CONSTRAINT penalty_statement_kind;
