"""A recorder on the local venue: what the venue says it traded is in the lake, once, whatever happens to the sockets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from algo_trade.errors import ParameterError, StorageError
from algo_trade.hyperliquid import SessionSettings
from algo_trade.storage.lake.resample import resampled
from tests.recording.world import SESSION, Told, client_of, recorder_of, rows, tiers, until, venue_of

pytest.importorskip("picows", reason="needs the extra `live`")

from algo_trade.recording import Recorder, RecordSettings

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from algo_trade.hyperliquid import HyperliquidClient
    from algo_trade.recording import RecordStatus
    from algo_trade.venue.testing import RunningVenue

MINUTE_NS = 60_000_000_000


async def told_prints(client: HyperliquidClient) -> dict[str, set[int]]:
    """Ids of the last prints of each perpetual, as the venue has them."""
    return {
        each.symbol: {print_["trade_id"] for print_ in await client.info.recent_trades(each.coin)}
        for each in client.instruments.all()
        if each.kind == "perp"
    }


async def heard(client: HyperliquidClient, recorder: Recorder) -> dict[str, set[int]]:
    """Ask for the last prints, and wait until later ones have been recorded."""
    prints = await told_prints(client)
    count = recorder.status().rows
    await until(lambda: recorder.status().rows > count + 20)
    return prints


def all_live(recorder: Recorder) -> bool:
    return all(stream.state == "live" for stream in recorder.streams())


async def away(venue: RunningVenue, recorder: Recorder) -> None:
    """Cut the sockets, and wait until all streams are there again."""
    venue.control(faults=[{"at": "connect", "effect": "drop"}])
    venue.control("cut_connections")
    await until(lambda: not any(stream.state == "live" for stream in recorder.streams()))
    venue.control(faults=[])
    await until(lambda: all_live(recorder))


def each_once(lake: Path, wanted: dict[str, set[int]]) -> None:
    frame = rows(lake, "trades")
    assert not frame.select("symbol", "order_id").is_duplicated().any()
    for symbol, ids in wanted.items():
        own = frame.filter(pl.col("symbol") == symbol)
        recorded = set(own["order_id"])
        told = {number for first, last in gaps_of(lake, symbol) for number in within(own, ids, first, last)}
        # Older ones than the first are from before it was subscribed to.
        assert {each for each in ids if each >= min(recorded)} <= recorded | told, symbol


def gaps_of(lake: Path, symbol: str) -> list[tuple[Any, Any]]:
    """Return from when to when prints are said to be missing: a machine that is too busy loses its connection."""
    told = rows(lake, "gaps").filter((pl.col("symbol") == symbol) & (pl.col("missing") == "trades"))
    return told.select("timestamp", "end_time").rows()


def within(prints: pl.DataFrame, ids: set[int], first: Any, last: Any) -> set[int]:
    """Return the ids of prints between two moments: ids and moments go up together."""
    before = prints.filter(pl.col("exchange_time") <= first)["order_id"].max()
    after = prints.filter(pl.col("exchange_time") >= last)["order_id"].min()
    return {each for each in ids if (before is None or each > before) and (after is None or each < after)}  # type: ignore[operator]


def test_every_print_of_fifty_symbols_is_there_once_and_bars_of_them_are_the_venues_candles(tmp_path: Path) -> None:
    async def main() -> dict[str, list[Any]]:
        # A minute of this venue takes two seconds.
        options: dict[str, Any] = {"density": 4, "local": {"block_ms": 1_000}}
        async with (
            venue_of(seed=5, symbols=50, speed=30, **options) as venue,
            recorder_of(venue, tiers(tmp_path), settings=RecordSettings(flush_every_s=1.0)) as (recorder, client),
        ):
            await until(lambda: recorder.status().bars > 100)
            prints = await heard(client, recorder)
            candles: dict[str, list[Any]] = {}
            for symbol in prints:
                coin = (await client.instrument(symbol)).coin
                candles[symbol] = (
                    await client.info.candles(coin, "1m", start_ns=0, end_ns=4 * 10**18) if len(candles) < 8 else []
                )
        each_once(tmp_path, prints)
        return candles

    candles = asyncio.run(main())
    trades = rows(tmp_path, "trades")
    made = resampled(trades, "trades", "1m")
    bars = rows(tmp_path, "bars")
    assert bars["symbol"].n_unique() == 50
    compared = 0
    for symbol, told in candles.items():
        first_ns = trades.filter(pl.col("symbol") == symbol)["exchange_time"].cast(pl.Int64).min()
        assert isinstance(first_ns, int)
        missing = [(int(a.timestamp() * 1e9), int(b.timestamp() * 1e9)) for a, b in gaps_of(tmp_path, symbol)]
        # Minutes that were heard whole.
        for candle in told[:-1]:
            open_ns = candle["open_time"]
            if open_ns < first_ns or any(a < open_ns + MINUTE_NS and b >= open_ns for a, b in missing):
                continue
            wanted = tuple(candle[name] for name in ("open", "high", "low", "close", "volume"))
            for frame in (made, bars):
                row = frame.filter(
                    (pl.col("symbol") == symbol) & (pl.col("timestamp").cast(pl.Int64) == candle["open_time"])
                )
                if frame is made or row.height:
                    assert row.select("open", "high", "low", "close", "volume").row(0) == wanted, symbol
                    compared += frame is bars
    assert compared >= 8


def test_what_a_cut_of_the_sockets_took_is_fetched_or_told(tmp_path: Path) -> None:
    told = Told()

    async def main() -> RecordStatus:
        async with (
            venue_of(seed=6, symbols=4, density=40) as venue,
            recorder_of(venue, tiers(tmp_path), told=told) as (recorder, client),
        ):
            await until(lambda: all_live(recorder) and recorder.status().rows > 100)
            wanted: dict[str, set[int]] = {}
            for wish in ("cut_connections", "freeze_connections", "cut_connections"):
                if wish == "freeze_connections":
                    venue.control(wish)
                    await asyncio.sleep(0.2)
                await away(venue, recorder)
                for symbol, ids in (await heard(client, recorder)).items():
                    wanted.setdefault(symbol, set()).update(ids)
        each_once(tmp_path, wanted)
        return recorder.status()

    status = asyncio.run(main())
    assert "trades" not in status.gaps, "the exchange still knew all prints"
    # Books and prices cannot be fetched later: from when to when they are missing stands in the lake.
    gaps = rows(tmp_path, "gaps")
    assert {"book", "quotes", "contexts"} >= set(gaps["missing"]) >= {"quotes"}
    assert gaps.height == sum(status.gaps.values())
    assert (gaps["end_time"] > gaps["timestamp"]).all()
    assert set(gaps["reason"]) == {"the stream was away"}
    assert "record.gap" in told.kinds()


def test_prints_that_do_not_come_by_themselves_after_a_cut_are_asked_for(tmp_path: Path) -> None:
    # It is back before the venue has forgotten anything.
    session = replace(SESSION, backoff_max_s=0.1)

    async def main() -> RecordStatus:
        async with (
            venue_of(seed=12, symbols=1, density=80) as venue,
            recorder_of(venue, tiers(tmp_path), session=session) as (recorder, client),
        ):
            await until(lambda: all_live(recorder) and recorder.status().rows > 100)
            venue.control(faults=[{"at": "connect", "effect": "drop"}])
            venue.control("cut_connections")
            known = await told_prints(client)
            # The first message after a subscription brings the last thirty, an answer the last hundred.
            while len(missed := (await told_prints(client))["BTC"] - known["BTC"]) < 38:
                await asyncio.sleep(0.05)
            venue.control(faults=[])
            await until(lambda: recorder.status().repaired)
        each_once(tmp_path, {"BTC": missed})
        return recorder.status()

    status = asyncio.run(main())
    assert 0 < status.repaired < 100
    assert "trades" not in status.gaps


def test_prints_that_the_exchange_has_forgotten_are_told_as_a_gap(tmp_path: Path) -> None:
    async def main() -> RecordStatus:
        # An hour of this venue takes a minute, and it trades a lot: some seconds are more than it remembers.
        async with (
            venue_of(seed=7, symbols=1, density=200, speed=10) as venue,
            recorder_of(venue, tiers(tmp_path)) as (recorder, _),
        ):
            await until(lambda: all_live(recorder) and recorder.status().rows > 100)
            venue.control(faults=[{"at": "connect", "effect": "drop"}])
            venue.control("cut_connections")
            await asyncio.sleep(2)
            venue.control(faults=[])
            await until(lambda: all_live(recorder))
            await until(lambda: recorder.status().gaps.get("trades"))
        return recorder.status()

    status = asyncio.run(main())
    gap = rows(tmp_path, "gaps").filter(pl.col("missing") == "trades").row(0, named=True)
    assert (gap["symbol"], status.gaps["trades"]) == ("BTC", 1)
    prints = rows(tmp_path, "trades", "BTC")["exchange_time"]
    inside = prints.filter((prints > gap["timestamp"]) & (prints < gap["end_time"]))
    assert inside.is_empty(), "nothing is told to be missing that is there"


def test_messages_that_come_twice_or_not_at_all_neither_double_nor_lose_prints(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            venue_of(seed=8, symbols=3, density=40) as venue,
            recorder_of(venue, tiers(tmp_path)) as (recorder, client),
        ):
            await until(lambda: all_live(recorder))
            venue.control(faults=[{"at": "push", "match": "trades", "effect": "duplicate", "per_mille": 500}])
            wanted = await heard(client, recorder)
            venue.control("repeat_snapshots")
            for symbol, ids in (await heard(client, recorder)).items():
                wanted[symbol] |= ids
        each_once(tmp_path, wanted)

    asyncio.run(main())


def test_rates_are_recorded_once_they_are_settled(tmp_path: Path) -> None:
    async def main() -> None:
        async with venue_of(seed=9, symbols=2, density=2, speed=3_600, local={"block_ms": 10_000}) as venue:
            async with client_of(venue) as client:
                # Two hours of this venue.
                await asyncio.sleep(2)
                settled = await client.info.funding_history("BTC", start_ns=0)
                assert settled
            start_ns = settled[-1]["time"]
            async with recorder_of(
                venue, tiers(tmp_path), kinds=["funding", "trades"], clock=lambda: start_ns + 10
            ) as (
                recorder,
                _,
            ):
                await until(lambda: recorder.status().funding >= 2)
        (row,) = (
            rows(tmp_path, "funding", "BTC").filter(pl.col("exchange_time").cast(pl.Int64) == start_ns).rows(named=True)
        )
        assert (row["kind"], row["aux"]) == (10, int(settled[-1]["rate"] * 10**12))

    asyncio.run(main())


class Full:
    """A storage on a disk that is full for a while."""

    def __init__(self, folder: Path) -> None:
        self.inner = tiers(folder)
        self.is_full = False
        self.asked = 0

    def write(self, kind: str, rows: pa.Table, **options: Any) -> None:
        self.inner.write(kind, rows, **options)

    def flush(self) -> None:
        self.asked += 1
        if self.is_full:
            raise StorageError("lake: no space left on the device")
        self.inner.flush()

    def migrate(self) -> Any:
        return self.inner.migrate()

    def close(self) -> None:
        self.inner.close()


def test_while_nothing_can_be_written_memory_stays_bounded_and_recording_goes_on_by_itself(tmp_path: Path) -> None:
    told, sink = Told(), Full(tmp_path)

    async def main() -> RecordStatus:
        settings = RecordSettings(flush_every_s=0.1, retry_after_s=0.05, rows_max=1_000)
        async with (
            venue_of(seed=10, symbols=6, density=200) as venue,
            recorder_of(venue, sink, told=told, settings=settings) as (recorder, client),
        ):
            await until(lambda: all_live(recorder) and recorder.status().rows > 400)
            sink.is_full = True
            await until(lambda: recorder.status().not_kept > 100)
            status = recorder.status()
            assert status.failure == "lake: no space left on the device"
            assert status.waiting < 1_000 + 100, "a message more than the bound, at most"
            asked = sink.asked
            await until(lambda: sink.asked > asked + 2)
            sink.is_full = False
            await until(lambda: recorder.status().failure is None and recorder.status().gaps)
            known = max(max(ids) for ids in (await told_prints(client)).values())
            count = recorder.status().rows
            await until(lambda: recorder.status().rows > count + 500)
        newest: Any = rows(tmp_path, "trades")["order_id"].max()
        assert newest > known, "it goes on"
        return recorder.status()

    status = asyncio.run(main())
    assert told.kinds().count("record.resumed") == 1
    assert [text for kind, level, text in told.all if kind == "record.failed" and level == "error"]
    gaps = rows(tmp_path, "gaps").filter(pl.col("reason") == "the storage took nothing")
    assert set(gaps["missing"]) >= {"trades", "book", "quotes"}
    assert gaps.height <= sum(status.gaps.values())


def test_a_lake_on_a_disk_that_is_full_says_so_and_loses_nothing_it_had(small_disk: Path) -> None:
    told = Told()
    ballast = small_disk / "ballast"

    async def main() -> None:
        async with (
            venue_of(seed=11, symbols=2, density=40) as venue,
            recorder_of(venue, tiers(small_disk), told=told, kinds=["trades", "quotes"]) as (recorder, client),
        ):
            await until(lambda: all_live(recorder) and recorder.status().rows > 100)
            with ballast.open("wb", buffering=0) as file:
                while True:
                    try:
                        file.write(bytes(4096))
                    except OSError:
                        break
            await until(lambda: recorder.status().failure)
            failure = recorder.status().failure
            assert failure is not None
            assert str(small_disk) in failure
            wanted = await heard(client, recorder)
            ballast.unlink()
            await until(lambda: recorder.status().failure is None)
        each_once(small_disk, wanted)

    asyncio.run(main())
    assert told.kinds().count("record.failed") == told.kinds().count("record.resumed") >= 1


def test_what_cannot_fit_or_is_no_kind_is_refused_before_anything_is_asked_for(tmp_path: Path) -> None:
    sink = tiers(tmp_path)
    coins = {f"C{number}": f"C{number}" for number in range(300)}
    with pytest.raises(
        ParameterError,
        match="300 symbols with 5 streams each are 1500, and the exchange allows 1000: at most 200 symbols",
    ):
        Recorder(coins, sink)
    with pytest.raises(ParameterError, match="at most 2 symbols"):
        Recorder(coins, sink, kinds=["trades"], session=SessionSettings(subscriptions_max=2))
    with pytest.raises(ParameterError, match="no symbol"):
        Recorder({}, sink)
    with pytest.raises(
        ParameterError, match="kinds = 'ticks': can be recorded: trades, book, quotes, contexts, funding, bars"
    ):
        Recorder({"BTC": "BTC"}, sink, kinds=["ticks"])
    with pytest.raises(ParameterError, match="flush_every_s = 0: must be above 0"):
        RecordSettings(flush_every_s=0)
