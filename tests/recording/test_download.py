"""What the exchange knows of the past, fetched once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade.errors import ParameterError
from algo_trade.recording import Downloader, Fetched
from algo_trade.storage.lake import ParquetStorage
from tests.recording.world import client_of, until, venue_of

if TYPE_CHECKING:
    from pathlib import Path

    from algo_trade.hyperliquid import HyperliquidClient

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS


class Counting:
    """A client that counts what is asked, and fails from some question on."""

    def __init__(self, client: HyperliquidClient, fails_after: int | None = None) -> None:
        self._client = client
        self.info = self
        self.asked: list[dict[str, Any]] = []
        self.fails_after = fails_after

    async def instrument(self, symbol: str) -> Any:
        return await self._client.instrument(symbol)

    async def contexts(self) -> Any:
        return await self._client.contexts()

    async def ask(self, kind: str, **fields: Any) -> Any:
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise asyncio.CancelledError
        self.asked.append(fields)
        return await self._client.info.ask(kind, **fields)


async def aged(client: HyperliquidClient, bars: int) -> list[Any]:
    """Wait until a venue has so many minutes, and return them."""
    found: list[Any] = []
    while len(found) <= bars:
        await asyncio.sleep(0.2)
        found = await client.info.candles("BTC", "1m", start_ns=0, end_ns=4 * 10**18)
    return found


def test_bars_come_once_and_only_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path)

    async def main() -> None:
        # A minute of this venue takes a sixth of a second.
        async with (
            venue_of(seed=3, symbols=2, speed=360, density=2, local={"block_ms": 1_000}) as venue,
            client_of(venue) as client,
        ):
            candles = await aged(client, 8)
            first_ns, end_ns = candles[0]["open_time"], candles[7]["open_time"]
            now_ns = candles[-1]["open_time"]
            counting = Counting(client)
            seen: list[tuple[str, str, int]] = []
            downloader = Downloader(
                counting,  # type: ignore[arg-type]
                lake,
                watch=lambda kind, symbol, rows: seen.append((kind, symbol, rows)),
                clock=lambda: now_ns,
            )
            middle_ns = candles[3]["open_time"]
            fetched = await downloader.bars("BTC", "1m", start_ns=middle_ns, end_ns=middle_ns + MINUTE_NS)
            assert fetched == Fetched("bars", "BTC", 1, 0, 1, 0)
            fetched = await downloader.bars("BTC", "1m", start_ns=first_ns - 2 * MINUTE_NS, end_ns=end_ns)
            assert fetched == Fetched("bars", "BTC", 9, 1, 6, 2), "of the two minutes before it began nobody knows"
            assert len(counting.asked) == 3, "what lies on both sides of what is there"
            assert seen == [("bars", "BTC", 1), ("bars", "BTC", 3), ("bars", "BTC", 3)]
            again = await downloader.bars("BTC", "1m", start_ns=first_ns, end_ns=end_ns)
            assert again == Fetched("bars", "BTC", 7, 7, 0, 0)
            assert len(counting.asked) == 3
            # The bar that grows is not there: its end has not come.
            late = await downloader.bars("BTC", "1m", start_ns=now_ns - MINUTE_NS, end_ns=now_ns + 9 * MINUTE_NS)
            assert late.wanted == 1
        stored = lake.query("bars", "BTC", resolution="1m", end=end_ns).read_all().to_pylist()
        for row, candle in zip(stored, candles, strict=False):
            assert [row[name] for name in ("open", "high", "low", "close", "volume")] == [
                candle[name] for name in ("open", "high", "low", "close", "volume")
            ]
        assert len(stored) == 7

    asyncio.run(main())


def test_what_the_exchange_serves_no_more_is_not_asked_for_and_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with venue_of(seed=3, symbols=1) as venue, client_of(venue) as client:
            counting = Counting(client)
            now_ns = 1_800_000_000 * 10**9
            downloader = Downloader(counting, ParquetStorage(tmp_path), clock=lambda: now_ns)  # type: ignore[arg-type]
            oldest_ns = now_ns - 4_999 * MINUTE_NS
            fetched = await downloader.bars("BTC", "1m", start_ns=now_ns - 6_000 * MINUTE_NS, end_ns=now_ns)
            assert fetched == Fetched("bars", "BTC", 6_000, 0, 0, 6_000, oldest_ns)
            assert [each["req"]["startTime"] * 1_000_000 for each in counting.asked] == [oldest_ns]

    asyncio.run(main())


def test_an_interrupted_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path)

    async def main() -> None:
        async with (
            venue_of(seed=3, symbols=1, speed=360, density=2, local={"block_ms": 1_000}) as venue,
            client_of(venue) as client,
        ):
            candles = await aged(client, 6)
            now_ns, first_ns = candles[-1]["open_time"], candles[0]["open_time"]
            # Every second minute is there: each of the others is a page of its own.
            whole = Downloader(client, lake, clock=lambda: now_ns)
            for candle in candles[0:-1:2]:
                await whole.bars("BTC", "1m", start_ns=candle["open_time"], end_ns=candle["open_time"] + MINUTE_NS)
            failing = Counting(client, fails_after=2)
            with pytest.raises(asyncio.CancelledError):
                await Downloader(failing, lake, clock=lambda: now_ns).bars(  # type: ignore[arg-type]
                    "BTC", "1m", start_ns=first_ns, end_ns=now_ns
                )
            counting = Counting(client)
            fetched = await Downloader(counting, lake, clock=lambda: now_ns).bars(  # type: ignore[arg-type]
                "BTC", "1m", start_ns=first_ns, end_ns=now_ns
            )
            assert (fetched.missing, fetched.rows) == (0, len(counting.asked))
            assert fetched.present + fetched.rows == len(candles) - 1
            assert fetched.rows == (len(candles) - 1) // 2 - 2

    asyncio.run(main())


def test_settled_rates_come_once_each_with_their_hour(tmp_path: Path) -> None:
    lake = ParquetStorage(tmp_path)

    async def main() -> None:
        # An hour of this venue takes half a second.
        async with (
            venue_of(seed=9, symbols=1, density=1, speed=7_200, local={"block_ms": 20_000}) as venue,
            client_of(venue) as client,
        ):
            settled: list[Any] = []

            async def ask() -> None:
                while len(settled) < 4:
                    await asyncio.sleep(0.1)
                    settled[:] = await client.info.funding_history("BTC", start_ns=0)

            await asyncio.wait_for(ask(), 30)
            now_ns = settled[-1]["time"] + 1
            start_ns = settled[0]["time"] - settled[0]["time"] % HOUR_NS
            counting = Counting(client)
            downloader = Downloader(counting, lake, clock=lambda: now_ns)  # type: ignore[arg-type]
            fetched = await downloader.funding("BTC", start_ns=start_ns - 3 * HOUR_NS, end_ns=now_ns)
            assert (fetched.rows, fetched.present, fetched.missing) == (len(settled), 0, 3)
            assert fetched.served_from_ns == settled[0]["time"]
            asked = len(counting.asked)
            again = await downloader.funding("BTC", start_ns=start_ns, end_ns=now_ns)
            assert (again.rows, again.present, again.missing) == (0, len(settled), 0)
            assert len(counting.asked) == asked
        stored = lake.query("funding", "BTC").read_all().to_pylist()
        assert [row["aux"] for row in stored] == [int(each["rate"] * 10**12) for each in settled]
        assert {row["kind"] for row in stored} == {10}

    asyncio.run(main())


def test_the_present_prices_are_rows_of_contexts(tmp_path: Path) -> None:
    async def main() -> None:
        async with venue_of(seed=3, symbols=3) as venue, client_of(venue) as client:
            await until(lambda: True)
            now_ns = 1_800_000_000 * 10**9
            fetched = await Downloader(client, ParquetStorage(tmp_path), clock=lambda: now_ns).contexts(["BTC", "ETH"])
            assert (fetched.rows, fetched.missing, fetched.symbol) == (2, 0, "BTC, ETH")
        (row,) = ParquetStorage(tmp_path).query("contexts", "BTC").read_all().to_pylist()
        assert row["kind"] == 9
        assert row["price"] > 0
        assert row["quantity"] > 0

    asyncio.run(main())


def test_what_no_download_can_fetch_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with venue_of(seed=3, symbols=1) as venue, client_of(venue) as client:
            downloader = Downloader(client, ParquetStorage(tmp_path))
            for interval in ("2m", "1M"):
                with pytest.raises(ParameterError, match=f"interval = '{interval}': must be one of 1m, 3m"):
                    await downloader.bars("BTC", interval, start_ns=0, end_ns=1)
            with pytest.raises(ParameterError, match="'NONE': the exchange lists no such instrument"):
                await downloader.bars("NONE", "1m", start_ns=0, end_ns=1)

    asyncio.run(main())
