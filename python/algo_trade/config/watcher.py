"""The configuration while it runs: what changes in the files, if it is valid; what is wrong with it, if not."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algo_trade.config.show import plain
from algo_trade.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from algo_trade.config.loader import ConfigLoader
    from algo_trade.config.models import AppConfig

# What a running system can take over; the rest needs a start.
_HOT = ("risk", "telemetry.log_level", "telemetry.alerts", "bots")
# Editors write a file in several steps.
SETTLE_MS = 50


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """The configuration is another one now.

    Parameters
    ----------
    before, after : whole
    hot : the fields, with dots, that can be taken over while running
    cold : those that take effect at the next start
    """

    before: AppConfig
    after: AppConfig
    hot: tuple[str, ...]
    cold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfigRefusal:
    """The files are wrong, in these words; what was last good stays in effect."""

    text: str


class ConfigWatcher:
    """Watches the files of a loader. ``current`` is what was last good.

    Parameters
    ----------
    loader : reads them anew
    current : what it gave last
    """

    def __init__(self, loader: ConfigLoader, current: AppConfig) -> None:
        self._loader = loader
        self.current = current
        self._refused = ""

    async def changes(self, stop: asyncio.Event | None = None) -> AsyncGenerator[ConfigChange | ConfigRefusal, None]:
        """Yield each change and each refusal, once, until ``stop`` is set."""
        from watchfiles import awatch  # noqa: PLC0415 -- of the extra `live`: who only reads needs it not

        # The folders, since editors put a new file in the place of the old one.
        folders = {path.parent for path in self._loader.files if path.parent.is_dir()}
        watched = {path.resolve() for path in self._loader.files}
        # What happened between the reading and the watching.
        if (news := self._read()) is not None:
            yield news
        seen = awatch(
            *folders,
            watch_filter=lambda _, name: Path(name).resolve() in watched,
            debounce=SETTLE_MS,
            step=SETTLE_MS,
            stop_event=stop or asyncio.Event(),
            recursive=False,
        )
        async with aclosing(seen) as batches:
            async for _ in batches:
                if (news := self._read()) is not None:
                    yield news

    def _read(self) -> ConfigChange | ConfigRefusal | None:
        try:
            found = self._loader.load()
        except ConfigError as error:
            is_news, self._refused = str(error) != self._refused, str(error)
            return ConfigRefusal(self._refused) if is_news else None
        self._refused = ""
        fields = tuple(differences(plain(self.current), plain(found)))
        if not fields:
            return None
        before, self.current = self.current, found
        hot = tuple(field for field in fields if field.startswith(_HOT))
        return ConfigChange(before, found, hot, tuple(field for field in fields if field not in hot))


def differences(before: Any, after: Any, name: str = "") -> list[str]:  # noqa: ANN401 -- whatever a table holds
    """Return the fields, with dots, that differ; lists are compared whole, entry by entry where both have as many."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [*before, *(key for key in after if key not in before)]
        return [
            found
            for key in keys
            for found in differences(before.get(key), after.get(key), f"{name}.{key}".removeprefix("."))
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [found for number, (old, new) in pairs for found in differences(old, new, f"{name}[{number}]")]
    return [] if before == after else [name]
