-- An entry is written once and never again, so what waits and what is dead stands apart from it; an
-- entry that is in neither table was acted on. Identities are their 16 bytes. Of the key by which a
-- repetition is known only 16 bytes of its SHA-256 are kept; keys of entries from before this are kept
-- as they were, and so a repetition of one of those is recorded once more, which changes no fact.
ALTER TABLE journal RENAME TO journal_before;
DROP INDEX journal_pending;
DROP INDEX journal_by_state;
CREATE TABLE journal (
    id            BYTEA PRIMARY KEY,
    source        TEXT NOT NULL,
    kind          TEXT NOT NULL,
    dedupe        BYTEA NOT NULL UNIQUE,
    occurred_at   BIGINT NOT NULL,
    recorded_at   BIGINT NOT NULL,
    -- How long the payload is unpacked; NULL: it is kept as it was said.
    raw_bytes     BIGINT,
    payload       BYTEA NOT NULL
);
CREATE TABLE journal_pending (
    id            BYTEA PRIMARY KEY
);
CREATE TABLE journal_dead (
    id            BYTEA PRIMARY KEY,
    reason        TEXT NOT NULL
);
INSERT INTO journal (id, source, kind, dedupe, occurred_at, recorded_at, raw_bytes, payload)
    SELECT decode(replace(id, '-', ''), 'hex'), source, kind, convert_to(dedupe_key, 'UTF8'), occurred_at, recorded_at, NULL, convert_to(payload, 'UTF8')
    FROM journal_before JOIN journal_body USING (id) ORDER BY id;
INSERT INTO journal_pending SELECT decode(replace(id, '-', ''), 'hex') FROM journal_before WHERE state = 'pending';
INSERT INTO journal_dead SELECT decode(replace(id, '-', ''), 'hex'), COALESCE(reason, '') FROM journal_before WHERE state = 'dead';
DROP TABLE journal_before;
DROP TABLE journal_body;
