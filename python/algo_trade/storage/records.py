"""What the state store gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

Wanted = Literal["running", "paused", "stopped"]
"""What a bot should be doing, whether or not it is."""


@dataclass(frozen=True, slots=True)
class BotRecord:
    """A bot as it was last saved. ``version`` counts from one, and rises with every change. Times are in UTC."""

    bot_id: str
    config: dict[str, Any]
    wanted: Wanted
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """What somebody did. ``id`` rises in the order of writing, and is what the next page is asked for with."""

    id: int
    at: datetime
    who: str
    action: str
    target: str
    details: dict[str, Any]
