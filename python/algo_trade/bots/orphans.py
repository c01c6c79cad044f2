"""Orders that nobody looks after any more: of a run that is over, or of a runner that is dead."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from algo_trade.hyperliquid import HyperliquidClient
    from algo_trade.hyperliquid.answers import CancelAnswer


async def cancel_orphans(
    client: HyperliquidClient, tags: Collection[str], *, known: Collection[str] = ()
) -> list[tuple[str, str, CancelAnswer]]:
    """Cancel what rests of bots, together; return the coin, the id and the answer to each.

    Parameters
    ----------
    client : of the account
    tags : what the ids of these bots' orders begin with (:func:`~algo_trade._native.cloid_tag`)
    known : ids that somebody looks after

    Raises
    ------
    VenueError
        The exchange could not be asked, or an answer did not come.
    """
    resting = await client.info.open_orders()
    found = [(each["coin"], each["cloid"]) for each in resting]
    orphans = [
        (coin, cloid)
        for coin, cloid in found
        if cloid is not None and cloid not in known and cloid.startswith(tuple(tags))
    ]
    answers = await asyncio.gather(*(client.exchange.cancel(coin, cloid) for coin, cloid in orphans))
    return [(coin, cloid, answer) for (coin, cloid), answer in zip(orphans, answers, strict=True)]
