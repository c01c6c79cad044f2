-- json and not jsonb: what is given is what comes back, numbers and order of fields too. Names sort as in SQLite, byte by byte.
CREATE TABLE bots (
    bot_id TEXT COLLATE "C" PRIMARY KEY,
    config JSON NOT NULL,
    wanted TEXT NOT NULL CHECK (wanted IN ('running', 'paused', 'stopped')),
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL
);

-- Not tied to bots by a key: a bot that stands in the configuration alone has state too.
CREATE TABLE bot_values (
    bot_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    value JSON NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (bot_id, name)
);

-- A new bot of the same name must not find what the old one was halted for.
CREATE FUNCTION bots_take_their_values() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM bot_values WHERE bot_id = OLD.bot_id;
    RETURN NULL;
END;
$$;
CREATE TRIGGER bots_take_their_values AFTER DELETE ON bots FOR EACH ROW EXECUTE FUNCTION bots_take_their_values();

-- Never deleted from, whatever becomes of the bot: ids of orders are made of epochs. They hold 32 bits of one.
CREATE TABLE epochs (
    name TEXT COLLATE "C" PRIMARY KEY,
    epoch BIGINT NOT NULL CHECK (epoch BETWEEN 1 AND 4294967295)
);

-- The key is drawn by who writes, so that writing again what may have been written already changes nothing.
CREATE TABLE audits (
    id BIGINT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    at TIMESTAMPTZ NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    details JSON NOT NULL
);

-- A sequence gives out numbers before their rows are there for others: who reads on from the highest one seen would miss rows.
CREATE FUNCTION audits_are_numbered() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('algo_trade audits', 0));
    NEW.id := (SELECT coalesce(max(id), 0) + 1 FROM audits);
    RETURN NEW;
END;
$$;
CREATE TRIGGER audits_are_numbered BEFORE INSERT ON audits FOR EACH ROW EXECUTE FUNCTION audits_are_numbered();

CREATE FUNCTION audits_are_not_changed() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audits are only appended to';
END;
$$;
CREATE TRIGGER audits_are_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audits EXECUTE FUNCTION audits_are_not_changed();

-- Who runs what. The embedded store has files for it (storage/file_lease.py).
-- renewals: moves on as long as the holder lives. The times are for people; no process trusts another's clock.
-- lasts_s: how long a holder may believe in it after a renewal; 0 once it was given up.
CREATE TABLE leases (
    name TEXT COLLATE "C" PRIMARY KEY,
    epoch BIGINT NOT NULL,
    owner TEXT NOT NULL,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    renewed_at TIMESTAMPTZ NOT NULL,
    renewals BIGINT NOT NULL,
    lasts_s DOUBLE PRECISION NOT NULL
);
