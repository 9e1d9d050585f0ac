-- What is to be written into a project's table outside of this store, and is not through yet.
CREATE TABLE table_write (
    -- `release` or `rollout`, and its identity.
    kind          TEXT COLLATE "C" NOT NULL,
    id            TEXT COLLATE "C" NOT NULL,
    project       TEXT COLLATE "C" NOT NULL,
    queued_at     BIGINT NOT NULL,
    -- Why it never will be; without, it is tried until it is.
    refused       TEXT,
    PRIMARY KEY (kind, id)
);
CREATE INDEX table_write_waiting ON table_write (project, queued_at, id) WHERE refused IS NULL;
