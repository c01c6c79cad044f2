"""The files change while it runs: each change and each fault is told once, and what was last good stays."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from algo_trade.config import ConfigChange, ConfigLoader, ConfigRefusal, ConfigWatcher
from algo_trade.config.watcher import differences

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("watchfiles", reason="needs the extra `live`")

GOOD = "[risk]\nmax_daily_loss = 5\n[server]\nport = 1\n"


async def told(watcher: ConfigWatcher, steps: list[Callable[[], object]]) -> list[ConfigChange | ConfigRefusal]:
    """Return what is told: one thing after each step, and nothing after the last."""
    found: list[ConfigChange | ConfigRefusal] = []
    stop = asyncio.Event()

    async def watch() -> None:
        async with aclosing(watcher.changes(stop)) as news:
            async for each in news:
                found.append(each)  # noqa: PERF401 -- read while it grows

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.5)
    for step in steps:
        before = len(found)
        step()
        async with asyncio.timeout(20):
            while len(found) == before:
                await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    stop.set()
    await watching
    assert len(found) == len(steps)
    return found


def watched(folder: Path) -> tuple[ConfigWatcher, Path]:
    path = folder / "config" / "Config.toml"
    path.parent.mkdir()
    path.write_text(GOOD)
    loader = ConfigLoader(folder=folder, environment={})
    return ConfigWatcher(loader, loader.load()), path


def test_a_valid_change_is_told_with_what_can_be_taken_over_and_what_needs_a_start(tmp_path: Path) -> None:
    watcher, path = watched(tmp_path)

    def replace() -> None:
        # As editors do it: a new file in the place of the old one.
        other = path.with_suffix(".new")
        other.write_text(GOOD.replace("5", "6").replace("port = 1", "port = 2"))
        other.replace(path)

    (change,) = asyncio.run(told(watcher, [replace]))
    assert isinstance(change, ConfigChange)
    assert (change.hot, change.cold) == (("risk.max_daily_loss",), ("server.port",))
    assert (change.before.server.port, change.after.server.port) == (1, 2)
    assert watcher.current is change.after


def test_an_invalid_change_is_refused_with_its_place_and_the_last_good_stays(tmp_path: Path) -> None:
    watcher, path = watched(tmp_path)
    good = watcher.current
    refusal, change = asyncio.run(
        told(
            watcher,
            [
                lambda: path.write_text(GOOD.replace("5", "-5")),
                lambda: path.write_text(GOOD.replace("5", "7")),
            ],
        )
    )
    assert isinstance(refusal, ConfigRefusal)
    assert refusal.text.startswith(f"{path}:2: risk.max_daily_loss = -5: ")
    assert isinstance(change, ConfigChange)
    assert change.before is good


def test_what_happened_before_the_watching_began_is_told(tmp_path: Path) -> None:
    watcher, path = watched(tmp_path)
    path.write_text(GOOD.replace("5", "8"))

    async def first() -> ConfigChange | ConfigRefusal:
        async with aclosing(watcher.changes()) as news:
            return await anext(news)

    change = asyncio.run(first())
    assert isinstance(change, ConfigChange)
    assert change.hot == ("risk.max_daily_loss",)


def test_a_file_that_comes_later_is_read_too(tmp_path: Path) -> None:
    watcher, _ = watched(tmp_path)
    (change,) = asyncio.run(told(watcher, [lambda: (tmp_path / "Config.json").write_text('{"server": {"port": 3}}')]))
    assert isinstance(change, ConfigChange)
    assert change.after.server.port == 3


def test_differences_name_the_fields() -> None:
    assert differences({"a": 1, "b": {"c": 1}}, {"a": 1, "b": {"c": 2}, "d": 3}) == ["b.c", "d"]
    assert differences([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 3}], "x") == ["x[1].a"]
    assert differences([1], [1, 2], "x") == ["x"]
