"""A process with a strategy in it that is not trusted, from the side that trades: started, asked, and killed.

Journal, limits, keys and the way to the exchange stay here. What comes from there is what the strategy asks for, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from algo_trade.bots.channel import Channel, ChannelError
from algo_trade.errors import ParameterError, StrategyError
from algo_trade.strategy import ApartStrategy, Needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from algo_trade.config import BotConfig

# What it is told of this process's environment. Keys are not among it, whatever they are called.
_ENVIRONMENT: Final = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "TMPDIR",
    "TZ",
    "VIRTUAL_ENV",
)
_ANSWER_MAX: Final = 1 << 20
_TEXT_MAX: Final = 2_000
# How long it may take to go once it has hung up.
_END_S: Final = 5.0

_Word = TypeVar("_Word", bound=BaseModel)


class _Said(BaseModel):
    """What it says of its strategy. It may say anything."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: str = Field(max_length=200)
    params: dict[str, bool | int | float | str]
    needs: tuple[bool, bool, bool, bool]
    warm_up: int = Field(ge=0, le=5_000)
    source_hash: str = Field(max_length=64)
    is_fenced: bool


class _Made(BaseModel):
    """What its machine says of itself."""

    model_config = ConfigDict(strict=True, extra="forbid")

    twin: str


class StrategyProcess(ApartStrategy):
    """A strategy in a process of its own.

    It is made in the thread of the event loop: the process ends with the thread that started it.

    Parameters
    ----------
    config : of the bot
    load_s : how long the strategy may take to load
    deadline_s : how long it may think about one event now
    """

    def __init__(self, config: BotConfig, *, load_s: float, deadline_s: Callable[[], float]) -> None:
        self.spec = config.strategy
        self._given = {"strategy": config.strategy, "params": config.params}
        self._load_s = load_s
        self._deadline_s = deadline_s
        self._described = b""
        self.is_fenced = False
        """Whether files, programs and other processes are out of its reach."""
        self._failure: str | None = None
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours, longest=_ANSWER_MAX)
        with contextlib.ExitStack() as stack:
            stack.callback(self._channel.close)
            stack.enter_context(theirs)
            self._process = subprocess.Popen(  # noqa: S603 -- it is this interpreter, with our own words
                # -P: what lies in the working directory is not imported in the place of what is installed.
                [
                    *(sys.executable, "-P", "-m", "algo_trade.bots.worker"),
                    *(str(theirs.fileno()), str(os.getpid()), str(config.memory_mb)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
            self.ends = os.pidfd_open(self._process.pid)
            """A descriptor that can be read once the process has ended."""
            theirs.close()
            stack.pop_all()

    async def load(self) -> None:
        """Have the strategy loaded, and hear what it needs.

        Raises
        ------
        ParameterError, StrategyError
            It cannot be loaded.
        """
        request = json.dumps(self._given, default=str).encode()
        said = await asyncio.to_thread(self._ask_once, request, _Said)
        self.name, self.params, self.source_hash = said.name, dict(said.params), said.source_hash
        self.needs, self.warm_up, self.is_fenced = Needs(*said.needs), said.warm_up, said.is_fenced

    def settle(self, header: str) -> None:
        """Have it make the machine of which the header of a journal tells, around its strategy.

        Raises
        ------
        StrategyError
            It does not.
        """
        self._described = bytes.fromhex(self._ask_once(header.encode(), _Made).twin)

    @property
    def engine_part(self) -> tuple[Callable[[bytes], bytes], bytes]:
        """What the engine takes, once this is settled."""
        return self._ask, self._described

    def _ask_once(self, request: bytes, word: type[_Word]) -> _Word:
        came = self._exchange(request, self._load_s, f"did not load within {self._load_s:g} s")
        try:
            found: Any = json.loads(came)
            if not isinstance(found, dict) or "error" not in found:
                return word.model_validate_json(came)
        except ValueError:
            raise self._broken("says of itself what makes no sense") from None
        kind = ParameterError if found["error"] == "input" else StrategyError
        raise kind(str(found.get("text"))[:_TEXT_MAX])

    def _ask(self, request: bytes) -> bytes:
        within_s = self._deadline_s()
        return self._exchange(request, within_s, f"has been thinking for {within_s:g} s about one event (deadline_s)")

    def _exchange(self, request: bytes, within_s: float, too_late: str) -> bytes:
        try:
            self._channel.send(request, within_s)
            return self._channel.receive(within_s)
        except TimeoutError:
            raise self._broken(too_late) from None
        except ChannelError as error:
            raise self._broken(f"does not keep to the protocol: {error}") from None
        except (EOFError, OSError):
            raise StrategyError(self.bury()) from None

    def _broken(self, text: str) -> StrategyError:
        """End the process, for this reason."""
        failure = self._failure = self._failure or f"the strategy {text}: its process was killed"
        self.kill()
        return StrategyError(failure)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def bury(self) -> str:
        """Wait until a process has ended that has hung up; return what became of it."""
        gone = select.poll()
        gone.register(self.ends, select.POLLIN)
        if not gone.poll(_END_S * 1e3):
            self._failure = self._failure or "the strategy's process hung up: it was killed"
        self.kill()
        code = self._process.wait()
        if self._failure is not None:
            return self._failure
        if code >= 0:
            return f"the strategy's process ended by itself, with exit code {code}"
        try:
            which = signal.Signals(-code).name
        except ValueError:
            which = f"signal {-code}"
        return f"the strategy's process was ended by {which} ({signal.strsignal(-code)})"

    async def close(self) -> None:
        """End the process, and wait until it is gone."""
        self.kill()
        await asyncio.to_thread(self._process.wait)
        self._channel.close()
        os.close(self.ends)


def _environment() -> dict[str, str]:
    told = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # What depends on the order in which a set is walked through is the same after a restart.
    return {**told, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
