"""The SQL that makes the tables of markets: what the program itself runs, and what is run with psql. `python -m algo_trade.storage.market.script`."""

from __future__ import annotations

import sys
from importlib.resources import files

from algo_trade.storage.market.tables import AGGREGATES, SCHEMA, TABLES, Table

_HEAD = """\
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

"""


def script() -> str:
    """Return the whole of it."""
    functions = (files("algo_trade.storage.market") / "functions.sql").read_text(encoding="utf-8")
    tables = "\n\n".join(map(_table, TABLES.values()))
    views = "\n".join(
        f"    PERFORM {SCHEMA}.market_aggregate('ohlcv_{name}', '{length}');" for name, length in AGGREGATES.items()
    )
    bigger = f"-- Bigger bars, made of those of a minute.\nDO $do$\nBEGIN\n{views}\nEND;\n$do$;\n"
    return f"{_HEAD}{functions}\n{tables}\n\n{bigger}"


def _table(table: Table) -> str:
    if table.step_s is None:
        return f"CREATE TABLE IF NOT EXISTS {table.place} (\n{table.ddl()}\n);"
    keep = "NULL" if table.keep_days is None else f"'{table.keep_days} days'"
    options = (
        f"'{table.kind.time}', '{table.step_s // 86_400} days', {keep},\n    "
        f"segment_by => '{', '.join(table.lead)}', order_by => '{', '.join(table.order)}'"
    )
    return (
        f"DO $do$\nBEGIN\nPERFORM {SCHEMA}.market_make('{table.name}', $$\n{table.ddl()}\n$$, {options});\nEND;\n$do$;"
    )


if __name__ == "__main__":
    sys.stdout.write(script())
