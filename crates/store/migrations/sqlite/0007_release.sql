-- Releases, and what became of applying them to environments.
CREATE TABLE release (
    id            TEXT PRIMARY KEY,
    project       TEXT NOT NULL,
    description   TEXT NOT NULL,
    -- What it was prepared from, as JSON.
    source        TEXT NOT NULL,
    created_by    TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    ci_url        TEXT
) WITHOUT ROWID;
CREATE INDEX release_by_project ON release (project, created_at, id);

CREATE TABLE release_image (
    release       TEXT NOT NULL REFERENCES release (id),
    image         TEXT NOT NULL,
    -- The registry's host; empty for the built-in one.
    registry      TEXT NOT NULL,
    repository    TEXT NOT NULL,
    digest        BLOB NOT NULL,
    tag           TEXT,
    revision      TEXT,
    PRIMARY KEY (release, image)
) WITHOUT ROWID;
CREATE INDEX release_image_by_digest ON release_image (digest);

CREATE TABLE quarantine (
    release       TEXT PRIMARY KEY REFERENCES release (id),
    reason        TEXT NOT NULL,
    created_by    TEXT NOT NULL,
    created_at    BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE rollout (
    id            TEXT PRIMARY KEY,
    project       TEXT NOT NULL,
    environment   TEXT NOT NULL,
    release       TEXT NOT NULL REFERENCES release (id),
    -- What shall be done, and how, as JSON.
    plan          TEXT NOT NULL,
    options       TEXT NOT NULL,
    state         TEXT NOT NULL,
    reason        TEXT,
    created_by    TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    ci_url        TEXT,
    approved_by   TEXT,
    approved_at   BIGINT,
    started_at    BIGINT,
    finished_at   BIGINT
) WITHOUT ROWID;
CREATE INDEX rollout_by_place ON rollout (project, environment, created_at, id);
CREATE INDEX rollout_by_release ON rollout (release, created_at, id);
CREATE INDEX rollout_open ON rollout (id) WHERE finished_at IS NULL;

CREATE TABLE rollout_step (
    rollout       TEXT NOT NULL REFERENCES rollout (id),
    name          TEXT NOT NULL,
    -- Its place in the order in which the steps were begun.
    position      BIGINT NOT NULL,
    state         TEXT NOT NULL,
    -- What is about to be done, and what it came to, as JSON.
    intent        TEXT NOT NULL,
    outcome       TEXT,
    started_at    BIGINT NOT NULL,
    finished_at   BIGINT,
    PRIMARY KEY (rollout, name)
) WITHOUT ROWID;

-- Who may change an environment of a project. The number grows with every taking.
CREATE TABLE environment_lease (
    project       TEXT NOT NULL,
    environment   TEXT NOT NULL,
    rollout       TEXT NOT NULL,
    owner         TEXT NOT NULL,
    fence         BIGINT NOT NULL,
    until         BIGINT NOT NULL,
    PRIMARY KEY (project, environment)
) WITHOUT ROWID;

CREATE TABLE environment_freeze (
    project       TEXT NOT NULL,
    environment   TEXT NOT NULL,
    reason        TEXT NOT NULL,
    created_by    TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    until         BIGINT,
    PRIMARY KEY (project, environment)
) WITHOUT ROWID;
