"""The kinds of what is told, each with its meaning: rules of alerts name them, docs/operations.md lists them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "alerts.test": "a test message, sent by `algo-trade alerts test`; past patterns and limits of its rule",
        "log.lost": "messages of the log were lost: the disk is full, or nobody reads; in the log alone",
        "runtime.lag": "the event loop was held up for longer than `lag_warning_s`",
    }
)
