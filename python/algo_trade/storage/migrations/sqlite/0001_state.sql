CREATE TABLE bots (
    bot_id TEXT PRIMARY KEY,
    config TEXT NOT NULL CHECK (json_valid(config)),
    wanted TEXT NOT NULL CHECK (wanted IN ('running', 'paused', 'stopped')),
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Not tied to bots by a key: a bot that stands in the configuration alone has state too.
CREATE TABLE bot_values (
    bot_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL CHECK (json_valid(value)),
    changed_at TEXT NOT NULL,
    PRIMARY KEY (bot_id, name)
) STRICT, WITHOUT ROWID;

-- A new bot of the same name must not find what the old one was halted for.
CREATE TRIGGER bots_take_their_values AFTER DELETE ON bots
BEGIN
    DELETE FROM bot_values WHERE bot_id = OLD.bot_id;
END;

-- Never deleted from, whatever becomes of the bot: ids of orders are made of epochs. They hold 32 bits of one.
CREATE TABLE epochs (
    name TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL CHECK (epoch BETWEEN 1 AND 4294967295)
) STRICT, WITHOUT ROWID;

-- The key is drawn by who writes, so that writing again what may have been written already changes nothing.
CREATE TABLE audits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    details TEXT NOT NULL CHECK (json_valid(details))
) STRICT;

CREATE TRIGGER audits_are_not_changed BEFORE UPDATE ON audits
BEGIN
    SELECT RAISE(ABORT, 'audits are only appended to');
END;

CREATE TRIGGER audits_are_not_deleted BEFORE DELETE ON audits
BEGIN
    SELECT RAISE(ABORT, 'audits are only appended to');
END;
