-- Commits of source repositories, as whoever prepares releases told them. They never change.
CREATE TABLE source_commit (
    id            TEXT COLLATE "C" PRIMARY KEY,
    subject       TEXT NOT NULL,
    author        TEXT NOT NULL,
    committed_at  BIGINT NOT NULL
);

-- A parent may be one that nobody told of.
CREATE TABLE source_commit_parent (
    child         TEXT COLLATE "C" NOT NULL REFERENCES source_commit (id),
    position      BIGINT NOT NULL,
    parent        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (child, position)
);
