-- What is to be written into a project's table outside of this store, and is not through yet.
CREATE TABLE table_write (
    -- `release` or `rollout`, and its identity.
    kind          TEXT NOT NULL,
    id            TEXT NOT NULL,
    project       TEXT NOT NULL,
    queued_at     BIGINT NOT NULL,
    -- Why it never will be; without, it is tried until it is.
    refused       TEXT,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX table_write_waiting ON table_write (project, queued_at, id) WHERE refused IS NULL;
