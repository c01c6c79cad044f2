"""The one queue before the exchange: who goes next, and when. All clients behind one IP address share one gate."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from algo_trade.errors import NotSentError
from algo_trade.hyperliquid.limits import Bucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.hyperliquid.limits import AddressBudget
    from algo_trade.hyperliquid.settings import LimitSettings


_PAUSE_MIN_S = 0.001


class Priority(IntEnum):
    """Who goes first: what takes risk away, then what may add some, then questions."""

    CANCEL = 0
    REDUCE = 1
    ORDER = 2
    INFO = 3


@dataclass(slots=True, eq=False)
class Connections:
    """How many requests of one client are under way.

    Whoever is let through while all connections are taken waits for one behind all who were let through before, where no cancel can
    pass. So questions and orders are kept in the queue instead, and what takes risk away has a connection of its own.
    """

    most: int
    under_way: int = 0


@dataclass(slots=True, eq=False)
class Ticket:
    """A place in the queue. ``hold`` is what the answer may be charged beyond ``weight``; ``items`` are counted by ``budget``."""

    priority: Priority
    caller: str
    weight: int
    hold: int = 0
    items: int = 0
    budget: AddressBudget | None = None
    connections: Connections | None = None
    admitted_s: float = float("-inf")

    @property
    def turn(self) -> Turn:
        """Whose turn it takes: callers of two clients may have the same name."""
        return self.connections, self.caller

    @property
    def is_admitted(self) -> bool:
        """Whether it was let through."""
        return self.admitted_s > float("-inf")

    @property
    def is_held_up(self) -> bool:
        """Whether it waits for a connection."""
        connections = self.connections
        return (
            connections is not None
            and connections.under_way >= connections.most
            and self.priority in (Priority.ORDER, Priority.INFO)
        )


Turn: TypeAlias = tuple[Connections | None, str]


class Queue:
    """The order of the queue, without a clock: by priority, and within one in turns of the callers."""

    def __init__(self, settings: LimitSettings, random: Random) -> None:
        self._settings = settings
        self._random = random
        self.bucket = Bucket(settings.ip_burst, settings.ip_weight_per_s)
        # Of each priority, the callers that wait, whose turn is next first.
        self._turns: list[dict[Turn, deque[Ticket]]] = [{} for _ in Priority]
        self._backed_off_s = self._back_off_until_s = float("-inf")
        self._back_offs = 0
        self.back_offs_total = 0

    def __len__(self) -> int:
        return sum(len(tickets) for turns in self._turns for tickets in turns.values())

    def push(self, ticket: Ticket) -> None:
        """Join the queue."""
        self._turns[ticket.priority].setdefault(ticket.turn, deque()).append(ticket)

    def drop(self, ticket: Ticket) -> None:
        """Leave the queue without going."""
        turns = self._turns[ticket.priority]
        turns[ticket.turn].remove(ticket)
        if not turns[ticket.turn]:
            del turns[ticket.turn]

    def next(self, now_s: float) -> Ticket | float:
        """Let the next one go, and charge it; or return how long until that may be, infinite if only news can tell.

        One that is returned without being admitted leaves in vain: what is left of its account's budget is kept for others.
        """
        if now_s < self._back_off_until_s:
            return self._back_off_until_s - now_s
        wait_s = float("inf")
        for turns in self._turns:
            for turn, tickets in turns.items():
                ticket = tickets[0]
                # A client or an account that has to wait stops nobody else.
                if ticket.is_held_up:
                    continue
                if (pause_s := self._budget_s(now_s, ticket)) == float("inf"):
                    self._leave(turns, turn)
                    return ticket
                if pause_s > 0:
                    wait_s = min(wait_s, pause_s)
                    continue
                # One that waits for weight does: or else small questions would starve it.
                if (pause_s := self._bucket_s(now_s, ticket)) > 0:
                    return min(wait_s, pause_s)
                self._leave(turns, turn)
                self._admit(now_s, ticket)
                return ticket
        return wait_s

    @staticmethod
    def _leave(turns: dict[Turn, deque[Ticket]], turn: Turn) -> None:
        tickets = turns.pop(turn)
        tickets.popleft()
        if tickets:
            turns[turn] = tickets

    def _admit(self, now_s: float, ticket: Ticket) -> None:
        ticket.admitted_s = now_s
        self.bucket.hold(ticket.weight + ticket.hold)
        if ticket.budget is not None:
            ticket.budget.sent(now_s, ticket.items)
        if ticket.connections is not None:
            ticket.connections.under_way += 1

    def settle(self, now_s: float, ticket: Ticket, weight: int) -> None:
        """Charge what the request turned out to weigh, now that nothing of it is under way any more."""
        self.bucket.settle(now_s, ticket.weight + ticket.hold, weight)
        if ticket.budget is not None:
            ticket.budget.answered(now_s, ticket.items)
        if ticket.connections is not None:
            ticket.connections.under_way -= 1

    def back_off(self, now_s: float, ticket: Ticket, retry_after_s: float | None) -> None:
        """Let nobody go for a while: the exchange has answered 429."""
        if ticket.admitted_s <= self._backed_off_s:
            return  # it was under way together with the one that brought the last pause
        pause_s = self.pause_s(self._back_offs)
        if retry_after_s is not None:
            # Not at once, whatever it says.
            pause_s = max(retry_after_s, self._settings.backoff_first_s / 2)
        self._back_offs += 1
        self.back_offs_total += 1
        self._backed_off_s = now_s
        self._back_off_until_s = now_s + min(pause_s, self._settings.backoff_max_s)

    def pause_s(self, failures: int) -> float:
        """Return a pause, longer after more failures, and never the same for two."""
        longest = min(self._settings.backoff_max_s, self._settings.backoff_first_s * 2.0 ** min(failures, 32))
        return longest * (0.5 + 0.5 * self._random.random())

    def answered(self, ticket: Ticket) -> None:
        """Take note that the exchange answers again, if this was asked after the last pause."""
        if ticket.admitted_s > self._backed_off_s:
            self._back_offs = 0

    def _bucket_s(self, now_s: float, ticket: Ticket) -> float:
        whole = self._settings.ip_reserve
        reserve = {Priority.INFO: whole, Priority.ORDER: whole // 2}.get(ticket.priority, 0)
        return self.bucket.wait_s(now_s, ticket.weight + ticket.hold, reserve)

    @staticmethod
    def _budget_s(now_s: float, ticket: Ticket) -> float:
        """Return how long the ticket's account has to wait."""
        if ticket.budget is None or not ticket.items:
            return 0.0
        is_cancel = ticket.priority is Priority.CANCEL
        may_use_reserve = ticket.priority is not Priority.ORDER
        return ticket.budget.wait_s(now_s, ticket.items, may_use_reserve=may_use_reserve, is_cancel=is_cancel)


class Gate:
    """The queue on an event loop.

    Parameters
    ----------
    settings : the limits
    clock : seconds that only go forward; the event loop's, unless told otherwise
    random : what spreads the pauses after a 429
    """

    def __init__(
        self, settings: LimitSettings, *, clock: Callable[[], float] | None = None, random: Random | None = None
    ) -> None:
        self._queue = Queue(settings, random or Random())  # noqa: S311 -- no secret
        self._clock = clock
        self._waiting: dict[Ticket, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def admit(self, ticket: Ticket, *, within_s: float | None = None) -> None:
        """Wait for one's turn.

        Raises
        ------
        NotSentError
            It did not come in time, or what is left of the account's budget is kept for cancels and reduce-only orders.
        """
        turn = asyncio.get_running_loop().create_future()
        self._queue.push(ticket)
        self._waiting[ticket] = turn
        self._serve()
        try:
            async with asyncio.timeout(within_s):
                await turn
        except BaseException as error:
            if self._waiting.pop(ticket, None) is not None:
                self._queue.drop(ticket)
                self._serve()
            elif ticket.is_admitted:
                # At the very moment at which it gave up: nothing was sent.
                self._queue.settle(self.now_s(), ticket, 0)
                if ticket.budget is not None:
                    ticket.budget.refused(ticket.items)
                self._serve()
            if isinstance(error, TimeoutError):
                text = f"no room within the limits of the exchange for {within_s} s: nothing was sent"
                raise NotSentError(text) from None
            raise

    def settle(self, ticket: Ticket, extra: int, *, is_answer: bool = True) -> None:
        """Charge the ticket's weight, and what the answer weighs beyond it; 0 if there was none."""
        self._queue.settle(self.now_s(), ticket, ticket.weight + extra)
        if is_answer:
            self._queue.answered(ticket)
        self._serve()

    def back_off(self, ticket: Ticket, retry_after_s: float | None) -> None:
        """Pause for everybody: the exchange has answered 429 to this one."""
        self._queue.back_off(self.now_s(), ticket, retry_after_s)
        self._serve()

    @property
    def left(self) -> float:
        """Which weight could be sent now."""
        return self._queue.bucket.left(self.now_s())

    @property
    def back_offs(self) -> int:
        """How often everybody had to pause."""
        return self._queue.back_offs_total

    def pause_s(self, failures: int) -> float:
        """Return how long to pause before one more attempt."""
        return self._queue.pause_s(failures)

    def now_s(self) -> float:
        """The gate's time."""
        return self._clock() if self._clock else asyncio.get_running_loop().time()

    def _serve(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while len(self._queue):
            ticket = self._queue.next(self.now_s())
            if not isinstance(ticket, Ticket):
                if ticket < float("inf"):
                    # A wait as short as the error of a sum might not move the clock at all.
                    pause_s = max(ticket, _PAUSE_MIN_S)
                    self._timer = asyncio.get_running_loop().call_later(pause_s, self._serve)
                return
            turn = self._waiting.pop(ticket)
            # One that was cancelled in this turn of the loop settles when it wakes.
            if turn.done():
                continue
            if ticket.is_admitted:
                turn.set_result(None)
            else:
                turn.set_exception(_spent(ticket.budget))


def _spent(budget: AddressBudget | None) -> NotSentError:
    used = "all" if budget is None else f"{budget.used} of {budget.cap}"
    return NotSentError(
        f"the account has used {used} requests: the rest is kept for cancels and reduce-only orders; trade with takers, or buy "
        "requests with `reserve_request_weight`"
    )
