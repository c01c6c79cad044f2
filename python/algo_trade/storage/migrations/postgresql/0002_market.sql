-- Tables for rows of markets: bars, trades, books, fills and the rest, in a schema of their own.
--
--     psql -X -v ON_ERROR_STOP=1 --single-transaction -f scripts/setup_timescale.sql ADDRESS
--
-- With TimescaleDB in the database the large ones are hypertables: compressed after 7 days, dropped by age, and bars of a minute are added up to
-- bigger ones. Without it they are partitions of PostgreSQL's own, of which `SELECT algo_trade.market_maintain()` takes care. Nothing
-- is changed that is there already, so that it may be run again. The program makes the same tables when it first opens a database.
--
-- Made by `python -m algo_trade.storage.market.script`, of the same columns that files have: change them there.

-- Whoever owns the schema need not have the right to make one.
DO $$
BEGIN
    IF to_regnamespace('algo_trade') IS NULL THEN
        CREATE SCHEMA algo_trade;
    END IF;
END;
$$;

-- A database that may have the extension gets it; where it is not loaded with the server, asking for it would end the connection.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
        AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
        AND EXISTS (SELECT FROM pg_settings WHERE name = 'shared_preload_libraries' AND setting LIKE '%timescaledb%') THEN
        CREATE EXTENSION timescaledb;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'no right to create the extension timescaledb: tables get partitions of PostgreSQL''s own';
END;
$$;

-- The schema that TimescaleDB lies in; NULL: it is not installed.
CREATE OR REPLACE FUNCTION algo_trade.market_timescale() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT nspname::text FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'timescaledb'
$$;

-- Large tables: in how long pieces each lies, for how long it is kept (NULL: for ever), and whose pieces they are.
CREATE TABLE IF NOT EXISTS algo_trade.market_tables (
    name text PRIMARY KEY,
    time_column text NOT NULL,
    step interval NOT NULL,
    keep interval,
    engine text NOT NULL CHECK (engine IN ('timescaledb', 'postgresql'))
);

-- Rows that are equal in their order keep the one in which they were written. No cache: two sessions would draw out of turn.
CREATE SEQUENCE IF NOT EXISTS algo_trade.market_ordinal CACHE 1;

-- Keeps the rows of a large table for so long; NULL: for ever.
CREATE OR REPLACE FUNCTION algo_trade.market_keep(table_name text, keep_for interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kind algo_trade.market_tables;
    ext text := algo_trade.market_timescale();
    place text := format('algo_trade.%I', table_name);
BEGIN
    UPDATE algo_trade.market_tables SET keep = keep_for WHERE name = table_name RETURNING * INTO kind;
    IF kind.name IS NULL THEN
        RAISE EXCEPTION 'market_keep: % is no large table', table_name;
    END IF;
    IF kind.engine = 'timescaledb' AND current_setting('timescaledb.license', true) = 'timescale' THEN
        EXECUTE format('SELECT %I.remove_retention_policy(%L, if_exists => true)', ext, place);
        IF keep_for IS NOT NULL THEN
            EXECUTE format('SELECT %I.add_retention_policy(%L, %L::interval)', ext, place, keep_for);
        END IF;
    END IF;
END;
$$;

-- Makes a large table, if it is not there: a hypertable of TimescaleDB, or one with partitions of PostgreSQL's own.
CREATE OR REPLACE FUNCTION algo_trade.market_make(
    table_name text, columns text, time_column text, step interval, keep interval, segment_by text, order_by text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ext text := algo_trade.market_timescale();
    place text := format('algo_trade.%I', table_name);
BEGIN
    IF to_regclass(place) IS NOT NULL THEN
        RETURN;
    END IF;
    INSERT INTO algo_trade.market_tables
    VALUES (table_name, time_column, step, NULL, CASE WHEN ext IS NULL THEN 'postgresql' ELSE 'timescaledb' END);
    IF ext IS NULL THEN
        EXECUTE format('CREATE TABLE %s (%s) PARTITION BY RANGE (%I)', place, columns, time_column);
        EXECUTE format('CREATE TABLE algo_trade.%I PARTITION OF %s DEFAULT', table_name || '_default', place);
    ELSE
        EXECUTE format('CREATE TABLE %s (%s)', place, columns);
        EXECUTE format(
            'SELECT %I.create_hypertable(%L::regclass, %L::name, chunk_time_interval => %L::interval, create_default_indexes => false)',
            ext, place, time_column, step);
        -- What compresses comes with the licence of TimescaleDB's makers alone.
        IF current_setting('timescaledb.license', true) = 'timescale' THEN
            EXECUTE format(
                'ALTER TABLE %s SET (timescaledb.compress, timescaledb.compress_segmentby = %L, timescaledb.compress_orderby = %L)',
                place, segment_by, order_by);
            EXECUTE format('SELECT %I.add_compression_policy(%L::regclass, INTERVAL ''7 days'')', ext, place);
        END IF;
    END IF;
    PERFORM algo_trade.market_keep(table_name, keep);
END;
$$;

-- Makes the partitions in which these moments lie, and moves what the default partition holds of them. Returns how many are new.
-- Nothing is to be done with TimescaleDB, which makes its own.
CREATE OR REPLACE FUNCTION algo_trade.market_partition(table_name text, moments timestamptz[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    kind algo_trade.market_tables;
    first timestamptz;
    part text;
    made integer := 0;
BEGIN
    SELECT * INTO kind FROM algo_trade.market_tables WHERE name = table_name;
    IF kind.engine IS DISTINCT FROM 'postgresql' THEN
        RETURN 0;
    END IF;
    FOR first IN
        SELECT DISTINCT date_bin(kind.step, moment, TIMESTAMPTZ '2000-01-03 00:00+00') FROM unnest(moments) AS moment ORDER BY 1
    LOOP
        part := table_name || to_char(first AT TIME ZONE 'UTC', '_pYYYYMMDD');
        CONTINUE WHEN to_regclass(format('algo_trade.%I', part)) IS NOT NULL;
        -- Whoever comes second sees what the first has made; and nobody may put into the default partition what is moved out of it.
        PERFORM pg_advisory_xact_lock(hashtextextended('algo_trade partitions', 0));
        -- Asked of the table itself: what to_regclass has not found a moment ago, it would remember not to have found.
        CONTINUE WHEN EXISTS (SELECT FROM pg_class WHERE relname = part AND relnamespace = 'algo_trade'::regnamespace);
        EXECUTE format('LOCK TABLE algo_trade.%I IN ACCESS EXCLUSIVE MODE', table_name || '_default');
        EXECUTE format('CREATE TABLE algo_trade.%I (LIKE algo_trade.%I INCLUDING ALL)', part, table_name);
        EXECUTE format(
            'WITH moved AS (DELETE FROM algo_trade.%I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO algo_trade.%I SELECT * FROM moved',
            table_name || '_default', kind.time_column, first, kind.time_column, first + kind.step, part);
        EXECUTE format(
            'ALTER TABLE algo_trade.%I ATTACH PARTITION algo_trade.%I FOR VALUES FROM (%L) TO (%L)',
            table_name, part, first, first + kind.step);
        made := made + 1;
    END LOOP;
    RETURN made;
END;
$$;

-- Drops whatever of a large table lies wholly before a time; returns how many pieces went.
CREATE OR REPLACE FUNCTION algo_trade.market_drop(table_name text, before timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    kind algo_trade.market_tables;
    ext text := algo_trade.market_timescale();
    part text;
    gone integer := 0;
BEGIN
    SELECT * INTO kind FROM algo_trade.market_tables WHERE name = table_name;
    IF kind.name IS NULL THEN
        RAISE EXCEPTION 'market_drop: % is no large table', table_name;
    END IF;
    IF kind.engine = 'timescaledb' THEN
        EXECUTE format(
            'SELECT count(*) FROM %I.drop_chunks(%L::regclass, older_than => %L::timestamptz)',
            ext, format('algo_trade.%I', table_name), before) INTO gone;
        RETURN gone;
    END IF;
    FOR part IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = format('algo_trade.%I', table_name)::regclass AND relname ~ '_p[0-9]{8}$'
          AND to_date(right(relname, 8), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC' + kind.step <= before
        ORDER BY 1
    LOOP
        EXECUTE format('DROP TABLE algo_trade.%I', part);
        gone := gone + 1;
    END LOOP;
    EXECUTE format('DELETE FROM algo_trade.%I WHERE %I < %L', table_name || '_default', kind.time_column, before);
    RETURN gone;
END;
$$;

-- What has to be done now and then (by cron, daily) where PostgreSQL makes the partitions: some ahead of time, others for what has come
-- to lie in the default partition; and what is older than it is to be kept goes. TimescaleDB has jobs for it.
CREATE OR REPLACE FUNCTION algo_trade.market_maintain(ahead interval DEFAULT '14 days') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kind algo_trade.market_tables;
    moments timestamptz[];
BEGIN
    FOR kind IN SELECT * FROM algo_trade.market_tables WHERE engine = 'postgresql' ORDER BY name LOOP
        IF kind.keep IS NOT NULL THEN
            PERFORM algo_trade.market_drop(kind.name, now() - kind.keep);
        END IF;
        EXECUTE format(
            'SELECT array_agg(DISTINCT date_bin(%L, %I, TIMESTAMPTZ ''2000-01-03 00:00+00'')) FROM algo_trade.%I',
            kind.step, kind.time_column, kind.name || '_default') INTO moments;
        SELECT moments || array_agg(moment) INTO moments FROM generate_series(now(), now() + ahead + kind.step, kind.step) AS moment;
        PERFORM algo_trade.market_partition(kind.name, moments);
    END LOOP;
END;
$$;

-- Makes a view of bigger bars, if it is not there: one that TimescaleDB keeps up to date, or one that is computed when it is read.
CREATE OR REPLACE FUNCTION algo_trade.market_aggregate(view_name text, length interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ext text := algo_trade.market_timescale();
    place text := format('algo_trade.%I', view_name);
    is_kept boolean := (SELECT engine = 'timescaledb' FROM algo_trade.market_tables WHERE name = 'ohlcv')
        AND current_setting('timescaledb.license', true) = 'timescale';
BEGIN
    IF to_regclass(place) IS NOT NULL THEN
        RETURN;
    END IF;
    IF is_kept THEN
        EXECUTE format(
            'CREATE MATERIALIZED VIEW %s WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
             SELECT venue, symbol, %I.time_bucket(INTERVAL %L, "timestamp") AS "timestamp",
                    %I.first(open, "timestamp") AS open, max(high) AS high, min(low) AS low,
                    %I.last(close, "timestamp") AS close, sum(volume) AS volume
             FROM algo_trade.ohlcv WHERE resolution_ns = 60000000000 GROUP BY 1, 2, 3 WITH NO DATA',
            place, ext, length, ext, ext);
        -- From the beginning: what comes late is made anew too, and nothing else is.
        EXECUTE format(
            'SELECT %I.add_continuous_aggregate_policy(%L::regclass, start_offset => NULL, end_offset => %L::interval,
                 schedule_interval => %L::interval)',
            ext, place, length, least(length, INTERVAL '1 hour'));
    ELSE
        EXECUTE format(
            'CREATE VIEW %s AS
             SELECT venue, symbol, date_bin(%L, "timestamp", TIMESTAMPTZ ''2000-01-03 00:00+00'') AS "timestamp",
                    (array_agg(open ORDER BY "timestamp"))[1] AS open, max(high) AS high, min(low) AS low,
                    (array_agg(close ORDER BY "timestamp" DESC))[1] AS close, sum(volume) AS volume
             FROM algo_trade.ohlcv WHERE resolution_ns = 60000000000 GROUP BY 1, 2, 3',
            place, length);
    END IF;
END;
$$;

DO $do$
BEGIN
PERFORM algo_trade.market_make('trades', $$
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    exchange_time timestamptz NOT NULL,
    exchange_time_ns smallint NOT NULL DEFAULT 0 CHECK (exchange_time_ns BETWEEN 0 AND 999),
    local_time timestamptz NOT NULL,
    local_time_ns smallint NOT NULL DEFAULT 0 CHECK (local_time_ns BETWEEN 0 AND 999),
    kind smallint NOT NULL,
    side smallint NOT NULL,
    price numeric(20, 8) NOT NULL,
    quantity numeric(20, 8) NOT NULL,
    order_id numeric(20, 0) NOT NULL,
    sequence numeric(20, 0) NOT NULL,
    flags integer NOT NULL,
    aux bigint NOT NULL,
    ordinal bigint NOT NULL DEFAULT nextval('algo_trade.market_ordinal'),
    PRIMARY KEY (venue, symbol, exchange_time, exchange_time_ns, sequence, kind, side, price, quantity, order_id, aux)
$$, 'exchange_time', '1 days', '730 days',
    segment_by => 'venue, symbol', order_by => 'exchange_time, exchange_time_ns, sequence, ordinal');
END;
$do$;

DO $do$
BEGIN
PERFORM algo_trade.market_make('orders', $$
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    exchange_time timestamptz NOT NULL,
    exchange_time_ns smallint NOT NULL DEFAULT 0 CHECK (exchange_time_ns BETWEEN 0 AND 999),
    local_time timestamptz NOT NULL,
    local_time_ns smallint NOT NULL DEFAULT 0 CHECK (local_time_ns BETWEEN 0 AND 999),
    kind smallint NOT NULL,
    side smallint NOT NULL,
    price numeric(20, 8) NOT NULL,
    quantity numeric(20, 8) NOT NULL,
    order_id numeric(20, 0) NOT NULL,
    sequence numeric(20, 0) NOT NULL,
    flags integer NOT NULL,
    aux bigint NOT NULL,
    ordinal bigint NOT NULL DEFAULT nextval('algo_trade.market_ordinal'),
    PRIMARY KEY (venue, symbol, exchange_time, exchange_time_ns, sequence, kind, side, price, quantity, order_id, flags, aux)
$$, 'exchange_time', '1 days', '90 days',
    segment_by => 'venue, symbol', order_by => 'exchange_time, exchange_time_ns, sequence, ordinal');
END;
$do$;

DO $do$
BEGIN
PERFORM algo_trade.market_make('book', $$
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    exchange_time timestamptz NOT NULL,
    exchange_time_ns smallint NOT NULL DEFAULT 0 CHECK (exchange_time_ns BETWEEN 0 AND 999),
    local_time timestamptz NOT NULL,
    local_time_ns smallint NOT NULL DEFAULT 0 CHECK (local_time_ns BETWEEN 0 AND 999),
    kind smallint NOT NULL,
    side smallint NOT NULL,
    price numeric(20, 8) NOT NULL,
    quantity numeric(20, 8) NOT NULL,
    order_id numeric(20, 0) NOT NULL,
    sequence numeric(20, 0) NOT NULL,
    flags integer NOT NULL,
    aux bigint NOT NULL,
    ordinal bigint NOT NULL DEFAULT nextval('algo_trade.market_ordinal'),
    PRIMARY KEY (venue, symbol, exchange_time, exchange_time_ns, sequence, kind, side, price, quantity, order_id, flags, aux)
$$, 'exchange_time', '1 days', '90 days',
    segment_by => 'venue, symbol', order_by => 'exchange_time, exchange_time_ns, sequence, ordinal');
END;
$do$;

DO $do$
BEGIN
PERFORM algo_trade.market_make('quotes', $$
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    exchange_time timestamptz NOT NULL,
    exchange_time_ns smallint NOT NULL DEFAULT 0 CHECK (exchange_time_ns BETWEEN 0 AND 999),
    local_time timestamptz NOT NULL,
    local_time_ns smallint NOT NULL DEFAULT 0 CHECK (local_time_ns BETWEEN 0 AND 999),
    kind smallint NOT NULL,
    side smallint NOT NULL,
    price numeric(20, 8) NOT NULL,
    quantity numeric(20, 8) NOT NULL,
    order_id numeric(20, 0) NOT NULL,
    sequence numeric(20, 0) NOT NULL,
    flags integer NOT NULL,
    aux bigint NOT NULL,
    ordinal bigint NOT NULL DEFAULT nextval('algo_trade.market_ordinal'),
    PRIMARY KEY (venue, symbol, exchange_time, exchange_time_ns, sequence, kind, side, price, quantity, order_id, flags, aux)
$$, 'exchange_time', '1 days', '90 days',
    segment_by => 'venue, symbol', order_by => 'exchange_time, exchange_time_ns, sequence, ordinal');
END;
$do$;

DO $do$
BEGIN
PERFORM algo_trade.market_make('contexts', $$
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    exchange_time timestamptz NOT NULL,
    exchange_time_ns smallint NOT NULL DEFAULT 0 CHECK (exchange_time_ns BETWEEN 0 AND 999),
    local_time timestamptz NOT NULL,
    local_time_ns smallint NOT NULL DEFAULT 0 CHECK (local_time_ns BETWEEN 0 AND 999),
    kind smallint NOT NULL,
    side smallint NOT NULL,
    price numeric(20, 8) NOT NULL,
    quantity numeric(20, 8) NOT NULL,
    order_id numeric(20, 0) NOT NULL,
    sequence numeric(20, 0) NOT NULL,
    flags integer NOT NULL,
    aux bigint NOT NULL,
    ordinal bigint NOT NULL DEFAULT nextval('algo_trade.market_ordinal'),
    PRIMARY KEY (venue, symbol, exchange_time, exchange_time_ns, sequence, kind, side, price, quantity, order_id, flags, aux)
$$, 'exchange_time', '1 days', '90 days',
    segment_by => 'venue, symbol', order_by => 'exchange_time, exchange_time_ns, sequence, ordinal');
END;
$do$;

CREATE TABLE IF NOT EXISTS algo_trade.funding (
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    exchange_time timestamptz NOT NULL,
    exchange_time_ns smallint NOT NULL DEFAULT 0 CHECK (exchange_time_ns BETWEEN 0 AND 999),
    local_time timestamptz NOT NULL,
    local_time_ns smallint NOT NULL DEFAULT 0 CHECK (local_time_ns BETWEEN 0 AND 999),
    kind smallint NOT NULL,
    side smallint NOT NULL,
    price numeric(20, 8) NOT NULL,
    quantity numeric(20, 8) NOT NULL,
    order_id numeric(20, 0) NOT NULL,
    sequence numeric(20, 0) NOT NULL,
    flags integer NOT NULL,
    aux bigint NOT NULL,
    ordinal bigint NOT NULL DEFAULT nextval('algo_trade.market_ordinal'),
    PRIMARY KEY (venue, symbol, exchange_time, exchange_time_ns, sequence, kind, side, price, quantity, order_id, flags, aux)
);

CREATE TABLE IF NOT EXISTS algo_trade.status (
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    exchange_time timestamptz NOT NULL,
    exchange_time_ns smallint NOT NULL DEFAULT 0 CHECK (exchange_time_ns BETWEEN 0 AND 999),
    local_time timestamptz NOT NULL,
    local_time_ns smallint NOT NULL DEFAULT 0 CHECK (local_time_ns BETWEEN 0 AND 999),
    kind smallint NOT NULL,
    side smallint NOT NULL,
    price numeric(20, 8) NOT NULL,
    quantity numeric(20, 8) NOT NULL,
    order_id numeric(20, 0) NOT NULL,
    sequence numeric(20, 0) NOT NULL,
    flags integer NOT NULL,
    aux bigint NOT NULL,
    ordinal bigint NOT NULL DEFAULT nextval('algo_trade.market_ordinal'),
    PRIMARY KEY (venue, symbol, exchange_time, exchange_time_ns, sequence, kind, side, price, quantity, order_id, flags, aux)
);

DO $do$
BEGIN
PERFORM algo_trade.market_make('ohlcv', $$
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    resolution_ns bigint NOT NULL CHECK (resolution_ns > 0),
    timestamp timestamptz NOT NULL,
    open numeric(20, 8) NOT NULL,
    high numeric(20, 8) NOT NULL,
    low numeric(20, 8) NOT NULL,
    close numeric(20, 8) NOT NULL,
    volume numeric(20, 8),
    PRIMARY KEY (venue, symbol, resolution_ns, timestamp)
$$, 'timestamp', '28 days', NULL,
    segment_by => 'venue, symbol, resolution_ns', order_by => 'timestamp');
END;
$do$;

CREATE TABLE IF NOT EXISTS algo_trade.fills (
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    exchange_time timestamptz NOT NULL,
    exchange_time_ns smallint NOT NULL DEFAULT 0 CHECK (exchange_time_ns BETWEEN 0 AND 999),
    local_time timestamptz NOT NULL,
    local_time_ns smallint NOT NULL DEFAULT 0 CHECK (local_time_ns BETWEEN 0 AND 999),
    account text COLLATE "C" NOT NULL,
    bot_id text COLLATE "C" NOT NULL,
    trade_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    side text COLLATE "C" NOT NULL,
    price numeric(20, 8) NOT NULL,
    quantity numeric(20, 8) NOT NULL,
    is_maker boolean NOT NULL,
    fee numeric(20, 8) NOT NULL,
    fee_currency text COLLATE "C" NOT NULL,
    realized_pnl numeric(20, 8) NOT NULL,
    ordinal bigint NOT NULL DEFAULT nextval('algo_trade.market_ordinal'),
    PRIMARY KEY (venue, symbol, exchange_time, exchange_time_ns, trade_id, account, order_id)
);

CREATE TABLE IF NOT EXISTS algo_trade.order_states (
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    exchange_time timestamptz NOT NULL,
    exchange_time_ns smallint NOT NULL DEFAULT 0 CHECK (exchange_time_ns BETWEEN 0 AND 999),
    local_time timestamptz NOT NULL,
    local_time_ns smallint NOT NULL DEFAULT 0 CHECK (local_time_ns BETWEEN 0 AND 999),
    account text COLLATE "C" NOT NULL,
    bot_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    side text COLLATE "C" NOT NULL,
    price numeric(20, 8) NOT NULL,
    quantity numeric(20, 8) NOT NULL,
    filled_quantity numeric(20, 8) NOT NULL,
    status text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    ordinal bigint NOT NULL DEFAULT nextval('algo_trade.market_ordinal'),
    PRIMARY KEY (venue, symbol, exchange_time, exchange_time_ns, account, order_id, client_id, status, price, quantity, filled_quantity)
);

CREATE TABLE IF NOT EXISTS algo_trade.equity (
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    timestamp timestamptz NOT NULL,
    timestamp_ns smallint NOT NULL DEFAULT 0 CHECK (timestamp_ns BETWEEN 0 AND 999),
    account text COLLATE "C" NOT NULL,
    bot_id text COLLATE "C" NOT NULL,
    equity numeric(20, 8) NOT NULL,
    cash numeric(20, 8) NOT NULL,
    unrealized_pnl numeric(20, 8) NOT NULL,
    PRIMARY KEY (venue, symbol, timestamp, timestamp_ns, account, bot_id)
);

CREATE TABLE IF NOT EXISTS algo_trade.gaps (
    venue text COLLATE "C" NOT NULL,
    symbol text COLLATE "C" NOT NULL,
    timestamp timestamptz NOT NULL,
    timestamp_ns smallint NOT NULL DEFAULT 0 CHECK (timestamp_ns BETWEEN 0 AND 999),
    missing text COLLATE "C" NOT NULL,
    end_time timestamptz NOT NULL,
    end_time_ns smallint NOT NULL DEFAULT 0 CHECK (end_time_ns BETWEEN 0 AND 999),
    reason text COLLATE "C" NOT NULL,
    ordinal bigint NOT NULL DEFAULT nextval('algo_trade.market_ordinal'),
    PRIMARY KEY (venue, symbol, timestamp, timestamp_ns, missing, end_time, end_time_ns)
);

-- Bigger bars, made of those of a minute.
DO $do$
BEGIN
    PERFORM algo_trade.market_aggregate('ohlcv_5m', '5 minutes');
    PERFORM algo_trade.market_aggregate('ohlcv_15m', '15 minutes');
    PERFORM algo_trade.market_aggregate('ohlcv_1h', '1 hour');
    PERFORM algo_trade.market_aggregate('ohlcv_4h', '4 hours');
    PERFORM algo_trade.market_aggregate('ohlcv_1d', '1 day');
END;
$do$;
