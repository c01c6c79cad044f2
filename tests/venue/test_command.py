"""The command, and the process that it becomes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.sync.client import connect

from algo_trade.cli.venue import control_token, machine_options
from algo_trade.errors import ConfigError, CredentialError, ParameterError
from algo_trade.web import Address, listen

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = Path(sys.executable).with_name("algo-trade")

# The process that the command becomes, with a machine that does what it is asked.
PROCESS = """
import sys
from algo_trade.cli.output import print_json
from algo_trade.venue.server import run
from tests.venue.memory import MemoryVenue
ended = run({}, control_token="only for this test", port=0, make=MemoryVenue,
            announce=lambda address: print_json({"url": address.url, "ws_url": address.ws_url}))
print(ended.name, file=sys.stderr)
"""


def flags(**given: Any) -> dict[str, Any]:
    none = {"data": [], "synthetic": False, "seed": None, "faucet": None, "symbols": None, "block_ms": None}
    return none | given


@contextmanager
def process(*words: str | Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a venue that prints where it is; end it if the test has not."""
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                line = child.stdout.readline()
                assert line, f"it ended: {child.communicate()[1]}"
                text += line
            yield child, json.loads(text)
        finally:
            child.kill()


def test_help_says_what_it_is_for_and_who_can_reach_it() -> None:
    done = subprocess.run([COMMAND, "venue", "--help"], capture_output=True, text=True, check=True)
    told = " ".join(done.stdout.split())
    assert "for testing and paper trading" in told
    assert "listens on the loopback interface only" in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_cleanly_with_everything_open(number: signal.Signals) -> None:
    with (
        process(sys.executable, "-c", PROCESS) as (child, where),
        connect(where["ws_url"]) as ws,
        httpx.Client() as client,
    ):
        ws.send('{"say":1}')
        assert ws.recv() == "1"
        assert client.post(f"{where['url']}/info", json={"say": 1}).status_code == 200
        child.send_signal(number)
        _, errors = child.communicate(timeout=60)
        assert (child.returncode, errors) == (0, f"{number.name}\n")


def test_a_machine_that_fails_ends_the_process_with_its_error(http: httpx.Client) -> None:
    with process(sys.executable, "-c", PROCESS) as (child, where):
        assert http.post(f"{where['url']}/info", json={"fail": "the book is crossed"}).status_code == 500
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 1
        assert errors.splitlines()[-1].endswith("EngineError: the book is crossed")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_command_runs_a_venue_until_a_signal(number: signal.Signals, code: int, http: httpx.Client) -> None:
    words: list[str | Path] = [COMMAND, "venue", "--port", "0", "--symbols", "2", "--seed", "7", "--json"]
    with process(*words) as (child, where):
        meta = http.post(f"{where['url']}/info", json={"type": "meta"}).json()
        assert len(meta["universe"]) == 2
        child.send_signal(number)
        _, errors = child.communicate(timeout=60)
        assert child.returncode == code
        assert errors.count("control token: ") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--speed", "0"], "speed = 0.0: must be above 0"),
        (["--port", "65536"], "port = 65536: must be 1 to 65535"),
        (["--data", "lake", "--synthetic"], "--data and --synthetic"),
        (["--options", "bad.json"], "bad.json:2: "),
        (["--options", "list.json"], "list.json: must be a JSON object"),
        (["--control-token-file", "short.token"], "short.token: must hold one word of at least 16"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(tmp_path: Path, words: list[str], says: str) -> None:
    (tmp_path / "bad.json").write_text('{"seed": 1,\n"limits": }')
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "short.token").touch(mode=0o600)
    done = subprocess.run([COMMAND, "venue", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1 if "token" in says else 2, "")
    assert done.stderr.startswith(f"algo-trade: {says}")
    assert done.stderr.count("\n") == 1


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with listen("127.0.0.1", 0, why="a test") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ParameterError, match=f"port = {port}: address already in use; choose another, or 0"):
            listen("127.0.0.1", port, why="a test")


def test_an_address_of_the_other_loopback_is_written_as_urls_want_it() -> None:
    class Listener:
        def getsockname(self) -> tuple[str, int, int, int]:
            return ("::1", 3001, 0, 0)

    assert Address.of(Listener()) == Address("http://[::1]:3001", "ws://[::1]:3001/ws")  # type: ignore[arg-type]


def test_without_the_extra_the_command_says_what_to_install() -> None:
    program = "import sys; sys.modules['uvicorn'] = None; sys.argv = ['algo-trade', 'venue']\nfrom algo_trade.cli import main\nmain()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "algo-trade: the local venue needs uvicorn: pip install 'algo-trade[server]'\n"


def test_the_package_is_imported_without_the_servers_libraries() -> None:
    program = (
        "import sys, algo_trade, algo_trade.cli.app; print({'starlette', 'uvicorn', 'uvloop'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_only_what_was_asked_for_goes_to_the_machine() -> None:
    assert machine_options({}, **flags()) == {}
    assert machine_options({}, **flags(seed=0, faucet="0", symbols=3)) == {"seed": 0, "faucet": "0", "symbols": 3}


def test_a_flag_wins_over_the_file_and_leaves_the_rest_of_it() -> None:
    file = {"seed": 1, "limits": {"connections": 100}, "local": {"block_ms": 100, "book_ms": 500}}
    assert machine_options(file, **flags(seed=2, block_ms=10)) == {
        "seed": 2,
        "limits": {"connections": 100},
        "local": {"block_ms": 10, "book_ms": 500},
    }
    assert file["seed"] == 1
    with pytest.raises(ConfigError, match="local = 5: must be an object"):
        machine_options({"local": 5}, **flags(block_ms=10))


def test_a_recording_and_a_made_up_market_take_each_others_place() -> None:
    recorded = machine_options({"market": "synthetic"}, **flags(data=["lake", "more"]))
    assert recorded == {"market": "recording", "data": ["lake", "more"]}
    assert machine_options(recorded, **flags(synthetic=True)) == {"market": "synthetic"}


def test_a_token_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.token"
    token = control_token(path)
    assert len(token) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert control_token(path) == token


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o604])
def test_a_token_file_that_others_can_get_at_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "control.token"
    control_token(path)
    path.chmod(mode)
    with pytest.raises(CredentialError, match=f"mode {mode:04o}.*chmod 600"):
        control_token(path)


def test_a_token_file_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "control.token"
    os.mkfifo(path, 0o600)
    with pytest.raises(CredentialError, match="not a regular file"):
        control_token(path)


@pytest.mark.parametrize("content", [b"", b"short", b"two words of a sentence", b"\xff" * 40])
def test_a_token_file_with_anything_else_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "control.token"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(CredentialError, match="must hold one word of at least 16 characters") as raised:
        control_token(path)
    assert "short" not in str(raised.value)
