"""What docs/data.md says of databases, run as written."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.market.rows import KINDS, many

if TYPE_CHECKING:
    from tests.storage.kinds import ServerStore

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "data.md"


def blocks(language: str) -> list[str]:
    section = PAGE.read_text().split("## In a database")[1].split("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)


def test_the_code_of_the_manual_keeps_rows_and_finds_them(server_store: ServerStore) -> None:
    (code,) = blocks("python")
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 -- our own manual
    found = asyncio.run(names["keep"](server_store.url, many(KINDS["trades"], 30)))
    assert found.column_names == ["exchange_time", "price"]
    assert found.num_rows == 30


def test_the_sql_of_the_manual_runs(server_store: ServerStore) -> None:
    async def main() -> None:
        async with server_store.client():
            pass

    asyncio.run(main())
    for block in blocks("sql"):
        for statement in block.strip().split(";\n"):
            server_store.sql(statement)
    assert server_store.sql("SELECT keep IS NULL FROM market_tables WHERE name = 'trades'") == "t"


def test_the_commands_of_the_manual_are_those_that_other_tests_run() -> None:
    commands = "".join(blocks("sh"))
    assert "scripts/setup_timescale.sql" in commands
    assert "pg_dump --schema=algo_trade" in commands
