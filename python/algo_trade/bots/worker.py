"""The process in which a strategy lives that is not trusted: ``python -m algo_trade.bots.worker DESCRIPTOR PARENT MEMORY_MB``.

It is given a strategy to load, and says what that needs; then the header of a journal, of which it makes the same machine once more around
the strategy. From then on it is told every event, and says what the strategy asked for.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, Final

from algo_trade._native import Twin
from algo_trade.backtest.manifest import plain_params, strategy_spec
from algo_trade.backtest.remake import risk_of
from algo_trade.bots.channel import Channel
from algo_trade.bots.fence import confine, fence
from algo_trade.core.engine import risk_part, strategy_part
from algo_trade.errors import AlgoTradeError, InputError
from algo_trade.execution import VenueConfig
from algo_trade.strategy import load, name_of, needs_of

if TYPE_CHECKING:
    from algo_trade.strategy import Runnable

TEXT_MAX: Final = 2_000
"""No more than this is said of an error."""


def described(strategy: Runnable) -> dict[str, Any]:
    """Say what a strategy is, for whoever has to do without it."""
    needs = needs_of(strategy)
    return {
        "name": name_of(strategy),
        "params": plain_params(strategy),
        "needs": astuple(needs),
        "warm_up": int(getattr(strategy, "warm_up", 0)),
        "source_hash": strategy_spec(strategy)[1],
    }


def twin_of(header: str, strategy: Runnable) -> Twin:
    """Make the machine of which the header of a journal tells once more."""
    found = json.loads(header)
    made = found["manifest"]
    return Twin(
        strategy_part(strategy),
        risk_part(risk_of("the bot", made)),
        symbols=made["symbols"],
        rules=VenueConfig.model_validate(made["venue"]).rules(),
        initial_capital=made["initial_capital"],
        bot_id=found["bot_id"],
        epoch=found["epoch"],
        books=made["books"],
    )


def serve(channel: Channel, parent: int, memory_mb: int) -> None:
    """Do what is asked, until nobody asks any more."""
    try:
        asked = json.loads(channel.receive())
        confine(parent, memory_mb)
        is_fenced = fence(asked["strategy"])
        strategy = load(asked["strategy"], asked["params"])
        channel.send(json.dumps({**described(strategy), "is_fenced": is_fenced}).encode())
        twin = twin_of(channel.receive().decode(), strategy)
        channel.send(json.dumps({"twin": twin.described.hex()}).encode())
    except Exception as error:  # noqa: BLE001 -- it is told to who asked, whatever it is
        kind = "input" if isinstance(error, InputError) else "strategy"
        text = str(error) if isinstance(error, AlgoTradeError) else f"{type(error).__name__}: {error}"
        channel.send(json.dumps({"error": kind, "text": text[:TEXT_MAX]}).encode())
        return
    answer, send, receive = twin.answer, channel.send, channel.receive
    while True:
        send(answer(receive()))


def main() -> None:
    """Live as long as the other end does."""
    descriptor, parent, memory_mb = map(int, sys.argv[1:])
    channel = Channel(socket.socket(fileno=descriptor))
    with contextlib.suppress(EOFError, ConnectionError):
        serve(channel, parent, memory_mb)


if __name__ == "__main__":
    main()
