"""The state store: what the runner must not forget, in a file of SQLite or on a server with PostgreSQL.

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

from algo_trade.storage.client import DatabaseClient
from algo_trade.storage.lease import Holder, Lease
from algo_trade.storage.records import AuditRecord, BotRecord, Wanted

__all__ = ["AuditRecord", "BotRecord", "DatabaseClient", "Holder", "Lease", "Wanted"]
