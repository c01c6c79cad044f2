"""What the bots of a run hear of the markets and what their trading comes to, written down; whatever becomes of that, trading goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from algo_trade.bots.ledger import BotLedger, Ledger
from algo_trade.errors import AlgoTradeError
from algo_trade.recording import Recording, RecordSettings
from algo_trade.recording.recorder import record_funding
from algo_trade.recording.recording import OWN
from algo_trade.storage.tiers.storage import TieredStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from algo_trade.config.models import StorageConfig
    from algo_trade.hyperliquid.info import Info
    from algo_trade.telemetry import Metrics, Telemetry

_COUNTED = (
    "messages",
    "bytes",
    "rows",
    "bars",
    "funding",
    "own",
    "repeated",
    "repaired",
    "refused",
    "malformed",
    "not_kept",
)


class MarketRecord:
    """The recording of a run: opened with the first market, closed at the end.

    Parameters
    ----------
    config : where to, and what
    telemetry : hears what happens
    clock : in nanoseconds since the epoch
    """

    def __init__(self, config: StorageConfig, telemetry: Telemetry, clock: Callable[[], int]) -> None:
        self._config = config
        self._telemetry = telemetry
        self._clock = clock
        self._storage: TieredStorage | None = None
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._ledger = Ledger(config.record.kinds)
        self.recording: Recording | None = None

    async def open(
        self, coins: Mapping[str, str], info: Info, heard: Callable[[], Mapping[str, str]]
    ) -> Recording | None:
        """Return what hears the markets; None if nothing is recorded, or cannot be: that is told.

        ``heard`` gives the coins, with their symbols, of which anything is heard now.
        """
        if self.recording is not None or not self._config.record.enabled:
            return self.recording
        try:
            self._storage = await asyncio.to_thread(
                TieredStorage, self._config.lake, self._config.warm_url, clock=self._clock
            )
        except AlgoTradeError as error:
            self._tell("record.failed", "error", f"nothing is recorded in this run, trading goes on: {error}")
            return None
        wanted = self._config.record
        recording = self.recording = Recording(
            coins,
            self._storage,
            kinds=wanted.kinds,
            settings=RecordSettings(flush_every_s=wanted.flush_every_s, rows_max=wanted.rows_max),
            tell=self._tell,
            clock=self._clock,
            own=self._ledger,
        )
        self._tasks = [asyncio.create_task(recording.keep(self._stop), name="record")]
        if "funding" in wanted.kinds:
            funding = record_funding(recording, info, heard, self._stop, clock=self._clock)
            self._tasks.append(asyncio.create_task(funding, name="record funding"))
        for task in self._tasks:
            task.add_done_callback(self._ended)
        return recording

    def ledger(self, bot_id: str, account: str | None, quotes: Mapping[str, str]) -> BotLedger | None:
        """Return what writes down what a bot's trading comes to, as :class:`BotLedger` has it; None if nobody does."""
        if self.recording is None or not set(OWN) & set(self._config.record.kinds):
            return None
        return BotLedger(self._ledger, bot_id, account, quotes, self._clock)

    async def close(self) -> None:
        """Make everything durable, and let go."""
        self._stop.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.recording is None or self._storage is None:
            return
        try:
            await self.recording.close()
            await asyncio.to_thread(self._storage.close)
        except AlgoTradeError as error:
            self._tell("record.failed", "error", str(error))

    def observe(self, metrics: Metrics) -> None:
        """Say in the metrics how it stands."""
        if self.recording is None:
            return
        status = self.recording.status()
        for what in _COUNTED:
            metrics.recorded(what, getattr(status, what))
        for missing, count in status.gaps.items():
            metrics.record_gaps(missing, count)
        metrics.recording(waiting=status.waiting, lag_s=status.lag_s, is_failed=status.failure is not None)

    def _tell(self, kind: str, level: str, text: str) -> None:
        self._telemetry.tell(kind, level, text)  # type: ignore[arg-type]

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._tell("record.failed", "error", f"{task.get_name()} has ended, trading goes on: {error!r}")
