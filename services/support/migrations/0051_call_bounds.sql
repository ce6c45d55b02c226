-- What the record of a call and of a callback may hold: codes are codes, texts have an end.
SET lock_timeout = '2s';

ALTER TABLE call
    ADD CONSTRAINT call_rings_bounded CHECK (rings <= 3600) NOT VALID,
    ADD CONSTRAINT call_reason_is_code CHECK (reason ~ '^[a-z][a-z0-9_]{0,39}$') NOT VALID,
    ADD CONSTRAINT call_content_bounded
        CHECK (greatest(length(caller_name ->> 'given'), length(place ->> 'given'), length(topic ->> 'given'), length(why ->> 'given')) <= 4000)
        NOT VALID;
ALTER TABLE call_transfer
    ADD CONSTRAINT call_transfer_name_bounded CHECK (length(caller_name) BETWEEN 1 AND 100) NOT VALID,
    ADD CONSTRAINT call_transfer_gist_bounded CHECK (length(gist) BETWEEN 1 AND 4000) NOT VALID;
ALTER TABLE callback
    ADD CONSTRAINT callback_cause_is_code CHECK (cause ~ '^[a-z][a-z0-9_]{0,39}$') NOT VALID,
    ADD CONSTRAINT callback_topics_bounded CHECK (cardinality(topics) <= 10) NOT VALID;
