"""Waiting for something to become true, without sleeping for a while and hoping."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


async def until(is_so: Callable[[], bool], *, deadline_s: float = 30) -> None:
    """Look until it is so, giving way to others in between; raise `TimeoutError` when that takes for ever."""
    async with asyncio.timeout(deadline_s):
        while not is_so():
            await asyncio.sleep(0)
