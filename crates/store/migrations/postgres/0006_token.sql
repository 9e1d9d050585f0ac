-- Tokens that let their holders in. Of a token itself only the SHA-256 digest is kept.
CREATE TABLE token (
    id               TEXT COLLATE "C" PRIMARY KEY,
    name             TEXT COLLATE "C" NOT NULL,
    digest           BYTEA NOT NULL UNIQUE,
    -- Separated by blanks.
    scopes           TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT,
    last_used_at     BIGINT,
    revoked_at       BIGINT
);
CREATE UNIQUE INDEX token_by_name ON token (name) WHERE revoked_at IS NULL;
