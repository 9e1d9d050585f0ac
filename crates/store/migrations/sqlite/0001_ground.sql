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
) WITHOUT ROWID;
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
) WITHOUT ROWID;
CREATE UNIQUE INDEX job_queued_once ON job (dedupe_key) WHERE state = 'queued';
CREATE INDEX job_next ON job (priority, run_at, id) WHERE state = 'queued';
CREATE INDEX job_leases ON job (lease_until) WHERE state = 'running';
CREATE INDEX job_by_kind ON job (kind, id);

CREATE TABLE repository (
    name          TEXT PRIMARY KEY,
    created_at    BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE blob (
    digest        BLOB PRIMARY KEY,
    size          BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE repository_blob (
    repository    TEXT NOT NULL REFERENCES repository (name),
    digest        BLOB NOT NULL REFERENCES blob (digest),
    linked_at     BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX repository_blob_by_digest ON repository_blob (digest);

CREATE TABLE manifest (
    digest        BLOB PRIMARY KEY,
    media_type    TEXT NOT NULL,
    bytes         BLOB NOT NULL,
    subject       BLOB,
    artifact_type TEXT,
    annotations   TEXT,
    created_at    BIGINT NOT NULL
);

CREATE TABLE repository_manifest (
    repository    TEXT NOT NULL REFERENCES repository (name),
    digest        BLOB NOT NULL REFERENCES manifest (digest),
    pushed_at     BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX repository_manifest_by_digest ON repository_manifest (digest);
CREATE INDEX manifest_by_subject ON manifest (subject) WHERE subject IS NOT NULL;

CREATE TABLE manifest_part (
    manifest      BLOB NOT NULL REFERENCES manifest (digest),
    part          BLOB NOT NULL,
    is_manifest   BOOLEAN NOT NULL,
    PRIMARY KEY (manifest, part)
) WITHOUT ROWID;
CREATE INDEX manifest_part_by_part ON manifest_part (part);

CREATE TABLE registry_tag (
    repository    TEXT NOT NULL REFERENCES repository (name),
    name          TEXT NOT NULL,
    digest        BLOB NOT NULL REFERENCES manifest (digest),
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE INDEX registry_tag_by_digest ON registry_tag (repository, digest);

CREATE TABLE tag (
    repository    TEXT NOT NULL,
    name          TEXT NOT NULL,
    digest        BLOB,
    at            BIGINT NOT NULL,
    event         TEXT NOT NULL,
    PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE INDEX tag_by_digest ON tag (digest);

CREATE TABLE tag_event (
    repository    TEXT NOT NULL,
    name          TEXT NOT NULL,
    at            BIGINT NOT NULL,
    event         TEXT NOT NULL,
    digest        BLOB,
    PRIMARY KEY (repository, name, at, event)
) WITHOUT ROWID;

CREATE TABLE image (
    digest        BLOB PRIMARY KEY,
    media_type    TEXT NOT NULL,
    kind          TEXT NOT NULL,
    state         TEXT NOT NULL,
    error         TEXT,
    scan_key      BLOB,
    first_scanned_at BIGINT,
    scanned_at    BIGINT,
    config_digest BLOB,
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
) WITHOUT ROWID;
CREATE INDEX image_by_service ON image (service_name) WHERE service_name IS NOT NULL;

CREATE TABLE repository_image (
    repository    TEXT NOT NULL,
    digest        BLOB NOT NULL,
    first_seen_at BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX repository_image_by_digest ON repository_image (digest);

CREATE TABLE image_child (
    parent        BLOB NOT NULL REFERENCES image (digest) ON DELETE CASCADE,
    position      BIGINT NOT NULL,
    digest        BLOB NOT NULL,
    media_type    TEXT NOT NULL,
    size          BIGINT NOT NULL,
    platform      TEXT,
    PRIMARY KEY (parent, position)
) WITHOUT ROWID;
CREATE INDEX image_child_by_digest ON image_child (digest);

CREATE TABLE layer_scan (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    digest        BLOB NOT NULL,
    started_at    BIGINT NOT NULL
);
CREATE INDEX layer_scan_by_digest ON layer_scan (digest);

CREATE TABLE layer (
    digest        BLOB PRIMARY KEY,
    scan          BIGINT NOT NULL REFERENCES layer_scan (id),
    scan_key      BLOB NOT NULL,
    diff_id       BLOB NOT NULL,
    compressed_bytes BIGINT NOT NULL,
    raw_bytes     BIGINT NOT NULL,
    entries       BIGINT NOT NULL,
    scanned_at    BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE layer_file (
    scan          BIGINT NOT NULL REFERENCES layer_scan (id) ON DELETE CASCADE,
    path          TEXT NOT NULL,
    raw_path      BLOB,
    kind          BIGINT NOT NULL,
    mode          BIGINT NOT NULL,
    size          BIGINT NOT NULL,
    digest        BLOB,
    link          TEXT,
    kept          BOOLEAN NOT NULL,
    note          TEXT,
    PRIMARY KEY (scan, path)
) WITHOUT ROWID;
CREATE INDEX layer_file_kept ON layer_file (scan, path) WHERE kept;
CREATE INDEX layer_file_marks ON layer_file (scan, path) WHERE kind >= 7;

CREATE TABLE image_layer (
    image         BLOB NOT NULL REFERENCES image (digest) ON DELETE CASCADE,
    position      BIGINT NOT NULL,
    layer         BLOB NOT NULL,
    diff_id       BLOB,
    media_type    TEXT NOT NULL,
    size          BIGINT NOT NULL,
    created_by    TEXT,
    PRIMARY KEY (image, position)
) WITHOUT ROWID;
CREATE INDEX image_layer_by_layer ON image_layer (layer);

CREATE TABLE image_cover (
    image         BLOB NOT NULL REFERENCES image (digest) ON DELETE CASCADE,
    position      BIGINT NOT NULL,
    path          TEXT NOT NULL,
    opaque        BOOLEAN NOT NULL,
    PRIMARY KEY (image, position, path, opaque)
) WITHOUT ROWID;

CREATE TABLE image_kept (
    image         BLOB NOT NULL REFERENCES image (digest) ON DELETE CASCADE,
    path          TEXT NOT NULL,
    layer         BLOB NOT NULL,
    digest        BLOB NOT NULL,
    size          BIGINT NOT NULL,
    PRIMARY KEY (image, path, layer)
) WITHOUT ROWID;

CREATE TABLE file_content (
    digest        BLOB PRIMARY KEY,
    size          BIGINT NOT NULL,
    bytes         BLOB NOT NULL
);
