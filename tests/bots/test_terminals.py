"""The two terminals of the README: an exchange of one's own, and three bots that trade on it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.bots.process import MAIN, typed, wait
from tests.bots.world import ask_at

ROOT = Path(__file__).parents[2]

pytest.importorskip("picows", reason="needs the extra `live`")


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


class Terminals:
    """Types commands of the README, with ports that nobody else has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venue_port, self.server_port = free_port(), free_port()
        self.environment = {**os.environ, "ALGO_TRADE__SERVER__PORT": self.server_port}
        for name in ("config/local.toml", "docs/examples/imbalance.py"):
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(self._here((ROOT / name).read_text()))
        text = (ROOT / "README.md").read_text()
        self.commands = [self._here(block) for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL)]
        self._running = ExitStack()

    def _here(self, text: str) -> str:
        return text.replace("3001", self.venue_port)

    def begin(self, word: str) -> subprocess.Popen[bytes]:
        """Type the block of the README that begins this command, in a terminal of its own."""
        (block,) = (each for each in self.commands if f"algo-trade {word} " in each)
        *exports, command = block.strip().splitlines()
        assert all(each.startswith("export ") for each in exports)
        given = dict(each.removeprefix("export ").split("=", 1) for each in exports)
        with (self.folder / f"{word}.txt").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", MAIN, *shlex.split(command)[1:]],
                cwd=self.folder,
                env={**self.environment, **given},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._running.callback(_end, process)
        return process

    def type(self, *words: str) -> str:
        """Type a command that ends by itself; return what it prints."""
        done = typed(self.folder, *words, **self.environment)
        return done.stdout if done.returncode == 0 else ""

    def shown(self, word: str) -> str:
        return (self.folder / f"{word}.txt").read_text()

    def __enter__(self) -> Terminals:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def interrupted(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(30)


def test_two_terminals_are_an_exchange_and_bots_that_trade_on_it_and_leave_nothing_behind(tmp_path: Path) -> None:
    with Terminals(tmp_path) as terminals:
        config = tomllib.loads((tmp_path / "config/local.toml").read_text())
        names = [bot["bot_id"] for bot in config["bots"]]
        address, url = config["hyperliquid"]["account_address"], config["hyperliquid"]["api_url"]
        venue = terminals.begin("venue")
        wait(lambda: url in terminals.shown("venue"), what="the exchange is there")
        runner = terminals.begin("run")

        def bots() -> list[dict[str, Any]]:
            assert runner.poll() is None, terminals.shown("run")
            found: list[dict[str, Any]] = json.loads(terminals.type("list-bots", "--json") or "[]")
            return found

        wait(lambda: [bot["bot_id"] for bot in bots() if bot["is_live"]] == sorted(names), what="all are live")

        def traded() -> set[str]:
            """Return the coins of which the account had fills."""
            return {fill["coin"] for fill in ask_at(url, "userFills", user=address)}

        wait(lambda: len(traded()) >= 2, what="they trade")
        assert ask_at(url, "openOrders", user=address), "the market maker quotes"
        assert "maker" in terminals.type("list-bots")
        assert interrupted(runner) == 130, terminals.shown("run")
        assert ask_at(url, "openOrders", user=address) == []
        held = {
            row["position"]["coin"]: Decimal(row["position"]["szi"])
            for row in ask_at(url, "clearinghouseState", user=address)["assetPositions"]
        }
        assert set(held) <= {"BTC"}, "who flattens on the way out holds nothing"
        key = re.search(r"PRIVATE_KEY=(0x[0-9a-f]{64})", (ROOT / "README.md").read_text())
        assert key is not None
        assert key[1].removeprefix("0x") not in terminals.shown("run")
        assert interrupted(venue) == 130
