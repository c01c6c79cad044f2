"""What happens at one moment, in rounds: venue and system hear and answer each other until nobody has anything more to say.

This is the order of the engine's own loop. Every driver in Python goes through it, so that a strategy is woken in the same order in a
backtest, on paper and live.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from algo_trade._native import OrderUpdate, SetTimer, TimerEvent
from algo_trade.core.protocols import TimedExecutionHandler
from algo_trade.errors import StrategyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from algo_trade.core.protocols import Command, Event, ExecutionHandler, MarketEvent, Report

ROUNDS_MAX = 1_000
"""More rounds than this at one instant are an endless conversation between strategy and venue."""

NEVER = (1 << 63) - 1
"""The end of time."""


class Instants:
    """A system's ``step``, the venue that it talks to, and the timers that it has set.

    Parameters
    ----------
    step : of the system
    execution : what carries out commands
    has_books : whether the market has order books; without, reports are sorted by their time alone
    """

    def __init__(
        self,
        step: Callable[[Event | list[MarketEvent]], list[Command]],
        execution: ExecutionHandler,
        *,
        has_books: bool,
    ) -> None:
        self._step = step
        self._execution = execution
        self._timed = execution if isinstance(execution, TimedExecutionHandler) else None
        self._has_books = has_books
        self._timers: list[tuple[int, int, int]] = []
        self._timers_set = 0

    @property
    def due_ns(self) -> int:
        """The next moment at which something happens though nobody says anything."""
        due = NEVER if self._timed is None else self._timed.next_time_ns
        if due is None:
            due = NEVER
        if self._timers and self._timers[0][0] < due:
            due = self._timers[0][0]
        return due

    def set_timers(self, timers: Iterable[tuple[int, int]], now_ns: int) -> None:
        """Set timers (when, and their ids) that were set before a restart."""
        for time_ns, number in timers:
            self._set_timer(time_ns, number, now_ns)

    def happen(
        self, now_ns: int, batch: list[MarketEvent], commands: list[Command], told: Sequence[Report] = ()
    ) -> None:
        """Let all happen that happens at a moment.

        Parameters
        ----------
        now_ns : the moment
        batch : what the market does
        commands : what is still to be carried out: what was asked for at the start of trading
        told : what a venue far away has told meanwhile

        Raises
        ------
        StrategyError
            Strategy and venue talk without end.
        """
        # On bars, what was asked for at the start of trading is carried out in the round after that of the first bar.
        left = [] if self._has_books else commands
        commands = left + self._round(now_ns, batch, commands if self._has_books else [], told)
        for _ in range(ROUNDS_MAX):
            if not commands and self.due_ns > now_ns:
                return
            commands = self._round(now_ns, [], commands)
        raise StrategyError(
            f"more than {ROUNDS_MAX} rounds at one instant: the strategy answers each report with an order"
        )

    def _round(
        self, now_ns: int, batch: list[MarketEvent], commands: list[Command], told: Sequence[Report] = ()
    ) -> list[Command]:
        """First at the venue: the market, what is due, our commands. Then with us: its reports, the market, timers."""
        reports = [*told]
        for event in batch:
            reports += self._execution.on_market_event(event)
        timed = self._timed
        if timed is not None and (due := timed.next_time_ns) is not None and due <= now_ns:
            reports += timed.on_time(now_ns)
        for command in commands:
            if isinstance(command, SetTimer):
                self._set_timer(command.time_ns, command.id, now_ns)
            else:
                reports += self._execution.execute(command, now_ns)
        answers: list[Command] = []
        for report in sorted(reports, key=self._rank) if reports else ():
            answers += self._step(report)
        if batch:
            answers += self._step(batch)
        while self._timers and self._timers[0][0] <= now_ns:
            answers += self._step(TimerEvent(now_ns, heapq.heappop(self._timers)[2]))
        return answers

    def _set_timer(self, time_ns: int, number: int, now_ns: int) -> None:
        self._timers_set += 1
        # A timer for a moment that has passed comes due at the next one.
        heapq.heappush(self._timers, (max(time_ns, now_ns + 1), self._timers_set, number))

    def _rank(self, report: Report) -> tuple[int, bool]:
        """Order what the venue said: by time, and on books fills before the news of orders."""
        return report.time_ns, self._has_books and isinstance(report, OrderUpdate)
