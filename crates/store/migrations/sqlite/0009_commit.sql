-- Commits of source repositories, as whoever prepares releases told them. They never change.
CREATE TABLE source_commit (
    id            TEXT PRIMARY KEY,
    subject       TEXT NOT NULL,
    author        TEXT NOT NULL,
    committed_at  BIGINT NOT NULL
) WITHOUT ROWID;

-- A parent may be one that nobody told of.
CREATE TABLE source_commit_parent (
    child         TEXT NOT NULL REFERENCES source_commit (id),
    position      BIGINT NOT NULL,
    parent        TEXT NOT NULL,
    PRIMARY KEY (child, position)
) WITHOUT ROWID;
