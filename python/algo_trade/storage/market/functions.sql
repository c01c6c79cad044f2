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
