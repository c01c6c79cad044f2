"""What is measured of a run, for Prometheus: each metric once, with its meaning, and a method that observes it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest

from algo_trade.telemetry.series import Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

PREFIX = "algo_trade"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_TICK_TO_ORDER_S = (
    *(50e-6, 100e-6, 200e-6, 500e-6),
    *(1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 200e-3, 500e-3, 1.0),
)
_DURABLE_S = (100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 200e-3, 500e-3, 1.0, 5.0)
_LAG_S = (1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 200e-3, 500e-3, 1.0, 2.0, 5.0)
# Lines of one step of a rendering: less than a millisecond.
_STEP_LINES = 500

ReloadOutcome = Literal["applied", "refused"]
AlertOutcome = Literal["sent", "failed", "throttled", "dropped"]


@dataclass(frozen=True, slots=True)
class Described:
    """A metric, as Prometheus shows it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


class Metrics:
    """The metrics of a process, in a registry of its own.

    A method costs about a microsecond. Bots, symbols and streams are labels: each metric has so many series at most, and what comes after
    is counted under ``other``.

    Parameters
    ----------
    version : of the program
    series_max : of one metric
    """

    def __init__(self, *, version: str = "", series_max: int = 10_000) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._series_max = series_max
        self._described: list[Described] = []
        self._series: list[Series] = []
        self._of_bots: list[Series] = []
        self._states: dict[str, str] = {}
        self._told_lost = 0
        self._told: dict[tuple[Series, str], int] = {}
        self._logged: dict[str, int] = {}
        self._before: list[Callable[[], Iterable[None] | None]] = []
        ProcessCollector(namespace=PREFIX, registry=self.registry)

        self._tick_to_order = self._histogram(
            "tick_to_order_seconds",
            "From the arrival of market data to the order it caused being handed over",
            _TICK_TO_ORDER_S,
        )
        self._lag = self._histogram(
            "event_loop_lag_seconds", "How much later than asked the event loop woke its monitor", _LAG_S
        )
        self._durable = self._histogram(
            "journal_durable_seconds", "From a record being handed to the journal to it being on disk", _DURABLE_S
        )
        self._journal_failed = self._gauge("journal_failed", "1 while the journal cannot be written, else 0")
        self._stream_age = self._gauge("stream_age_seconds", "Since the last data message of a stream", "stream")
        self._budget = self._gauge("rate_limit_budget", "What is left within a limit of the exchange", "limit")
        self._open_orders = self._gauge("open_orders", "Orders that are not done", "bot", "state")
        self._orders = self._counter("orders", "Orders that came to their end", "bot", "outcome")
        self._fills = self._counter("fills", "Fills", "bot")
        self._mailbox = self._gauge("mailbox_depth", "Messages that wait for a bot", "bot")
        self._state = self._gauge("bot_state", "1 for the state that a bot is in", "bot", "state")
        self._equity = self._gauge("bot_equity", "Equity of a bot, in quote currency", "bot")
        self._pnl = self._gauge("bot_pnl", "Profit and loss of a bot since it started, in quote currency", "bot")
        self._position = self._gauge(
            "bot_position", "Position of a bot, in base units, negative if short", "bot", "symbol"
        )
        self._differences = self._counter(
            "reconciliation_differences", "Differences from the exchange that were repaired"
        )
        self._alerts = self._counter("alerts", "Alerts, by what became of them", "rule", "outcome")
        self._messages = self._counter("log_messages", "Messages of the log", "level")
        self._lost = self._counter("log_messages_lost", "Messages of the log that were lost")
        self._recorded = self._counter("recorded", "Of the markets that are recorded, by what became of it", "what")
        self._record_gaps = self._counter("record_gaps", "Gaps that cannot be filled, by what is missing", "missing")
        self._record_waiting = self._gauge(
            "record_waiting_rows", "Recorded rows in memory that the storage has not taken"
        )
        self._record_lag = self._gauge("record_lag_seconds", "For how long what was recorded has not been durable")
        self._record_failed = self._gauge("record_failed", "1 while what is recorded cannot be written, else 0")
        self._reloads = self._counter("config_reloads", "Changes of the configuration while running", "outcome")
        self._gauge("build_info", "1; which version runs", "version")(version).set(1)
        # What is counted for all is there from the start, so that a rate sees the first one.
        for outcome in ("applied", "refused"):
            self._reloads(outcome)
        for level in ("debug", "info", "warning", "error", "critical"):
            self._messages(level)
        self._differences()
        self._lost()
        self._journal_failed()

    def tick_to_order(self, seconds: float) -> None:
        """Observe how long an order took, from the arrival of what caused it."""
        self._tick_to_order.observe(seconds)

    def loop_lag(self, seconds: float) -> None:
        """Observe how late the event loop was."""
        self._lag.observe(seconds)

    def journal_durable(self, seconds: float) -> None:
        """Observe how long a record took to be on disk."""
        self._durable.observe(seconds)

    def journal_failed(self, *, is_failed: bool) -> None:
        """Say whether the journal can be written."""
        self._journal_failed().set(is_failed)

    def stream_age(self, stream: str, seconds: float) -> None:
        """Say how long ago a stream brought data."""
        self._stream_age(stream).set(seconds)

    def keep_streams(self, streams: set[str]) -> None:
        """Take away what was told of all other streams."""
        self._stream_age.keep(streams)

    def rate_limit_budget(self, limit: str, left: float) -> None:
        """Say how much is left within a limit."""
        self._budget(limit).set(left)

    def open_orders(self, bot_id: str, state: str, count: int) -> None:
        """Say how many orders of a bot are in a state."""
        self._open_orders(bot_id, state).set(count)

    def orders_done(self, bot_id: str, outcome: str, count: int = 1) -> None:
        """Count orders that came to their end."""
        self._orders(bot_id, outcome).inc(count)

    def fills(self, bot_id: str, count: int = 1) -> None:
        """Count fills."""
        self._fills(bot_id).inc(count)

    def mailbox_depth(self, bot_id: str, depth: int) -> None:
        """Say how many messages wait for a bot."""
        self._mailbox(bot_id).set(depth)

    def bot_state(self, bot_id: str, state: str) -> None:
        """Say which state a bot is in: it is in no other then."""
        before = self._states.get(bot_id)
        if before is not None and before != state:
            self._state(bot_id, before).set(0)
        self._states[bot_id] = state
        self._state(bot_id, state).set(1)

    def bot_equity(self, bot_id: str, amount: float) -> None:
        """Say what a bot is worth."""
        self._equity(bot_id).set(amount)

    def bot_pnl(self, bot_id: str, amount: float) -> None:
        """Say what a bot has won or lost."""
        self._pnl(bot_id).set(amount)

    def bot_position(self, bot_id: str, symbol: str, quantity: float) -> None:
        """Say what a bot holds of a symbol."""
        self._position(bot_id, symbol).set(quantity)

    def reconciliation_differences(self, count: int) -> None:
        """Count differences from the exchange."""
        self._differences().inc(count)

    def alert(self, rule: str, outcome: AlertOutcome, count: int = 1) -> None:
        """Count what became of alerts."""
        self._alerts(rule, outcome).inc(count)

    def log_message(self, level: str) -> None:
        """Count a message of the log."""
        # Not at once: a destructor may log while this thread holds the lock of the same counter.
        self._logged[level] = self._logged.get(level, 0) + 1

    def log_messages_lost(self, in_all: int) -> None:
        """Say how many messages of the log were lost so far."""
        self._lost().inc(max(0, in_all - self._told_lost))
        self._told_lost = in_all

    def recorded(self, what: str, in_all: int) -> None:
        """Say how much there was so far: ``messages``, ``bytes``, ``rows``, ``not_kept``, …."""
        self._count_up(self._recorded, what, in_all)

    def record_gaps(self, missing: str, in_all: int) -> None:
        """Say how many gaps there were so far."""
        self._count_up(self._record_gaps, missing, in_all)

    def recording(self, *, waiting: int, lag_s: float, is_failed: bool) -> None:
        """Say how the recording of markets stands."""
        self._record_waiting().set(waiting)
        self._record_lag().set(lag_s)
        self._record_failed().set(is_failed)

    def _count_up(self, series: Series, label: str, in_all: int) -> None:
        series(label).inc(max(0, in_all - self._told.get((series, label), 0)))
        self._told[series, label] = in_all

    def config_reload(self, outcome: ReloadOutcome) -> None:
        """Count a change of the configuration."""
        self._reloads(outcome).inc()

    def forget(self, bot_id: str) -> None:
        """Take away every series of a bot."""
        self._states.pop(bot_id, None)
        for series in self._of_bots:
            series.forget(bot_id)

    def before_render(self, observe: Callable[[], Iterable[None] | None]) -> None:
        """Have gauges set just before they are read: what changes with every tick need not be told with every tick.

        An iterator lets others run whenever it yields.
        """
        self._before.append(observe)

    def render(self) -> tuple[bytes, str]:
        """Return all that was observed as Prometheus reads it, and its content type.

        With hundreds of bots it takes milliseconds: an event loop that has other things to do awaits ``render_in_steps``.
        """
        return b"".join(self._rendered()), CONTENT_TYPE

    async def render_in_steps(self) -> tuple[bytes, str]:
        """Do as ``render``, and let others run after each millisecond at the latest."""
        parts = []
        for part in self._rendered():
            parts.append(part)
            await asyncio.sleep(0)
        return b"".join(parts), CONTENT_TYPE

    def described(self) -> list[Described]:
        """Return every metric that there is, those of the process (of Linux) too."""
        of_process = [
            Described(_shown_name(each.name, each.type), each.type, (), each.documentation)
            for each in self.registry.collect()
            if each.name.startswith(f"{PREFIX}_process_")
        ]
        return [*self._described, *of_process]

    def _rendered(self) -> Iterator[bytes]:
        for level in list(self._logged):
            self._messages(level).inc(self._logged.pop(level))
        for observe in self._before:
            for _ in observe() or ():
                yield b""
        # Histograms, and what is known of the process; when a series was begun is nothing that anybody asks for.
        lines = generate_latest(self.registry).splitlines(keepends=True)
        yield b"".join(line for line in lines if b"_created" not in line)
        for series in self._series:
            yield from series.rendered(_STEP_LINES)

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float]) -> Histogram:
        self._describe(name, "histogram", (), meaning)
        return Histogram(f"{PREFIX}_{name}", meaning, registry=self.registry, buckets=buckets)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Series:
        return self._made(name, "gauge", meaning, labels)

    def _counter(self, name: str, meaning: str, *labels: str) -> Series:
        return self._made(name, "counter", meaning, labels)

    def _made(self, name: str, kind: Literal["counter", "gauge"], meaning: str, labels: tuple[str, ...]) -> Series:
        self._describe(name, kind, labels, meaning)
        made = Series(_shown_name(f"{PREFIX}_{name}", kind), kind, meaning, labels, self._series_max)
        self._series.append(made)
        if "bot" in labels:
            self._of_bots.append(made)
        return made

    def _describe(self, name: str, kind: str, labels: tuple[str, ...], meaning: str) -> None:
        self._described.append(Described(_shown_name(f"{PREFIX}_{name}", kind), kind, labels, meaning))


def _shown_name(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" else name
