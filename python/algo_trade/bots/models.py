"""What a bot is told, which states it can be in, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

    from algo_trade.config import BotConfig


class BotState(StrEnum):
    """What a bot is doing."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"
    """It hears everything and opens nothing."""
    ERROR = "error"
    """Something failed: it trades no more, and says what it was."""


class BotCommand(StrEnum):
    """What a bot can be told to do."""

    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    UPDATE_CONFIG = "update_config"
    GET_STATUS = "get_status"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class BotPosition:
    """What a bot holds of a symbol; a negative quantity is short."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal | None
    unrealised_pnl: Decimal


@dataclass(frozen=True, slots=True)
class Books:
    """What a bot owns, by its own books.

    Parameters
    ----------
    equity, pnl : in quote currency; ``pnl`` is what was won since it has its capital
    positions : those that are not flat
    open_orders : how many are not done
    """

    equity: Decimal
    pnl: Decimal
    positions: tuple[BotPosition, ...] = ()
    open_orders: int = 0


@dataclass(frozen=True, slots=True)
class BotStatus:
    """How a bot is.

    Parameters
    ----------
    bot_id, mode, strategy, symbols : which it is
    state : what it is doing
    detail : more about that, for people: what a start waits for, why nothing may be opened
    is_live : whether all that it needs to know is fresh
    last_heartbeat : when it last proved to be alive
    error : what failed, if it did
    books : what it owns, as it knew last; None before its first start
    lag_ms : how long the last news took to be dealt with
    mailbox : commands that wait for it
    """

    bot_id: str
    mode: str
    strategy: str
    symbols: tuple[str, ...]
    state: BotState
    detail: str = ""
    is_live: bool = False
    last_heartbeat: datetime | None = None
    error: str | None = None
    books: Books | None = None
    lag_ms: float = 0.0
    mailbox: int = 0

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it: money as text, times as RFC 3339."""
        books = self.books
        return {
            "bot_id": self.bot_id,
            "mode": self.mode,
            "strategy": self.strategy,
            "symbols": list(self.symbols),
            "state": str(self.state),
            "detail": self.detail,
            "is_live": self.is_live,
            "last_heartbeat": None if self.last_heartbeat is None else rfc3339(self.last_heartbeat),
            "error": self.error,
            "positions": [
                {
                    "symbol": each.symbol,
                    "quantity": plain(each.quantity),
                    "entry_price": None if each.entry_price is None else plain(each.entry_price),
                    "unrealised_pnl": plain(each.unrealised_pnl),
                }
                for each in (books.positions if books else ())
            ],
            "equity": None if books is None else plain(books.equity),
            "pnl": "0" if books is None else plain(books.pnl),
            "open_orders": 0 if books is None else books.open_orders,
            "lag_ms": round(self.lag_ms, 3),
        }


@dataclass(frozen=True, slots=True)
class Message:
    """A command in a bot's mailbox, with what belongs to it."""

    command: BotCommand
    config: BotConfig | None = None
    options: dict[str, Any] = field(default_factory=dict)


def plain(value: Decimal) -> str:
    """Return a decimal as text, without an exponent or zeros that say nothing."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def rfc3339(time: datetime) -> str:
    """Return a time as RFC 3339 has it, in UTC, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
