-- The sample customer database: what a carrier's billing system would answer. All of it is invented.
-- Run in one transaction at first use; harmless when two do it at once.
CREATE TABLE IF NOT EXISTS customer (
    number        TEXT PRIMARY KEY,             -- Subscriber number, eleven digits.
    balance_fen   INTEGER NOT NULL DEFAULT 0,   -- 100 fen are a yuan.
    due_fen       INTEGER NOT NULL DEFAULT 0,   -- Overdue.
    is_stopped    INTEGER NOT NULL DEFAULT 0,   -- 1: stopped for arrears.
    is_vip        INTEGER NOT NULL DEFAULT 0,
    language      TEXT NOT NULL DEFAULT 'zh-CN',
    password_hash TEXT,                         -- SALT$HASH (sample/passwords.py); NULL: never set.
    tries         INTEGER NOT NULL DEFAULT 0,   -- Password tries booked since the last right one.
    tried_at      REAL NOT NULL DEFAULT 0       -- Of the last one, seconds since the Unix epoch.
) STRICT;

CREATE TABLE IF NOT EXISTS ticket (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    number    TEXT NOT NULL REFERENCES customer (number),
    kind      TEXT NOT NULL,
    opened_at REAL NOT NULL,
    closed_at REAL
) STRICT;

-- One open ticket of a kind for a number: who reports twice hears the same ticket number.
CREATE UNIQUE INDEX IF NOT EXISTS ticket_open ON ticket (number, kind) WHERE closed_at IS NULL;
