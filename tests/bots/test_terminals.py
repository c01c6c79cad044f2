"""Commands of the manual that go on, typed in terminals: an exchange of one's own, three bots that trade on it, and what is asked of them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
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
    """Types commands of a page, with ports that nobody else has."""

    def __init__(self, folder: Path, page: str) -> None:
        self.folder = folder
        self.venue_port, self.server_port = free_port(), free_port()
        self.environment = {**os.environ, "APP_SERVER__PORT": self.server_port, "PYTHONUNBUFFERED": ""}
        for name in ("config/local.toml", "docs/examples/imbalance.py"):
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(self._here((ROOT / name).read_text()))
        self.blocks = [self._here(block) for block in consoles(page)]
        self._running = ExitStack()

    def _here(self, text: str) -> str:
        return text.replace("3001", self.venue_port)

    def begin(self, word: str) -> subprocess.Popen[bytes]:
        """Type the block of the page that begins this command, in a terminal of its own; what it exports holds in all later ones."""
        (block,) = (each for each in self.blocks if f"algo-trade {word} " in each)
        *exports, command = block.strip().splitlines()
        assert all(each.startswith("export ") for each in exports)
        self.environment |= dict(each.removeprefix("export ").split("=", 1) for each in exports)
        return self.run(command)

    def run(self, command: str) -> subprocess.Popen[bytes]:
        """Type a command that goes on until it is interrupted."""
        program, word, *words = shlex.split(command)
        assert program == "algo-trade"
        with (self.folder / f"{word}.txt").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", MAIN, word, *words],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._running.callback(_end, process)
        return process

    def type(self, *words: str) -> str:
        """Type a command that ends by itself; return what it prints."""
        done = typed(self.folder, *words, **self.environment)
        return done.stdout if done.returncode == 0 else ""

    def line(self, command: str) -> str:
        """Type a line of a page, with its comment, that ends by itself and well; return what it prints."""
        program, *words = shlex.split(command, comments=True)
        assert program == "algo-trade"
        done = typed(self.folder, *words, **self.environment)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def shown(self, word: str) -> str:
        return (self.folder / f"{word}.txt").read_text()

    def __enter__(self) -> Terminals:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()


def consoles(page: str) -> list[str]:
    """Return what is to be typed of a page, block by block."""
    return re.findall(r"```console\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def interrupted(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(30)


def test_two_terminals_are_an_exchange_and_bots_that_trade_on_it_and_leave_nothing_behind(tmp_path: Path) -> None:
    with Terminals(tmp_path, "README.md") as terminals:
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


def test_the_steps_of_the_manual_can_be_typed_as_they_stand(tmp_path: Path) -> None:
    with Terminals(tmp_path, "docs/live.md") as terminals:
        venue = terminals.begin("venue")
        wait(lambda: "local venue at http" in terminals.shown("venue"), what="the exchange is there")
        runner = terminals.begin("run")
        wait(lambda: "API at http" in terminals.shown("run"), what="the server is there")

        def bots() -> dict[str, dict[str, Any]]:
            with urllib.request.urlopen(f"http://127.0.0.1:{terminals.server_port}/api/bots", timeout=30) as answer:
                return {bot["bot_id"]: bot for bot in json.loads(answer.read())}

        wait(lambda: bots()["maker"]["open_orders"] > 0, what="the market maker quotes")
        (third,) = (block for block in terminals.blocks if block.startswith("algo-trade list-bots"))
        states = {
            "pause-bot": {"maker": "paused"},
            "resume-bot": {"maker": "running"},
            "kill": dict.fromkeys(bots(), "paused"),
        }
        for command in third.splitlines():
            says, word = terminals.line(command), command.split()[1]
            assert "maker" in says or word == "kill"
            state = {bot_id: bot["state"] for bot_id, bot in bots().items()}
            assert state.items() >= states.get(word, {}).items(), command
        # The checklist, with a configuration where it is looked for.
        shutil.copy(tmp_path / "config/local.toml", tmp_path / "config/Config.toml")
        listed = re.findall(r"^- \[ \].*$", (ROOT / "docs/live.md").read_text(), re.MULTILINE)
        asked = [command for line in listed for command in re.findall(r"`(algo-trade [^`]+)`", line)]
        terminals.line(asked.pop(asked.index("algo-trade kill --flatten")))
        wait(lambda: all(bot["positions"] == [] for bot in bots().values()), what="all are flat")
        terminals.environment["HYPERLIQUID_WATCHDOG_KEY"] = "0x" + "12" * 32
        watchdog = terminals.run(asked.pop(asked.index("algo-trade watchdog")))
        wait(lambda: "watches state/heartbeat.json" in terminals.shown("watchdog"), what="it watches")
        assert interrupted(watchdog) == 130
        assert interrupted(runner) == 130, terminals.shown("run")
        # tests/telemetry/test_command.py has somebody to send alerts to.
        asked.remove("algo-trade alerts test")
        assert asked == ["algo-trade config check", "algo-trade config show", "algo-trade doctor"]
        for command in asked:
            terminals.line(command)
        (after,) = (block for block in consoles("docs/recovery.md") if "algo-trade replay" in block)
        for command in after.splitlines():
            says = terminals.line(command)
            assert ("identical" in says) == ("--verify" in command)
        assert interrupted(venue) == 130
