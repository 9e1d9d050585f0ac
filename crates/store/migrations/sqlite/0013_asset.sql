-- What builds made for commits, as it was found where assets are kept.
CREATE TABLE asset_set (
    -- Where it is kept, and by what it is known there.
    bucket        TEXT NOT NULL,
    key           TEXT NOT NULL,
    layout        TEXT NOT NULL,
    project       TEXT NOT NULL,
    scope         TEXT NOT NULL,
    commit_id     TEXT NOT NULL,
    -- The commit that it was built for, where it serves another one too.
    built_commit  TEXT NOT NULL,
    state         TEXT NOT NULL,
    inputs        TEXT,
    signed_by     TEXT,
    made_by       TEXT,
    ci_url        TEXT,
    made_at       BIGINT NOT NULL,
    seen_at       BIGINT NOT NULL,
    files         BIGINT NOT NULL,
    bytes         BIGINT NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE INDEX asset_set_by_commit ON asset_set (commit_id);
CREATE INDEX asset_set_by_time ON asset_set (made_at, bucket, key);

CREATE TABLE asset (
    bucket        TEXT NOT NULL,
    key           TEXT NOT NULL,
    path          TEXT NOT NULL,
    size          BIGINT NOT NULL,
    digest        BLOB,
    PRIMARY KEY (bucket, key, path),
    FOREIGN KEY (bucket, key) REFERENCES asset_set (bucket, key) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX asset_by_digest ON asset (digest);
