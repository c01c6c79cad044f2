"""A lease: the right of one process to run a bot, with an epoch that tells its orders from those of whoever had it before."""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from algo_trade.errors import LeaseError

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease."""

    owner: str
    host: str
    pid: int
    epoch: int
    since: datetime

    def __str__(self) -> str:
        since = self.since.isoformat(timespec="seconds").replace("+00:00", "Z")
        return f"{self.owner} (pid {self.pid} on {self.host}) since {since}, epoch {self.epoch}"


class Lease(ABC):
    """The right to run what ``name`` names, in this process alone. It is had once: what was lost is not regained, but acquired anew.

    Use it on the thread of the event loop.

    Attributes
    ----------
    name : what it is for
    epoch : larger than that of every lease of this name before
    lost : set when it was lost, at the latest by the next :meth:`is_held`; giving it up does not set it
    lost_because : why, for people; None as long as it was not lost
    """

    def __init__(self, name: str, epoch: int) -> None:
        self.name = name
        self.epoch = epoch
        self.lost = asyncio.Event()
        self._ends = asyncio.Event()
        self.lost_because: str | None = None
        self._is_over = False
        self._pid = os.getpid()

    def __repr__(self) -> str:
        state = "held" if self.is_held() else self.lost_because or "given up"
        return f"Lease({self.name!r}, epoch={self.epoch}, {state})"

    def is_held(self) -> bool:
        """Return whether this process may act now. It takes microseconds, and is meant to be asked before every order."""
        # A process that was forked off has a copy of this object, but not the right.
        if self._is_over or os.getpid() != self._pid:
            return False
        fault = self._fault()
        if fault is None:
            return True
        self.lose(fault)
        return False

    async def release(self) -> None:
        """Give it up, so that another may have it at once. It does not raise: what cannot be told to the store ends by itself."""
        if not self._is_over and os.getpid() == self._pid:
            self._is_over = True
            await self._give_back()

    async def ending(self) -> str:
        """Return, and why, when it was lost; or when it soon will be, unless the store answers, and there is just time to put things in order."""
        await self._ends.wait()
        return self.lost_because or "the store does not answer: soon another process might have it"

    def soon_ends(self) -> None:
        """Say that it is held still, and will not be for long."""
        self._ends.set()

    def lose(self, because: str) -> None:
        """Take it as lost: for the store, and for whoever knows better than it."""
        if not self._is_over:
            self._is_over = True
            self.lost_because = because
            self.lost.set()
            self._ends.set()

    @abstractmethod
    def _fault(self) -> str | None:
        """Return why it is not held any more, None if it is."""

    @abstractmethod
    async def _give_back(self) -> None:
        """Let others have it. It is over already."""


class Leases(Protocol):
    """What gives out leases: one for each kind of store."""

    async def acquire(self, name: str, owner: str, *, takeover: bool) -> Lease:
        """Return a lease, or raise LeaseError."""
        ...

    async def close(self) -> None:
        """Give all of them back."""
        ...


def is_held_elsewhere(name: str, holder: Holder | None) -> LeaseError:
    """Return the error that names the holder; None: one that is not known, or that is just about to be."""
    who = str(holder) if holder else "another process, which has just begun"
    return LeaseError(
        f"{name}: is held by {who}: stop it there; if it cannot be reached, take the lease over (takeover=True)"
    )
