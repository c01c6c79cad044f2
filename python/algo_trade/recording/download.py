"""What the exchange still knows of the past: bars, settled funding rates, and the present prices."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from algo_trade.errors import ParameterError
from algo_trade.hyperliquid.stream.subscription import INTERVALS_NS
from algo_trade.recording.recording import VENUE
from algo_trade.recording.rows import candle_table, context_table, funding_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from algo_trade.hyperliquid.client import HyperliquidClient
    from algo_trade.storage.lake import ParquetStorage

SERVED_BARS: Final = 5_000
"""The exchange knows only the newest bars of each interval, so many."""
FUNDING_PAGE: Final = 500
KINDS: Final = ("bars", "funding", "contexts")
"""What can be asked for."""
_HOUR_NS: Final = 3_600_000_000_000
_DAY_NS: Final = 24 * _HOUR_NS
_MS_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of asking for a kind of a symbol.

    Attributes
    ----------
    kind, symbol : of what
    wanted : bars or hours in the range that are over
    present : those that were there already, and were not asked for
    rows : that were written
    missing : those that the exchange does not have
    served_from_ns : before it, the exchange serves nothing of this kind any more, or nothing yet; None if all was served
    """

    kind: str
    symbol: str
    wanted: int
    present: int
    rows: int
    missing: int
    served_from_ns: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


class Downloader:
    """Asks for what is not there yet, and writes it page by page: whatever interrupts it, at most one page is asked for again.

    Parameters
    ----------
    client : asks, within the limits of the exchange
    lake : what is there, and where rows go
    watch : called after each page with kind, symbol and how many rows came
    clock : in nanoseconds since the epoch
    """

    def __init__(
        self,
        client: HyperliquidClient,
        lake: ParquetStorage,
        *,
        watch: Callable[[str, str, int], object] | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._client = client
        self._lake = lake
        self._watch = watch
        self._clock = clock

    async def bars(self, symbol: str, interval: str, *, start_ns: int, end_ns: int) -> Fetched:
        """Fetch the finished bars that begin within [start, end).

        Raises
        ------
        ParameterError
            An unknown symbol or interval; months, of which no two are alike.
        NotSentError
            No answer is to be had; what was written stays.
        StorageError
            It cannot be written.
        """
        length_ns = INTERVALS_NS.get(interval, 0)
        if not length_ns or interval == "1M":
            allowed = ", ".join(name for name in INTERVALS_NS if name != "1M")
            raise ParameterError(f"interval = {interval!r}: must be one of {allowed}")
        instrument = await self._client.instrument(symbol)
        now_ns = self._clock()
        # Weeks and threes of days begin where the exchange has them begin: the first bar says where.
        offset_ns = await self._offset(instrument.coin, interval, length_ns, now_ns)
        end_ns = min(end_ns, (now_ns - offset_ns) // length_ns * length_ns + offset_ns)
        first_ns = -((offset_ns - start_ns) // length_ns) * length_ns + offset_ns
        oldest_ns = (now_ns - offset_ns) // length_ns * length_ns + offset_ns - (SERVED_BARS - 1) * length_ns
        wanted = max(0, -((first_ns - end_ns) // length_ns))
        held = await self._times("bars", instrument.symbol, "timestamp", first_ns, end_ns, interval)
        missing = {first_ns + number * length_ns for number in range(wanted)} - held
        rows = 0
        for run_start_ns, run_end_ns in _runs([each for each in missing if each >= oldest_ns], length_ns):
            question = {
                "coin": instrument.coin,
                "interval": interval,
                "startTime": run_start_ns // _MS_NS,
                "endTime": run_end_ns // _MS_NS - 1,
            }
            answer = await self._client.info.ask("candleSnapshot", req=question)
            new = [row for row in answer if row["open_time"] in missing]
            await self._write("bars", instrument.symbol, candle_table(instrument.symbol, new), interval)
            missing -= {row["open_time"] for row in new}
            rows += len(new)
        served = oldest_ns if any(each < oldest_ns for each in missing) else None
        return Fetched("bars", instrument.symbol, wanted, wanted - len(missing) - rows, rows, len(missing), served)

    async def funding(self, symbol: str, *, start_ns: int, end_ns: int) -> Fetched:
        """Fetch the rates that were settled within [start, end); errors are those of :meth:`bars`."""
        instrument = await self._client.instrument(symbol)
        end_ns = min(end_ns, self._clock())
        first_ns = -(-start_ns // _HOUR_NS) * _HOUR_NS
        held = await self._times("funding", instrument.symbol, "exchange_time", first_ns, end_ns, None)
        wanted = max(0, -((first_ns - end_ns) // _HOUR_NS))
        missing = {first_ns + number * _HOUR_NS for number in range(wanted)}
        missing -= {each - each % _HOUR_NS for each in held}
        rows, oldest_ns = 0, None
        for run_start_ns, run_end_ns in _runs(sorted(missing), _HOUR_NS):
            # They are stamped some milliseconds past the hour.
            since_ms, until_ms = run_start_ns // _MS_NS, -(-min(run_end_ns, end_ns) // _MS_NS) - 1
            while since_ms <= until_ms:
                answer = await self._client.info.ask(
                    "fundingHistory", coin=instrument.coin, startTime=since_ms, endTime=until_ms
                )
                answer.sort(key=lambda row: row["time"])
                if not answer:
                    break
                oldest_ns = answer[0]["time"] if oldest_ns is None else oldest_ns
                new = [row for row in answer if row["time"] - row["time"] % _HOUR_NS in missing]
                await self._write("funding", instrument.symbol, funding_table(instrument.symbol, new), None)
                missing -= {row["time"] - row["time"] % _HOUR_NS for row in new}
                rows += len(new)
                since_ms = answer[-1]["time"] // _MS_NS + 1
                if len(answer) < FUNDING_PAGE:
                    break
        served = oldest_ns if oldest_ns is not None and any(each < oldest_ns - _HOUR_NS for each in missing) else None
        return Fetched("funding", instrument.symbol, wanted, wanted - len(missing) - rows, rows, len(missing), served)

    async def contexts(self, symbols: Sequence[str]) -> Fetched:
        """Fetch the present prices of perpetuals: no others are served."""
        told = await self._client.contexts()
        now_ns = self._clock()
        found = {}
        for symbol in symbols:
            instrument = await self._client.instrument(symbol)
            if instrument.coin in told:
                found[instrument.symbol] = told[instrument.coin]
        name = ", ".join(symbols) if len(symbols) < 4 else f"{len(symbols)} symbols"
        await self._write("contexts", name, context_table(found, now_ns), None)
        return Fetched("contexts", name, len(symbols), 0, len(found), len(symbols) - len(found))

    async def _offset(self, coin: str, interval: str, length_ns: int, now_ns: int) -> int:
        if length_ns <= _DAY_NS:
            return 0
        question = {"coin": coin, "interval": interval, "startTime": (now_ns - 2 * length_ns) // _MS_NS}
        answer = await self._client.info.ask("candleSnapshot", req=question | {"endTime": now_ns // _MS_NS})
        return int(answer[0]["open_time"] % length_ns) if answer else 0

    async def _times(
        self, kind: str, symbol: str, column: str, start_ns: int, end_ns: int, interval: str | None
    ) -> set[int]:
        """Return when there are rows already."""
        if end_ns <= start_ns:
            return set()

        def read() -> set[int]:
            table = self._lake.query(
                kind,
                symbol,
                venue=VENUE,
                start=start_ns,
                end=end_ns,
                columns=[column],
                resolution=_resolution(interval),
            ).read_all()
            return set(table[column].cast("int64").to_pylist())

        return await asyncio.to_thread(read)

    async def _write(self, kind: str, symbol: str, rows: pa.Table, interval: str | None) -> None:
        """Write a page; it is durable then."""
        if rows.num_rows:
            await asyncio.to_thread(
                self._lake.write, kind, rows, venue=VENUE, resolution=_resolution(interval), source="downloaded"
            )
        if self._watch is not None:
            self._watch(kind, symbol, rows.num_rows)


def _resolution(interval: str | None) -> int | None:
    return None if interval is None else INTERVALS_NS[interval]


def _runs(times: Sequence[int], step_ns: int) -> list[tuple[int, int]]:
    """Return times that follow one another as [start, end), in order."""
    runs: list[tuple[int, int]] = []
    for time_ns in sorted(times):
        if runs and runs[-1][1] == time_ns:
            runs[-1] = runs[-1][0], time_ns + step_ns
        else:
            runs.append((time_ns, time_ns + step_ns))
    return runs
