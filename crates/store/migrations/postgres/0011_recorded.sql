-- What would run of services where nothing can run it: it is recorded, and no more.
CREATE TABLE recorded_service (
    project       TEXT COLLATE "C" NOT NULL,
    environment   TEXT COLLATE "C" NOT NULL,
    service       TEXT COLLATE "C" NOT NULL,
    deployment    TEXT COLLATE "C" NOT NULL,
    -- What its tasks are, as JSON.
    definition    TEXT NOT NULL,
    at            BIGINT NOT NULL,
    PRIMARY KEY (project, environment, service)
);
CREATE INDEX recorded_service_by_environment ON recorded_service (environment, project, service);
