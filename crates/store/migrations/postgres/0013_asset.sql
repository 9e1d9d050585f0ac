-- What builds made for commits, as it was found where assets are kept.
CREATE TABLE asset_set (
    -- Where it is kept, and by what it is known there.
    bucket        TEXT COLLATE "C" NOT NULL,
    key           TEXT COLLATE "C" NOT NULL,
    layout        TEXT COLLATE "C" NOT NULL,
    project       TEXT COLLATE "C" NOT NULL,
    scope         TEXT COLLATE "C" NOT NULL,
    commit_id     TEXT COLLATE "C" NOT NULL,
    -- The commit that it was built for, where it serves another one too.
    built_commit  TEXT COLLATE "C" NOT NULL,
    state         TEXT COLLATE "C" NOT NULL,
    inputs        TEXT COLLATE "C",
    signed_by     TEXT COLLATE "C",
    made_by       TEXT COLLATE "C",
    ci_url        TEXT COLLATE "C",
    made_at       BIGINT NOT NULL,
    seen_at       BIGINT NOT NULL,
    files         BIGINT NOT NULL,
    bytes         BIGINT NOT NULL,
    PRIMARY KEY (bucket, key)
);
CREATE INDEX asset_set_by_commit ON asset_set (commit_id);
CREATE INDEX asset_set_by_time ON asset_set (made_at, bucket, key);

CREATE TABLE asset (
    bucket        TEXT COLLATE "C" NOT NULL,
    key           TEXT COLLATE "C" NOT NULL,
    path          TEXT COLLATE "C" NOT NULL,
    size          BIGINT NOT NULL,
    digest        BYTEA,
    PRIMARY KEY (bucket, key, path),
    FOREIGN KEY (bucket, key) REFERENCES asset_set (bucket, key) ON DELETE CASCADE
);
CREATE INDEX asset_by_digest ON asset (digest);
