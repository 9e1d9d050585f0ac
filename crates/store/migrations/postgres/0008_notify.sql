-- What somebody is told of, by which rule, and what became of that. What is told once is here: a row
-- is written in the change that notices it, with the job that sends it.
CREATE TABLE notification (
    id            TEXT COLLATE "C" PRIMARY KEY,
    rule          TEXT COLLATE "C" NOT NULL,
    -- The word for what happened, and what it happened to.
    occasion      TEXT COLLATE "C" NOT NULL,
    subject       TEXT COLLATE "C" NOT NULL,
    environment   TEXT,
    service       TEXT,
    summary       TEXT NOT NULL,
    -- All that is told of it, as JSON.
    details       TEXT NOT NULL,
    happened_at   BIGINT NOT NULL,
    state         TEXT NOT NULL,
    attempts      BIGINT NOT NULL,
    -- What the receiver answered last.
    status        BIGINT,
    error         TEXT,
    next_at       BIGINT,
    created_at    BIGINT NOT NULL,
    ended_at      BIGINT
);
CREATE UNIQUE INDEX notification_once ON notification (subject, occasion, rule);
CREATE INDEX notification_by_time ON notification (created_at);

-- Since when each rule has been looking at what: nothing is told of what was before.
CREATE TABLE notification_watch (
    rule          TEXT COLLATE "C" NOT NULL,
    occasion      TEXT COLLATE "C" NOT NULL,
    since         BIGINT NOT NULL,
    PRIMARY KEY (rule, occasion)
);
