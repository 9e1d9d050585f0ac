-- What would run of services where nothing can run it: it is recorded, and no more.
CREATE TABLE recorded_service (
    project       TEXT NOT NULL,
    environment   TEXT NOT NULL,
    service       TEXT NOT NULL,
    deployment    TEXT NOT NULL,
    -- What its tasks are, as JSON.
    definition    TEXT NOT NULL,
    at            BIGINT NOT NULL,
    PRIMARY KEY (project, environment, service)
) WITHOUT ROWID;
CREATE INDEX recorded_service_by_environment ON recorded_service (environment, project, service);
