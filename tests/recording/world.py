"""A recorder beside a local venue, with real sockets, and what its lake says afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import polars as pl

from algo_trade.hyperliquid import HyperliquidClient, HyperliquidConfig, LimitSettings, SessionSettings
from algo_trade.recording import Recorder, RecordSettings
from algo_trade.storage.tiers.storage import TieredStorage
from algo_trade.venue.testing import running_venue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from algo_trade.recording import Sink
    from algo_trade.venue.testing import RunningVenue

# Tests ask more than the exchange allows.
LIMITS = LimitSettings(ip_weight_per_minute=1_000_000, ip_burst=500_000)
VENUE_LIMITS = {"weight_a_minute": 2_000_000, "new_connections_a_minute": 10_000}
# At thirty times the speed the venue hangs up after two seconds of silence.
SESSION = SessionSettings(
    opens_per_minute=10_000, sends_per_minute=100_000, backoff_s=0.02, answer_within_s=2.0, ping_every_s=0.3
)


class Told:
    """What a recorder told."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str, str]] = []

    def __call__(self, kind: str, level: str, text: str) -> None:
        self.all.append((kind, level, text))

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.all]


async def until(condition: Callable[[], object], within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


def venue_of(**options: Any) -> RunningVenue:
    """Make a venue of which as much may be asked as a test likes."""
    return running_venue(**{"limits": VENUE_LIMITS, **options})


@contextlib.asynccontextmanager
async def client_of(venue: RunningVenue) -> AsyncIterator[HyperliquidClient]:
    async with HyperliquidClient(HyperliquidConfig(api_url=venue.url, ws_url=venue.ws_url, limits=LIMITS)) as client:
        await client.load_instruments()
        yield client


def tiers(folder: Path) -> TieredStorage:
    return TieredStorage(folder / "lake", f"sqlite:///{folder}/warm.db")


@contextlib.asynccontextmanager
async def recorder_of(
    venue: RunningVenue, sink: Sink, *, told: Told | None = None, **options: Any
) -> AsyncIterator[tuple[Recorder, HyperliquidClient]]:
    """Record all perpetuals of a venue within the block; what was heard is in the sink after it."""
    session = options.pop("session", SESSION)
    settings = options.pop("settings", None) or RecordSettings(flush_every_s=0.2, retry_after_s=0.05)
    async with client_of(venue) as client:
        recorder = Recorder(
            {each.coin: each.symbol for each in client.instruments.all() if each.kind == "perp"},
            sink,
            url=venue.ws_url,
            session=session,
            info=client.info,
            settings=settings,
            tell=told,
            **options,
        )
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(recorder.run(stop))
            try:
                yield recorder, client
            finally:
                stop.set()
    sink.close()


def rows(folder: Path, kind: str, symbol: str | None = None, **options: Any) -> pl.DataFrame:
    """Return what a storage holds."""
    with tiers(folder) as storage:
        return pl.DataFrame(storage.query(kind, symbol or (), **options).read_all())
