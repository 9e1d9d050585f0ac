-- Repositories of source code and the teams that have them, as their owner lists them.
CREATE TABLE source_repository (
    name             TEXT PRIMARY KEY,
    description      TEXT,
    primary_language TEXT,
    url              TEXT,
    is_archived      BOOLEAN NOT NULL,
    is_template      BOOLEAN NOT NULL,
    is_private       BOOLEAN NOT NULL,
    created_at       BIGINT
) WITHOUT ROWID;

CREATE TABLE source_team (
    slug             TEXT PRIMARY KEY,
    name             TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE source_repository_team (
    repository       TEXT NOT NULL REFERENCES source_repository (name) ON DELETE CASCADE,
    team             TEXT NOT NULL REFERENCES source_team (slug) ON DELETE CASCADE,
    PRIMARY KEY (repository, team)
) WITHOUT ROWID;
CREATE INDEX source_repository_by_team ON source_repository_team (team, repository);

-- When work that is done again and again is due next. Whoever moves that on queues the work.
CREATE TABLE periodic (
    name             TEXT PRIMARY KEY,
    due_at           BIGINT NOT NULL
) WITHOUT ROWID;
