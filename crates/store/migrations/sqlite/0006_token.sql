-- Tokens that let their holders in. Of a token itself only the SHA-256 digest is kept.
CREATE TABLE token (
    id               TEXT PRIMARY KEY,
    name             TEXT NOT NULL,
    digest           BLOB NOT NULL UNIQUE,
    -- Separated by blanks.
    scopes           TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT,
    last_used_at     BIGINT,
    revoked_at       BIGINT
) WITHOUT ROWID;
CREATE UNIQUE INDEX token_by_name ON token (name) WHERE revoked_at IS NULL;
