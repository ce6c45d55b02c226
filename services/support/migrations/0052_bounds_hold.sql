-- The bounds of 0050 and 0051 hold for what was written before them too.
SET lock_timeout = '2s';

ALTER TABLE household VALIDATE CONSTRAINT household_place_bounded, VALIDATE CONSTRAINT household_area_is_code;
ALTER TABLE customer
    VALIDATE CONSTRAINT customer_name_bounded,
    VALIDATE CONSTRAINT customer_source_is_code,
    VALIDATE CONSTRAINT customer_came_for_bounded,
    VALIDATE CONSTRAINT customer_blocked_for_is_code;
ALTER TABLE contact_point
    VALIDATE CONSTRAINT contact_point_phone_normalised,
    VALIDATE CONSTRAINT contact_point_email_bounded;
ALTER TABLE call
    VALIDATE CONSTRAINT call_rings_bounded,
    VALIDATE CONSTRAINT call_reason_is_code,
    VALIDATE CONSTRAINT call_content_bounded;
ALTER TABLE call_transfer
    VALIDATE CONSTRAINT call_transfer_name_bounded,
    VALIDATE CONSTRAINT call_transfer_gist_bounded;
ALTER TABLE callback VALIDATE CONSTRAINT callback_cause_is_code, VALIDATE CONSTRAINT callback_topics_bounded;
