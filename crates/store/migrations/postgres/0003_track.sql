-- What runs where: facts about tasks and deployments. Rows are merged so that neither the order of
-- arrival nor a repetition matters. A moment that was not observed is the last that can be told.

CREATE TABLE task (
    id            TEXT COLLATE "C" NOT NULL,
    container     TEXT COLLATE "C" NOT NULL,
    position      BIGINT NOT NULL,
    environment   TEXT COLLATE "C" NOT NULL,
    account       TEXT NOT NULL,
    region        TEXT NOT NULL,
    cluster       TEXT NOT NULL,
    ecs_service   TEXT,
    deployment    TEXT COLLATE "C" NOT NULL,
    task_definition TEXT,
    image         TEXT NOT NULL,
    repository    TEXT COLLATE "C",
    tag           TEXT COLLATE "C",
    stated        BYTEA,
    cpu           TEXT,
    memory        TEXT,
    -- The newest word, by version, then time, then content.
    version       BIGINT NOT NULL,
    seen_at       BIGINT NOT NULL,
    mark          BIGINT NOT NULL,
    last_status   TEXT NOT NULL,
    desired_status TEXT NOT NULL,
    health        TEXT,
    exit_code     BIGINT,
    stop_code     TEXT,
    reason        TEXT,
    -- The first moment of each phase.
    pending_at    BIGINT NOT NULL,
    running_at    BIGINT NOT NULL,
    stopping_at   BIGINT NOT NULL,
    stopped_at    BIGINT NOT NULL,
    -- Of a task that no end will be told of: which others take its place, and when one did.
    slot          TEXT COLLATE "C",
    superseded_at BIGINT NOT NULL,
    ended_at      BIGINT NOT NULL GENERATED ALWAYS AS (LEAST(stopped_at, superseded_at)) STORED,
    -- What the catalogue makes of it; no service: the image is not known yet.
    digest        BYTEA,
    service       TEXT COLLATE "C",
    recorded_at   BIGINT NOT NULL,
    PRIMARY KEY (id, container)
);
CREATE INDEX task_by_deployment ON task (deployment, environment);
CREATE INDEX task_by_end ON task (ended_at, environment);
CREATE INDEX task_by_digest ON task (digest, ended_at) WHERE digest IS NOT NULL;
CREATE INDEX task_by_service ON task (service, environment, ended_at) WHERE service IS NOT NULL;
CREATE INDEX task_by_image ON task (repository, tag) WHERE stated IS NULL;
CREATE INDEX task_by_slot ON task (slot, pending_at) WHERE slot IS NOT NULL;

CREATE TABLE deployment (
    environment   TEXT COLLATE "C" NOT NULL,
    key           TEXT COLLATE "C" NOT NULL,
    id            TEXT COLLATE "C" NOT NULL,
    account       TEXT NOT NULL,
    region        TEXT NOT NULL,
    cluster       TEXT NOT NULL,
    ecs_service   TEXT,
    task_definition TEXT,
    deployed_by   TEXT,
    request       TEXT COLLATE "C",
    created_at    BIGINT NOT NULL,
    in_progress_at BIGINT NOT NULL,
    completed_at  BIGINT NOT NULL,
    failed_at     BIGINT NOT NULL,
    reason        TEXT,
    -- Tasks that shall run, and by whose word of when.
    desired       BIGINT,
    desired_at    BIGINT NOT NULL,
    rollback      BOOLEAN NOT NULL,
    -- What the catalogue makes of its first task.
    service       TEXT COLLATE "C",
    digest        BYTEA,
    image         TEXT,
    repository    TEXT COLLATE "C",
    tag           TEXT COLLATE "C",
    recorded_at   BIGINT NOT NULL,
    PRIMARY KEY (key, environment)
);
CREATE INDEX deployment_by_time ON deployment (created_at, environment, key);
CREATE INDEX deployment_by_service ON deployment (environment, service, created_at);
CREATE INDEX deployment_by_id ON deployment (id);
CREATE INDEX deployment_by_request ON deployment (request) WHERE request IS NOT NULL;

CREATE TABLE deployment_request (
    id            TEXT COLLATE "C" PRIMARY KEY,
    environment   TEXT COLLATE "C" NOT NULL,
    service       TEXT COLLATE "C" NOT NULL,
    version       TEXT NOT NULL,
    user_id       TEXT,
    user_name     TEXT,
    instance_count BIGINT,
    cpu           TEXT,
    memory        TEXT,
    at            BIGINT NOT NULL,
    mark          BIGINT NOT NULL
);
CREATE INDEX deployment_request_by_time ON deployment_request (at, id);
CREATE INDEX deployment_request_by_service ON deployment_request (environment, service, at);

-- What the last sweep of an environment found.
CREATE TABLE sweep (
    environment   TEXT COLLATE "C" PRIMARY KEY,
    at            BIGINT NOT NULL,
    services      BIGINT NOT NULL,
    tasks         BIGINT NOT NULL,
    drift         BIGINT NOT NULL,
    error         TEXT
);

CREATE INDEX journal_by_state ON journal (state, id) WHERE state = 'dead';
CREATE INDEX layer_file_by_path ON layer_file (path, scan);
