-- The ground: journal, jobs, the built-in registry, the catalogue.
-- Moments are milliseconds since 1970; digests are their 32 raw bytes.

CREATE TABLE journal (
    id            TEXT PRIMARY KEY,
    source        TEXT NOT NULL,
    kind          TEXT NOT NULL,
    dedupe_key    TEXT NOT NULL UNIQUE,
    occurred_at   BIGINT NOT NULL,
    recorded_at   BIGINT NOT NULL,
    state         TEXT NOT NULL,
    reason        TEXT
);
-- What was said is apart from what became of it: it is long, and never changes.
CREATE TABLE journal_body (
    id            TEXT PRIMARY KEY,
    payload       TEXT NOT NULL
);
CREATE INDEX journal_pending ON journal (id) WHERE state = 'pending';

CREATE TABLE job (
    id            TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    payload       TEXT NOT NULL,
    dedupe_key    TEXT,
    priority      BIGINT NOT NULL,
    state         TEXT NOT NULL,
    run_at        BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    lease_owner   TEXT,
    lease_until   BIGINT,
    fence         BIGINT NOT NULL,
    progress      TEXT,
    error         TEXT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX job_queued_once ON job (dedupe_key) WHERE state = 'queued';
CREATE INDEX job_next ON job (priority, run_at, id) WHERE state = 'queued';
CREATE INDEX job_leases ON job (lease_until) WHERE state = 'running';
CREATE INDEX job_by_kind ON job (kind, id);

CREATE TABLE repository (
    name          TEXT COLLATE "C" PRIMARY KEY,
    created_at    BIGINT NOT NULL
);

CREATE TABLE blob (
    digest        BYTEA PRIMARY KEY,
    size          BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE repository_blob (
    repository    TEXT COLLATE "C" NOT NULL REFERENCES repository (name),
    digest        BYTEA NOT NULL REFERENCES blob (digest),
    linked_at     BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
CREATE INDEX repository_blob_by_digest ON repository_blob (digest);

CREATE TABLE manifest (
    digest        BYTEA PRIMARY KEY,
    media_type    TEXT NOT NULL,
    bytes         BYTEA NOT NULL,
    subject       BYTEA,
    artifact_type TEXT,
    annotations   TEXT,
    created_at    BIGINT NOT NULL
);

CREATE TABLE repository_manifest (
    repository    TEXT COLLATE "C" NOT NULL REFERENCES repository (name),
    digest        BYTEA NOT NULL REFERENCES manifest (digest),
    pushed_at     BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
CREATE INDEX repository_manifest_by_digest ON repository_manifest (digest);
CREATE INDEX manifest_by_subject ON manifest (subject) WHERE subject IS NOT NULL;

CREATE TABLE manifest_part (
    manifest      BYTEA NOT NULL REFERENCES manifest (digest),
    part          BYTEA NOT NULL,
    is_manifest   BOOLEAN NOT NULL,
    PRIMARY KEY (manifest, part)
);
CREATE INDEX manifest_part_by_part ON manifest_part (part);

CREATE TABLE registry_tag (
    repository    TEXT COLLATE "C" NOT NULL REFERENCES repository (name),
    name          TEXT COLLATE "C" NOT NULL,
    digest        BYTEA NOT NULL REFERENCES manifest (digest),
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (repository, name)
);
CREATE INDEX registry_tag_by_digest ON registry_tag (repository, digest);

CREATE TABLE tag (
    repository    TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    digest        BYTEA,
    at            BIGINT NOT NULL,
    event         TEXT NOT NULL,
    PRIMARY KEY (repository, name)
);
CREATE INDEX tag_by_digest ON tag (digest);

CREATE TABLE tag_event (
    repository    TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    at            BIGINT NOT NULL,
    event         TEXT NOT NULL,
    digest        BYTEA,
    PRIMARY KEY (repository, name, at, event)
);

CREATE TABLE image (
    digest        BYTEA PRIMARY KEY,
    media_type    TEXT NOT NULL,
    kind          TEXT NOT NULL,
    state         TEXT NOT NULL,
    error         TEXT,
    scan_key      BYTEA,
    first_scanned_at BIGINT,
    scanned_at    BIGINT,
    config_digest BYTEA,
    created_at    BIGINT,
    platform      TEXT,
    service_name  TEXT,
    source_url    TEXT,
    revision      TEXT,
    labels        TEXT NOT NULL,
    config        TEXT NOT NULL,
    compressed_bytes BIGINT NOT NULL,
    raw_bytes     BIGINT NOT NULL,
    file_count    BIGINT NOT NULL
);
CREATE INDEX image_by_service ON image (service_name) WHERE service_name IS NOT NULL;

CREATE TABLE repository_image (
    repository    TEXT COLLATE "C" NOT NULL,
    digest        BYTEA NOT NULL,
    first_seen_at BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
CREATE INDEX repository_image_by_digest ON repository_image (digest);

CREATE TABLE image_child (
    parent        BYTEA NOT NULL REFERENCES image (digest) ON DELETE CASCADE,
    position      BIGINT NOT NULL,
    digest        BYTEA NOT NULL,
    media_type    TEXT NOT NULL,
    size          BIGINT NOT NULL,
    platform      TEXT,
    PRIMARY KEY (parent, position)
);
CREATE INDEX image_child_by_digest ON image_child (digest);

CREATE TABLE layer_scan (
    id            BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    digest        BYTEA NOT NULL,
    started_at    BIGINT NOT NULL
);
CREATE INDEX layer_scan_by_digest ON layer_scan (digest);

CREATE TABLE layer (
    digest        BYTEA PRIMARY KEY,
    scan          BIGINT NOT NULL REFERENCES layer_scan (id),
    scan_key      BYTEA NOT NULL,
    diff_id       BYTEA NOT NULL,
    compressed_bytes BIGINT NOT NULL,
    raw_bytes     BIGINT NOT NULL,
    entries       BIGINT NOT NULL,
    scanned_at    BIGINT NOT NULL
);

CREATE TABLE layer_file (
    scan          BIGINT NOT NULL REFERENCES layer_scan (id) ON DELETE CASCADE,
    path          TEXT COLLATE "C" NOT NULL,
    raw_path      BYTEA,
    kind          BIGINT NOT NULL,
    mode          BIGINT NOT NULL,
    size          BIGINT NOT NULL,
    digest        BYTEA,
    link          TEXT,
    kept          BOOLEAN NOT NULL,
    note          TEXT,
    PRIMARY KEY (scan, path)
);
CREATE INDEX layer_file_kept ON layer_file (scan, path) WHERE kept;
CREATE INDEX layer_file_marks ON layer_file (scan, path) WHERE kind >= 7;

CREATE TABLE image_layer (
    image         BYTEA NOT NULL REFERENCES image (digest) ON DELETE CASCADE,
    position      BIGINT NOT NULL,
    layer         BYTEA NOT NULL,
    diff_id       BYTEA,
    media_type    TEXT NOT NULL,
    size          BIGINT NOT NULL,
    created_by    TEXT,
    PRIMARY KEY (image, position)
);
CREATE INDEX image_layer_by_layer ON image_layer (layer);

CREATE TABLE image_cover (
    image         BYTEA NOT NULL REFERENCES image (digest) ON DELETE CASCADE,
    position      BIGINT NOT NULL,
    path          TEXT COLLATE "C" NOT NULL,
    opaque        BOOLEAN NOT NULL,
    PRIMARY KEY (image, position, path, opaque)
);

CREATE TABLE image_kept (
    image         BYTEA NOT NULL REFERENCES image (digest) ON DELETE CASCADE,
    path          TEXT COLLATE "C" NOT NULL,
    layer         BYTEA NOT NULL,
    digest        BYTEA NOT NULL,
    size          BIGINT NOT NULL,
    PRIMARY KEY (image, path, layer)
);

CREATE TABLE file_content (
    digest        BYTEA PRIMARY KEY,
    size          BIGINT NOT NULL,
    bytes         BYTEA NOT NULL
);
