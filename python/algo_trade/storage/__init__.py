"""What is kept: the state of the runner, and rows of markets.

:class:`DatabaseClient` is the state store, in a file of SQLite or on a server with PostgreSQL, which keeps rows of markets, too;
:class:`ParquetStorage` is a lake, :class:`TieredStorage` one storage over memory, a database and a lake.

>>> import asyncio, tempfile
>>> from algo_trade.storage import DatabaseClient
>>> async def main(folder: str) -> None:
...     async with DatabaseClient(f"sqlite:///{folder}/state.db") as db:
...         await db.save_bot("grid", {"symbols": ["BTC"]}, "running")
...         lease = await db.acquire_lease("grid", "the runner")
...         print(lease.epoch, lease.is_held(), [bot.bot_id for bot in await db.bots()])
>>> with tempfile.TemporaryDirectory() as folder:
...     asyncio.run(main(folder))
1 True ['grid']
"""

from importlib import import_module
from typing import TYPE_CHECKING

from algo_trade.storage.client import DatabaseClient
from algo_trade.storage.lease import Holder, Lease
from algo_trade.storage.records import AuditRecord, BotRecord, Wanted

if TYPE_CHECKING:
    from algo_trade.storage.lake import ParquetStorage
    from algo_trade.storage.tiers import TieredStorage

__all__ = [
    "AuditRecord",
    "BotRecord",
    "DatabaseClient",
    "Holder",
    "Lease",
    "ParquetStorage",
    "TieredStorage",
    "Wanted",
]

# They take their time to import, and who keeps state alone does not need them.
_MARKETS = {"ParquetStorage": "algo_trade.storage.lake", "TieredStorage": "algo_trade.storage.tiers"}


def __getattr__(name: str) -> object:
    if name in _MARKETS:
        return getattr(import_module(_MARKETS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
