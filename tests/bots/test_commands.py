"""The commands that steer a running server, typed as a person would: what they print, for people and for programs, and how they end."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from algo_trade.venue.testing import running_venue
from tests.bots.process import Process, typed, wait
from tests.bots.world import LIMITS, resting_bot, strategy

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("picows", reason="needs the extra `live`")

OF_A_BOT = ("start-bot", "stop-bot", "pause-bot", "resume-bot", "bot-status")


class Server:
    """A runner with a live bot that rests an order and one on paper, and who types commands beside it."""

    def __init__(self, runner: Process) -> None:
        self.runner = runner

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return typed(self.runner.folder, *words, "--addr", self.runner.url.removeprefix("http://"))

    def says(self, *words: str) -> str:
        """Type a command that must succeed; return what it prints."""
        done = self(*words)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def tells(self, *words: str) -> Any:
        """Type a command for a program; return its document."""
        return orjson.loads(self.says(*words, "--json"))

    def refuses(self, *words: str) -> str:
        """Type a command that must fail; return the one line that says why."""
        done = self(*words, "--json")
        assert (done.returncode, done.stdout) == (1, "")
        return one_line(done.stderr)


def one_line(errors: str) -> str:
    assert errors.startswith("algo-trade: "), errors
    assert errors.count("\n") == 1, errors
    return errors.strip()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    bots = [
        resting_bot(folder),
        {"bot_id": "pulse", "symbol": "BTC", "strategy": strategy(folder, "Pulse"), "capital": 30_000},
        {"bot_id": "wrong", "symbol": "NONE", "strategy": "rsi", "enabled": False},
    ]
    with (
        running_venue(seed=5, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue,
        Process(folder, venue, bots) as runner,
    ):
        runner.start()
        wait(lambda: all(runner.bots()[name]["is_live"] for name in ("rests", "pulse")), what="both trade")
        yield Server(runner)


def test_the_list_is_a_table_for_people_and_a_document_for_programs(server: Server) -> None:
    head, *rows = server.says("list-bots").splitlines()
    assert head.split() == ["bot", "state", "mode", "strategy", "symbols", "equity", "pnl", "orders", "positions"]
    assert [row.split()[:3] for row in rows] == [
        ["pulse", "running", "paper"],
        ["rests", "running", "live"],
        ["wrong", "stopped", "paper"],
    ]
    assert [bot["bot_id"] for bot in server.tells("list-bots")] == ["pulse", "rests", "wrong"]


def test_the_status_of_a_bot_says_what_it_is_and_has(server: Server) -> None:
    wait(lambda: server.runner.bots()["pulse"]["positions"], what="it holds something")
    lines = dict(line.split(maxsplit=1) for line in server.says("bot-status", "pulse").splitlines())
    assert (lines["state"], lines["mode"], lines["symbols"]) == ("running", "paper", "BTC")
    assert "BTC at " in lines["position"]
    told = server.tells("bot-status", "pulse")
    assert (told["bot_id"], told["state"], told["config"]["capital"]) == ("pulse", "running", "30000")


def test_a_bot_is_paused_resumed_stopped_and_started_by_commands_each_of_which_may_come_twice(server: Server) -> None:
    for word, state in (("pause", "paused"), ("resume", "running"), ("stop", "stopped"), ("start", "running")):
        assert server.says(f"{word}-bot", "pulse").startswith(f"pulse: {state}")
        assert server.tells(f"{word}-bot", "pulse")["state"] == state
        assert server.runner.bots()["pulse"]["state"] == state


def test_what_does_not_go_is_said_in_one_line_with_exit_code_1(server: Server) -> None:
    for command in OF_A_BOT:
        assert server.refuses(command, "b9") == (
            "algo-trade: bot_id = 'b9': there is no such bot; there are: pulse, rests, wrong"
        )
    assert server.refuses("pause-bot", "wrong") == "algo-trade: wrong: is stopped: start it first"
    assert "NONE" in server.refuses("start-bot", "wrong")
    assert "NONE" in server.says("bot-status", "wrong")
    assert server.says("stop-bot", "wrong") == "wrong: stopped\n"


def test_the_kill_switch_says_what_it_did_and_leaves_all_paused(server: Server) -> None:
    wait(lambda: len(server.runner.venue_orders()) == 1, what="one rests")
    assert server.says("kill") == "1 orders cancelled, 2 bots paused\n"
    assert server.runner.venue_orders() == []
    assert {bot["state"] for bot in server.tells("list-bots") if bot["bot_id"] != "wrong"} == {"paused"}
    assert "is paused: resume it" in server.refuses("start-bot", "pulse")
    done = server.tells("kill", "--flatten")
    assert done == {"cancelled": 0, "bots": ["pulse", "rests"], "flatten": True, "quiet": True, "stuck": []}
    wait(lambda: server.runner.bots()["pulse"]["positions"] == [], what="it is flat, on paper too")
    for name in ("pulse", "rests"):
        server.says("resume-bot", name)


def test_where_no_server_is_every_command_says_so_in_one_line(tmp_path: Path) -> None:
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        for words in (["list-bots"], ["kill"], ["start-bot", "pulse"], ["bot-status", "pulse"]):
            done = typed(tmp_path, *words, "--json", APP_SERVER__PORT=str(port))
            assert (done.returncode, done.stdout) == (1, "")
            assert one_line(done.stderr) == (
                f"algo-trade: 127.0.0.1:{port}: no server answers there (Connection refused): algo-trade run starts one, --addr names another"
            )


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>hi</html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[",
        b"",
    ],
    ids=["ssh", "html", "cut", "silence"],
)
def test_where_something_else_answers_that_is_said(tmp_path: Path, answer: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as stranger:

        def speak() -> None:
            line, _ = stranger.accept()
            with line:
                line.recv(65_536)
                line.sendall(answer)

        speaking = threading.Thread(target=speak)
        speaking.start()
        address = f"127.0.0.1:{stranger.getsockname()[1]}"
        done = typed(tmp_path, "list-bots", "--addr", address, "--json")
        speaking.join()
    assert (done.returncode, done.stdout) == (1, "")
    assert one_line(done.stderr).startswith(f"algo-trade: {address}: ")


@pytest.mark.parametrize("addr", ["8080", "127.0.0.1:99999", "a..b:80", ":80"])
def test_an_address_that_is_none_is_wrong_use(tmp_path: Path, addr: str) -> None:
    done = typed(tmp_path, "list-bots", "--addr", addr)
    assert (done.returncode, done.stdout) == (2, "")
    assert one_line(done.stderr) == f"algo-trade: --addr {addr}: must be HOST:PORT, such as 127.0.0.1:8080"


def test_a_command_without_its_bot_is_wrong_use(tmp_path: Path) -> None:
    for command in OF_A_BOT[:2]:
        done = typed(tmp_path, command)
        assert (done.returncode, done.stdout) == (2, "")
        assert "missing argument 'bot_id'" in done.stderr.lower()
