"""Where a bot thinks: in the event loop, or in a watched thread of its own.

What is built in, or compiled, cannot block and runs in the loop. A strategy in Python may block or raise: it has a thread, and whoever
waits for it in vain gives it up. One that is not trusted has a process, and the thread waits for that.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakSet

from algo_trade.bots.process import StrategyProcess
from algo_trade.errors import StrategyError
from algo_trade.strategy import BuiltinStrategy

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.bots.trader import Outcome, Trader
    from algo_trade.strategy import Runnable

T = TypeVar("T")

# How long a call may take to end by itself once nobody waits for it any more.
INTERRUPT_S = 1.0
BACKLOG_MAX = 20_000
"""More calls than this that wait for a thread: it does not keep up, and would never again."""


_given_up: WeakSet[threading.Thread] = WeakSet()


def _interrupt(thread: threading.Thread) -> None:
    if thread.is_alive() and thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt))


@atexit.register
def _end_given_up() -> None:
    """A thread that still runs Python when the interpreter ends would tear the process down with it."""
    for thread in list(_given_up):
        _interrupt(thread)
        thread.join(INTERRUPT_S)


class Room(Protocol):
    """A place where a trader lives: it is made there, and called nowhere else."""

    def call(self, function: Callable[..., Outcome | None], /, *arguments: object) -> None:
        """Call a method of the trader; what comes of it goes to ``answer``, an error to ``failed``."""
        ...

    async def ask(self, function: Callable[..., T], /, *arguments: object) -> T:
        """Call a function with the trader and wait for what it returns, or raises."""
        ...

    @property
    def stuck_s(self) -> float:
        """For how long the present call has been going on."""
        ...

    def close(self) -> None:
        """Let the trader go; a call that is going on is given up."""
        ...


class InlineRoom:
    """In the event loop.

    Parameters
    ----------
    make : makes the trader
    answer : takes what came of a call, unless that is nothing
    failed : takes an error; nothing is called afterwards
    """

    def __init__(
        self,
        make: Callable[[], Trader],
        answer: Callable[[Outcome], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._trader: Trader | None = make()
        self._answer = answer
        self._failed = failed

    stuck_s = 0.0

    def call(self, function: Callable[..., Outcome | None], /, *arguments: object) -> None:
        """Call a method of the trader."""
        if self._trader is None:
            return
        try:
            outcome = function(self._trader, *arguments)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it ends this bot and no other
            self._trader = None
            self._failed(error)
            return
        if outcome is not None:
            self._answer(outcome)

    async def ask(self, function: Callable[..., T], /, *arguments: object) -> T:
        """Call a function with the trader."""
        if self._trader is None:
            raise StrategyError("the bot has ended")
        return function(self._trader, *arguments)

    def close(self) -> None:
        """Let the trader go."""
        self._trader = None


class ThreadRoom:
    """In a thread of its own. See :class:`InlineRoom` for the parameters; both functions are called in the event loop.

    Parameters
    ----------
    name : of the thread
    """

    def __init__(
        self,
        make: Callable[[], Trader],
        answer: Callable[[Outcome], None],
        failed: Callable[[Exception], None],
        *,
        name: str,
    ) -> None:
        self._answer = answer
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._calls: SimpleQueue[tuple[Callable[..., Any], tuple[object, ...], asyncio.Future[Any] | None] | None]
        self._calls = SimpleQueue()
        self._began_s = 0.0
        self._is_open = True
        self._thread = threading.Thread(target=self._work, args=(make,), name=name, daemon=True)
        self._thread.start()

    @property
    def stuck_s(self) -> float:
        """For how long the present call has been going on."""
        began_s = self._began_s
        return time.monotonic() - began_s if began_s else 0.0

    def call(self, function: Callable[..., Outcome | None], /, *arguments: object) -> None:
        """Call a method of the trader, after all that wait."""
        if not self._is_open:
            return
        if self._calls.qsize() > BACKLOG_MAX:
            self._end(StrategyError(f"the strategy does not keep up: {BACKLOG_MAX:,} messages wait for it"))
            return
        self._calls.put((function, arguments, None))

    async def ask(self, function: Callable[..., T], /, *arguments: object) -> T:
        """Call a function with the trader, after all that wait, and wait for what it returns."""
        if not self._is_open:
            raise StrategyError("the bot has ended")
        answer: asyncio.Future[T] = self._loop.create_future()
        self._calls.put((function, arguments, answer))
        return await answer

    def close(self) -> None:
        """Let the trader go; a call that does not come to its end soon is interrupted, as soon as it runs Python."""
        self._is_open = False
        self._calls.put(None)
        if self._began_s and self._thread not in _given_up:
            _given_up.add(self._thread)
            # The loop may have ended by then.
            timer = threading.Timer(INTERRUPT_S, _interrupt, [self._thread])
            timer.daemon = True
            timer.start()

    def _work(self, make: Callable[[], Trader]) -> None:
        """Live in the thread: make the trader, and call it until there is nothing more."""
        trader: Trader | None = None
        while (call := self._calls.get()) is not None:
            function, arguments, answer = call
            self._began_s = time.monotonic()
            try:
                trader = trader or make()
                result = function(trader, *arguments)
            except Exception as error:  # noqa: BLE001 -- as above
                _let_go(error)
                if answer is None:
                    self._tell(self._end, error)
                    return
                self._tell(_refuse, answer, error)
            except KeyboardInterrupt:
                return
            else:
                if answer is not None:
                    self._tell(_fulfil, answer, result)
                elif result is not None:
                    self._tell(self._answered, result)
            finally:
                self._began_s = 0.0

    def _tell(self, function: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def _answered(self, outcome: Outcome) -> None:
        if self._is_open:
            self._answer(outcome)

    def _end(self, error: Exception) -> None:
        if self._is_open:
            self._is_open = False
            self._calls.put(None)
            self._failed(error)


class ProcessRoom(ThreadRoom):
    """In a thread of its own, while the strategy is in a process. See :class:`ThreadRoom` for the other parameters.

    Parameters
    ----------
    process : which ends with this room, and whose end is the end of the bot
    """

    def __init__(
        self,
        process: StrategyProcess,
        make: Callable[[], Trader],
        answer: Callable[[Outcome], None],
        failed: Callable[[Exception], None],
        *,
        name: str,
    ) -> None:
        self._process = process
        super().__init__(make, answer, failed, name=name)
        self._loop.add_reader(process.ends, self._died)

    def close(self) -> None:
        """Let the trader go, and end the process: whoever waits for it waits no more."""
        self._loop.remove_reader(self._process.ends)
        self._process.kill()
        super().close()

    def _died(self) -> None:
        self._end(StrategyError(self._process.bury()))

    def _end(self, error: Exception) -> None:
        self._loop.remove_reader(self._process.ends)
        self._process.kill()
        super()._end(error)


def room_for(
    strategy: Runnable,
    make: Callable[[], Trader],
    answer: Callable[[Outcome], None],
    failed: Callable[[Exception], None],
    *,
    name: str,
) -> Room:
    """Return the room for a strategy: the event loop for one that cannot block, else a thread of this name."""
    if isinstance(strategy, StrategyProcess):
        return ProcessRoom(strategy, make, answer, failed, name=name)
    if isinstance(strategy, BuiltinStrategy) or hasattr(strategy, "__algo_trade_strategy__"):
        return InlineRoom(make, answer, failed)
    return ThreadRoom(make, answer, failed, name=name)


def _let_go(error: BaseException) -> None:
    """Cut an error off from the trader, which has to end in its own thread, and not when somebody has read the error.

    A traceback holds all frames below it; where a strategy failed is in the words of the error.
    """
    each: BaseException | None = error
    while each is not None:
        each.__traceback__ = None
        each = each.__cause__ or each.__context__


def _fulfil(answer: asyncio.Future[Any], result: object) -> None:
    if not answer.done():
        answer.set_result(result)


def _refuse(answer: asyncio.Future[Any], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
