"""What is heard, on its way to a sink: gathered in memory, flushed in a thread, with what is missing written down."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

import pyarrow as pa

from algo_trade._native import Bar, RecordBuffer
from algo_trade.errors import AlgoTradeError, ParameterError, StorageError
from algo_trade.hyperliquid.stream.events import Gap, History, Malformed, Refused, StreamChange
from algo_trade.recording.rows import GapRow, bar_table, gap_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from algo_trade.hyperliquid.stream.events import StreamEvent
    from algo_trade.hyperliquid.stream.subscription import Subscription
    from algo_trade.recording.sink import Sink

VENUE: Final = "hyperliquid"
TICKS: Final = ("trades", "book", "quotes", "contexts")
KINDS: Final = (*TICKS, "funding", "bars")
"""What can be recorded of markets."""
OWN: Final = ("fills", "order_states", "equity")
"""What can be recorded of one's own trading, by whoever trades."""
_KIND_OF: Final = {
    "trades": "trades",
    "l2Book": "book",
    "bbo": "quotes",
    "activeAssetCtx": "contexts",
    "candle": "bars",
}

Tell: TypeAlias = "Callable[[str, str, str], object]"
"""Hears what happens: a kind of :mod:`algo_trade.telemetry.kinds`, a level, words."""


class Written(NamedTuple):
    """Rows of a kind on their way to a sink; of bars, of one length."""

    kind: str
    rows: pa.Table
    resolution_ns: int | None = None
    venue: str = VENUE


class Source(Protocol):
    """Whoever gathers rows of something else."""

    @property
    def not_kept(self) -> int:
        """For how many rows there was no room."""

    def take(self) -> list[Written]:
        """Return what is new; called in the thread that writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSettings:
    """How often, and how much is held in memory.

    Parameters
    ----------
    flush_every_s : what is lost at most if the machine dies
    migrate_every_s : how often the sink moves rows on
    retry_after_s : how long a sink that failed is left alone
    rows_max : ticks in memory that are not taken by the sink yet; beyond, what is heard is not kept
    others_max : bars and gaps, likewise
    """

    flush_every_s: float = 1.0
    migrate_every_s: float = 60.0
    retry_after_s: float = 5.0
    rows_max: int = 1_000_000
    others_max: int = 100_000

    def __post_init__(self) -> None:
        for name in ("flush_every_s", "migrate_every_s", "retry_after_s", "rows_max", "others_max"):
            if not getattr(self, name) > 0:
                raise ParameterError(f"record: {name} = {getattr(self, name)}: must be above 0")


@dataclass(frozen=True, slots=True)
class RecordStatus:
    """How a recording stands.

    Attributes
    ----------
    messages, bytes : heard and read
    rows : ticks kept
    bars, funding : rows of these
    own : rows of one's own trading
    repeated : prints that had been heard already
    repaired : prints that were missed, and fetched
    refused : rows that no market can have
    malformed : messages that contradict the protocol
    not_kept : messages, bars and gaps for which there was no room, or which the sink refused
    gaps : stretches that are missing, by kind
    waiting : ticks in memory that the sink has not taken yet
    lag_s : for how long what was heard has not been durable
    failure : why nothing is written now
    """

    messages: int
    bytes: int
    rows: int
    bars: int
    funding: int
    own: int
    repeated: int
    repaired: int
    refused: int
    malformed: int
    not_kept: int
    gaps: dict[str, int]
    waiting: int
    lag_s: float
    failure: str | None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


class Recording:
    """Messages and events of a socket into rows of a sink.

    ``hear`` is the tap of a :class:`HyperliquidWebSocket`, ``told`` hears its events; both are cheap and never raise. ``keep`` flushes
    until it is told to stop. While the sink fails, what is heard is gathered up to a bound and then not kept, which is told and
    counted; as soon as the sink takes rows again, recording goes on by itself, and the gap is written down.

    Parameters
    ----------
    coins : our symbol for each of the exchange's names
    sink : where to
    kinds : what to keep, of :data:`KINDS` and :data:`OWN`
    settings : how often, how much
    tell : hears what happens
    clock : in nanoseconds since the epoch
    own : gathers the rows of one's own trading

    Raises
    ------
    ParameterError
        A kind that cannot be recorded, or none at all.
    """

    def __init__(
        self,
        coins: Mapping[str, str],
        sink: Sink,
        *,
        kinds: Sequence[str] = KINDS,
        settings: RecordSettings | None = None,
        tell: Tell | None = None,
        clock: Callable[[], int] = time.time_ns,
        own: Source | None = None,
    ) -> None:
        known = KINDS if own is None else (*KINDS, *OWN)
        unknown = [kind for kind in kinds if kind not in known]
        if unknown or not kinds:
            given = unknown[0] if unknown else ""
            raise ParameterError(f"kinds = {given!r}: can be recorded: {', '.join(known)}")
        self._coins = dict(coins)
        self._sink = sink
        self._own = own
        self._settings = settings or RecordSettings()
        self.tell: Tell = tell or _nobody_hears
        self._clock = clock
        self.kinds = tuple(dict.fromkeys(kinds))
        ticks = [kind for kind in self.kinds if kind in TICKS]
        self._buffer = RecordBuffer(self._coins, kinds=ticks, rows_max=self._settings.rows_max)
        self._bars: list[Bar] = []
        self._given: list[Written] = []
        self._gaps: list[GapRow] = []
        # Of streams that are away: the last time that was heard of them.
        self._away: dict[Subscription, int] = {}
        # While there is no room: the last time of each symbol and kind.
        self._full: dict[tuple[str, str], int] | None = None
        # On their way: what the next table is made of, and tables that the sink has not taken.
        self._others: tuple[list[Bar], list[GapRow], list[Written]] | None = None
        self._pending: list[Written] = []
        self._writing = threading.Lock()
        self._behind_ns = 0
        self._durable_ns = clock()
        self._failure: str | None = None
        self._malformed = 0
        self._counts = dict.fromkeys(("bars", "funding", "own", "repaired", "not_kept"), 0)
        self._gap_counts: dict[str, int] = {}

    # --- what is heard ---

    def hear(self, message: bytes, now_ns: int) -> None:
        """Take a message as it came."""
        if self._buffer.take(message, now_ns):
            if self._full is not None:
                self._has_room(now_ns)
        elif self._full is None:
            self._is_full()

    def told(self, event: StreamEvent) -> None:
        """Take an event of the session."""
        kind = type(event)
        if kind is Bar:
            self._bar(event)  # type: ignore[arg-type]
        elif kind is StreamChange:
            self._changed(event)  # type: ignore[arg-type]
        elif kind is History:
            self._history(event)  # type: ignore[arg-type]
        elif kind is Gap:
            self._gap(event)  # type: ignore[arg-type]
        elif kind is Malformed:
            self.tell("venue.notice", "warning", f"a message that cannot be read: {event.error}")  # type: ignore[union-attr]
        elif kind is Refused:
            self.tell("venue.notice", "warning", f"refused: {event.text}")  # type: ignore[union-attr]

    def put(self, kind: str, rows: pa.Table) -> bool:
        """Take rows that were asked for; False if there is no room."""
        if len(self._given) >= self._settings.others_max:
            self._counts["not_kept"] += rows.num_rows
            return False
        self._given.append(Written(kind, rows))
        if kind in self._counts:
            self._counts[kind] += rows.num_rows
        return True

    def note_gap(self, symbol: str, missing: str, start_ns: int, end_ns: int, reason: str) -> None:
        """Write down that rows of a kind are missing, and cannot be had."""
        if end_ns <= start_ns or missing not in self.kinds:
            return
        self._gap_counts[missing] = self._gap_counts.get(missing, 0) + 1
        if len(self._gaps) < self._settings.others_max:
            self._gaps.append(GapRow(symbol, missing, start_ns, end_ns, reason))
        else:
            self._counts["not_kept"] += 1

    def _bar(self, bar: Bar) -> None:
        if "bars" not in self.kinds:
            return
        if len(self._bars) < self._settings.others_max:
            self._bars.append(bar)
            self._counts["bars"] += 1
        else:
            self._counts["not_kept"] += 1

    def _history(self, event: History) -> None:
        added = self._buffer.add(list(event.trades))
        if added is None:
            self._counts["not_kept"] += 1
        elif "trades" in self.kinds:
            self._counts["repaired"] += added

    def _gap(self, event: Gap) -> None:
        missing = _KIND_OF.get(event.subscription.kind, "")
        symbol = self._coins[event.subscription.coin or ""]
        self.note_gap(symbol, missing, event.from_ns, event.to_ns, "the exchange has nothing so old any more")

    def _changed(self, event: StreamChange) -> None:
        """Note from when to when a stream was away of which nothing can be fetched later; trades and bars are repaired."""
        stream = event.subscription
        kind = _KIND_OF.get(stream.kind)
        if kind not in {"book", "quotes", "contexts"} or kind not in self.kinds:
            return
        symbol = self._coins[stream.coin or ""]
        newest_ns = self._buffer.newest_ns(kind, symbol)
        if event.state in {"waiting", "stale"}:
            if newest_ns:
                self._away.setdefault(stream, newest_ns)
        elif (
            event.state == "live"
            and (since_ns := self._away.pop(stream, None)) is not None
            # A quiet stream that was asked about has missed nothing.
            and not event.reason.startswith("quiet")
        ):
            self.note_gap(symbol, kind, since_ns, newest_ns, "the stream was away")

    def _is_full(self) -> None:
        ticks = [kind for kind in self.kinds if kind in TICKS]
        self._full = {
            (symbol, kind): self._buffer.newest_ns(kind, symbol) for symbol in self._coins.values() for kind in ticks
        }
        self.tell(
            "record.failed",
            "error",
            f"{self._buffer.rows:,} rows wait for the storage: nothing more is kept until there is room",
        )

    def _has_room(self, now_ns: int) -> None:
        full, self._full = self._full or {}, None
        for (symbol, kind), since_ns in full.items():
            if since_ns:
                self.note_gap(symbol, kind, since_ns, now_ns, "the storage took nothing")

    # --- what is written ---

    async def keep(self, stop: asyncio.Event) -> None:
        """Flush, and let the sink move rows on, until told to stop."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._migrate(stop))
            while not stop.is_set():
                settings = self._settings
                await pause(settings.flush_every_s if self._failure is None else settings.retry_after_s, stop)
                await self.flush()

    async def flush(self) -> bool:
        """Make durable what was heard before; False if that cannot be done now, which is told."""
        began_ns = self._clock()
        # In this thread, which fills them.
        if not self._others:
            bars, self._bars = self._bars, []
            gaps, self._gaps = self._gaps, []
            if gaps:
                self.tell("record.gap", "warning", _worded(gaps))
            given, self._given = self._given, []
            self._others = (bars, gaps, given)
        try:
            await asyncio.to_thread(self._write)
        except StorageError as error:
            if self._failure is None:
                self.tell("record.failed", "error", f"nothing is recorded on the disk now, trading goes on: {error}")
            self._failure = str(error)
            return False
        self._look_at_the_clock()
        if self._failure is not None:
            self._failure = None
            self.tell("record.resumed", "warning", "what is recorded is written again")
        self._durable_ns = began_ns
        return True

    def _look_at_the_clock(self) -> None:
        """Say that local times had to be moved, each time that it is twice as much."""
        behind_ns = self._buffer.behind_ns
        if behind_ns > 2 * self._behind_ns:
            self._behind_ns = behind_ns
            self.tell(
                "venue.notice",
                "warning",
                f"the clock of this machine is {behind_ns / 1e6:,.0f} ms behind that of the exchange: local times are moved by that; set it "
                "right (chrony, NTP)",
            )

    async def close(self) -> None:
        """Make everything durable for the last time.

        Raises
        ------
        StorageError
            It cannot be; the message says how much is lost.
        """
        for stream, since_ns in self._away.items():
            kind, symbol = _KIND_OF[stream.kind], self._coins[stream.coin or ""]
            self.note_gap(symbol, kind, since_ns, self._clock(), "the stream was away")
        self._away = {}
        if self._full is not None:
            self._has_room(self._clock())
        # What waits for room, and then what came meanwhile.
        if not (await self.flush() and await self.flush()):
            raise StorageError(f"the last rows are lost: {self._failure}")

    def status(self) -> RecordStatus:
        """Return how it stands."""
        counts = self._buffer.counts
        return RecordStatus(
            messages=counts["messages"],
            bytes=counts["bytes"],
            rows=counts["rows"],
            bars=self._counts["bars"],
            funding=self._counts["funding"],
            own=self._counts["own"],
            repeated=counts["repeated"],
            repaired=self._counts["repaired"],
            refused=counts["refused"],
            malformed=counts["malformed"],
            not_kept=counts["not_kept"] + self._counts["not_kept"] + (0 if self._own is None else self._own.not_kept),
            gaps=dict(self._gap_counts),
            waiting=self._buffer.rows,
            lag_s=max(0, self._clock() - self._durable_ns) / 1e9,
            failure=self._failure,
        )

    def _write(self) -> None:
        """Hand over what is in memory, and have it made durable. Nothing is taken from memory that the sink does not take."""
        with self._writing:
            if self._failure is not None:
                # It holds rows of before: these first.
                self._sink.flush()
            if not self._pending:
                self._pending = self._taken()
            while self._pending:
                kind, rows, resolution, venue = self._pending[0]
                try:
                    self._sink.write(kind, rows, venue=venue, resolution=resolution)
                except StorageError:
                    raise
                except AlgoTradeError as error:
                    self._counts["not_kept"] += rows.num_rows
                    self.tell("record.failed", "error", f"{rows.num_rows:,} rows of {kind} cannot be kept: {error}")
                del self._pending[0]
            self._sink.flush()

    def _taken(self) -> list[Written]:
        (bars, gaps, given), self._others = self._others or ([], [], []), None
        taken: list[Written] = [Written(kind, pa.table(rows)) for kind, rows in self._buffer.drain()]
        lengths = sorted({bar.resolution_ns for bar in bars})
        taken += [
            Written("bars", bar_table(bar for bar in bars if bar.resolution_ns == each), each) for each in lengths
        ]
        if gaps:
            taken.append(Written("gaps", gap_table(gaps)))
        own = [] if self._own is None else self._own.take()
        self._counts["own"] += sum(each.rows.num_rows for each in own)
        return [*taken, *given, *own]

    async def _migrate(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await pause(self._settings.migrate_every_s, stop)
            if stop.is_set() or self._failure is not None:
                continue
            try:
                moved = await asyncio.to_thread(self._sink.migrate)
            except StorageError as error:
                self.tell("record.failed", "warning", f"rows could not be moved to the lake, and stay: {error}")
                continue
            for problem in moved.problems:
                self.tell("record.failed", "warning", f"rows could not be moved to the lake, and stay: {problem}")


def _worded(gaps: Sequence[GapRow]) -> str:
    longest = max(gaps, key=lambda gap: gap.end_ns - gap.start_ns)
    seconds = (longest.end_ns - longest.start_ns) / 1e9
    more = f" (the longest of {len(gaps)} gaps)" if len(gaps) > 1 else ""
    return f"{longest.symbol}: {longest.missing} of {seconds:.1f} s are missing{more}: {longest.reason}"


def _nobody_hears(_kind: str, _level: str, _text: str) -> None:
    return


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Wait, or until told to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
