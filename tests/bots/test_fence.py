"""What a strategy in a process of its own cannot do, tried from inside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest

from algo_trade.bots.plans import header_of
from algo_trade.errors import StrategyError
from tests.bots.apart import START, config_of, plan_of, process_of, trader_of
from tests.bots.world import strategy

if TYPE_CHECKING:
    from pathlib import Path

REPORTS = """
import json, os, pathlib, resource, signal, socket, subprocess, sys, threading
import algo_trade as at

FOLDER, PORT = pathlib.Path({folder!r}), {port}

def outcome(attempt):
    try:
        return repr(attempt())
    except Exception as error:
        return type(error).__name__

def files():
    for each in os.listdir("/proc/self/fd"):
        try:
            yield os.readlink(f"/proc/self/fd/{{each}}")
        except OSError:
            pass

class All(at.Strategy):
    def on_start(self, ctx):
        status = open("/proc/self/status").read()
        said = {{
            "environment": sorted(os.environ),
            "has_secrets": "secret" in repr(os.environ),
            "files": list(files()),
            "limits": [resource.getrlimit(each) for each in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_AS)],
            "leads_its_session": os.getsid(0) == os.getpid(),
            "no_new_privileges": "NoNewPrivs:\\t1" in status,
            "threads": len(os.listdir("/proc/self/task")),
            "has_foreign_paths": not {{"", str(FOLDER)}}.isdisjoint(sys.path),
            "score": int(open("/proc/self/oom_score_adj").read()),
            "attempts": {{
                "read a key": outcome(lambda: (FOLDER / "key").read_text()),
                "list a folder": outcome(lambda: os.listdir(FOLDER)),
                "write a file": outcome(lambda: (FOLDER / "new").write_text("x")),
                "write over a file": outcome(lambda: (FOLDER / "key").write_text("")),
                "remove a file": outcome(lambda: (FOLDER / "key").unlink()),
                "remove itself": outcome(lambda: os.unlink(__file__)),
                "make a folder": outcome(lambda: (FOLDER / "folder").mkdir()),
                "read the environment of the runner": outcome(lambda: open(f"/proc/{{os.getppid()}}/environ").read()),
                "read the memory of the runner": outcome(lambda: open(f"/proc/{{os.getppid()}}/mem", "rb")),
                "connect": outcome(lambda: socket.create_connection(("127.0.0.1", PORT), timeout=5)),
                "listen": outcome(lambda: socket.create_server(("127.0.0.1", 0))),
                "fork": outcome(os.fork),
                "start a program": outcome(lambda: subprocess.run([sys.executable, "-c", ""])),
                "stop the runner": outcome(lambda: os.kill(os.getppid(), signal.SIGWINCH)),
                "have more memory": outcome(lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1))),
            }},
            "starts a thread": outcome(lambda: (lambda one: (one.start(), one.join()))(threading.Thread(target=list))),
            "reads itself": outcome(lambda: len(open(__file__).read()) > 100),
        }}
        raise ValueError("<" + json.dumps(said) + ">")
"""


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a strategy that looks around has to say."""
    monkeypatch.setenv("HYPERLIQUID_PRIVATE_KEY", "0xsecret")
    monkeypatch.setenv("APP_DATABASE__URL", "postgresql://secret")
    monkeypatch.setenv("ANYTHING", "secret")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("secret")
    caught: list[int] = []
    before = signal.signal(signal.SIGWINCH, lambda number, _: caught.append(number))

    async def main(port: int) -> dict[str, Any]:
        source = REPORTS.format(folder=str(tmp_path), port=port)
        config = config_of(strategy(tmp_path, "All", source), memory_mb=1_024)
        plan = plan_of(config)
        with (tmp_path / "open").open("w") as ours:
            os.set_inheritable(ours.fileno(), True)
            async with process_of(config) as process:
                if not process.is_fenced:
                    pytest.skip("the kernel has no Landlock, or no seccomp")
                process.settle(header_of(plan, process))
                with pytest.raises(StrategyError) as error:
                    trader_of(plan, process, None).start(START, [])
        text = str(error.value)
        assert ">" in text, text
        found: dict[str, Any] = json.loads(text[text.index("<") + 1 : text.rindex(">")])
        return found

    with socket.create_server(("127.0.0.1", 0)) as server:
        found = asyncio.run(main(server.getsockname()[1]))
    signal.signal(signal.SIGWINCH, before)
    assert caught == []
    return found


def test_it_has_no_secrets_no_files_of_ours_and_limits(said: dict[str, Any]) -> None:
    assert not said["has_secrets"]
    assert not {name for name in said["environment"] if name.startswith(("HYPERLIQUID", "APP_", "ANY"))}
    files = sorted("socket" if each.startswith("socket:") else each for each in said["files"])
    assert [each for each in files if each != "/dev/null"] == ["socket"]
    assert said["limits"] == [[0, 0], [0, 0], [1_024 << 20] * 2]
    assert said["leads_its_session"]
    assert said["no_new_privileges"]
    assert said["score"] == 1_000, "it goes first when the machine runs short of memory"
    assert not said["has_foreign_paths"]
    assert said["threads"] == 1, "a thread that was there before the fence is outside of it"


def test_files_programs_the_network_and_other_processes_are_out_of_its_reach(
    said: dict[str, Any], tmp_path: Path
) -> None:
    refused = {"PermissionError", "ValueError"}
    assert {what: how for what, how in said["attempts"].items() if how not in refused} == {}
    assert said["reads itself"] == "True"
    assert said["starts a thread"] == "(None, None)"
    assert (tmp_path / "key").read_text() == "secret"
