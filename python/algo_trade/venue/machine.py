"""The machine inside the local venue, as the shell around it sees it: no socket, no clock, no thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import orjson

from algo_trade._native import LocalVenue

if TYPE_CHECKING:
    from algo_trade.venue.clock import Clock

AnswerOut: TypeAlias = tuple[Literal["answer"], int, int, bytes | None, int]
"""Ticket, HTTP status, body, delay in ns. Without a body the connection is cut instead."""

MessageOut: TypeAlias = tuple[Literal["message"], int, bytes, int]
"""Connection, body (a JSON text), delay in ns."""

CloseOut: TypeAlias = tuple[Literal["close"], int, int, int]
"""Connection, close code, delay in ns."""

Outgoing: TypeAlias = AnswerOut | MessageOut | CloseOut


class VenueMachine(Protocol):
    """Bytes and times in; answers, messages and deadlines out.

    Times are nanoseconds since the Unix epoch and never go back. Nothing here waits. Whatever a call causes, now or later,
    is read by `drain`.
    """

    def request(self, path: str, body: bytes, peer: str, now_ns: int, /) -> int:
        """Take a request to ``info`` or ``exchange``; return the ticket of its answer."""
        ...

    def connect(self, peer: str, now_ns: int, /) -> int | str:
        """Open a connection: its number, or the text of the refusal."""
        ...

    def receive(self, connection: int, message: bytes, now_ns: int, /) -> None:
        """Take a message that came over a connection."""
        ...

    def disconnect(self, connection: int, now_ns: int, /) -> None:
        """Forget a connection. It is told of each that ended, also of those that it closed itself."""
        ...

    def advance(self, now_ns: int, /) -> None:
        """Do what is due."""
        ...

    def deadline(self) -> int:
        """When `advance` has to be called next, at the latest."""
        ...

    def drain(self) -> Sequence[Outgoing]:
        """Take what goes out, in order. Delays count from the call that caused it."""
        ...

    def control(self, body: bytes, now_ns: int, /) -> bytes:
        """Do what an operator asks, in JSON; the answer is JSON too, with ``error`` if something is wrong."""
        ...

    @property
    def broken(self) -> str | None:
        """Why the market stands still, if it does: a recording that could not be read to its end."""
        ...


MachineMaker: TypeAlias = Callable[[str, int], VenueMachine]
"""Makes a machine of its options in JSON, at a time in ns."""


def open_machine(options: Mapping[str, object], clock: Clock, *, make: MachineMaker | None = None) -> VenueMachine:
    """Open a venue.

    Parameters
    ----------
    options : mapping
        What JSON can say; paths and decimals become texts. The machine checks it, and knows every default.
    clock : Clock
    make : function, the compiled core's ``LocalVenue`` by default

    Raises
    ------
    ParameterError
        An option is unknown, of the wrong type or out of range.
    DataError
        A recording cannot be read.
    """
    maker: MachineMaker = make or LocalVenue
    return maker(orjson.dumps(options, default=str).decode(), clock.now_ns())
