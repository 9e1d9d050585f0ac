-- Releases, and what became of applying them to environments.
CREATE TABLE release (
    id            TEXT COLLATE "C" PRIMARY KEY,
    project       TEXT COLLATE "C" NOT NULL,
    description   TEXT NOT NULL,
    -- What it was prepared from, as JSON.
    source        TEXT NOT NULL,
    created_by    TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    ci_url        TEXT
);
CREATE INDEX release_by_project ON release (project, created_at, id);

CREATE TABLE release_image (
    release       TEXT COLLATE "C" NOT NULL REFERENCES release (id),
    image         TEXT COLLATE "C" NOT NULL,
    -- The registry's host; empty for the built-in one.
    registry      TEXT NOT NULL,
    repository    TEXT NOT NULL,
    digest        BYTEA NOT NULL,
    tag           TEXT,
    revision      TEXT,
    PRIMARY KEY (release, image)
);
CREATE INDEX release_image_by_digest ON release_image (digest);

CREATE TABLE quarantine (
    release       TEXT COLLATE "C" PRIMARY KEY REFERENCES release (id),
    reason        TEXT NOT NULL,
    created_by    TEXT NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE rollout (
    id            TEXT COLLATE "C" PRIMARY KEY,
    project       TEXT COLLATE "C" NOT NULL,
    environment   TEXT COLLATE "C" NOT NULL,
    release       TEXT COLLATE "C" NOT NULL REFERENCES release (id),
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
);
CREATE INDEX rollout_by_place ON rollout (project, environment, created_at, id);
CREATE INDEX rollout_by_release ON rollout (release, created_at, id);
CREATE INDEX rollout_open ON rollout (id) WHERE finished_at IS NULL;

CREATE TABLE rollout_step (
    rollout       TEXT COLLATE "C" NOT NULL REFERENCES rollout (id),
    name          TEXT COLLATE "C" NOT NULL,
    -- Its place in the order in which the steps were begun.
    position      BIGINT NOT NULL,
    state         TEXT NOT NULL,
    -- What is about to be done, and what it came to, as JSON.
    intent        TEXT NOT NULL,
    outcome       TEXT,
    started_at    BIGINT NOT NULL,
    finished_at   BIGINT,
    PRIMARY KEY (rollout, name)
);

-- Who may change an environment of a project. The number grows with every taking.
CREATE TABLE environment_lease (
    project       TEXT COLLATE "C" NOT NULL,
    environment   TEXT COLLATE "C" NOT NULL,
    rollout       TEXT COLLATE "C" NOT NULL,
    owner         TEXT NOT NULL,
    fence         BIGINT NOT NULL,
    until         BIGINT NOT NULL,
    PRIMARY KEY (project, environment)
);

CREATE TABLE environment_freeze (
    project       TEXT COLLATE "C" NOT NULL,
    environment   TEXT COLLATE "C" NOT NULL,
    reason        TEXT NOT NULL,
    created_by    TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    until         BIGINT,
    PRIMARY KEY (project, environment)
);
