"""Nonces: rising, never given out twice whatever crashes, and of one process at a time."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.errors import ConfigError, CredentialError
from algo_trade.hyperliquid.nonces import AHEAD_MAX_MS, STEP_MS, MemoryNonces, NonceFile

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "0x1A642f0e3c3aF545E7AcBD38b07251B3990914F1"
NOW = 1_764_057_600_000


class Clock:
    def __init__(self, ms: int = NOW) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms


def test_trap_1_actions_of_one_millisecond_have_nonces_of_their_own(tmp_path: Path) -> None:
    with NonceFile(tmp_path, ADDRESS, clock_ms=Clock()) as nonces:
        assert [nonces.next() for _ in range(5)] == [NOW, NOW + 1, NOW + 2, NOW + 3, NOW + 4]


@given(st.lists(st.integers(-1_000_000, 1_000_000), min_size=1, max_size=50))
def test_nonces_rise_whatever_the_clock_does(steps: list[int]) -> None:
    clock = Clock()
    nonces = MemoryNonces(clock)
    given_out = []
    for step in steps:
        clock.ms = max(1, clock.ms + step)
        given_out.append(nonces.next())
    assert given_out == sorted(set(given_out))


def test_a_nonce_is_on_the_disk_before_it_is_given_out(tmp_path: Path) -> None:
    clock = Clock()
    nonces = NonceFile(tmp_path, ADDRESS, clock_ms=clock)
    (path,) = (nonces._path,)
    for _ in range(200):
        clock.ms += 7_919
        nonce = nonces.next()
        assert nonce <= int(path.read_text().split(":")[1].strip(" }"))
    nonces.close()
    clock.ms = NOW  # the clock was set back while it was down
    with NonceFile(tmp_path, ADDRESS, clock_ms=clock) as again:
        assert nonce < again.next() <= nonce + STEP_MS + 1


CHILD = """
import sys
from pathlib import Path
from algo_trade.hyperliquid.nonces import NonceFile
try:
    nonces = NonceFile(Path(sys.argv[1]), sys.argv[2])
except Exception as error:
    print(type(error).__name__, error, flush=True)
    sys.exit(3)
print(*[nonces.next() for _ in range(1000)], flush=True)
sys.stdin.read()
"""


def child(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), ADDRESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_trap_2_a_second_process_on_one_key_is_refused_and_a_killed_one_gives_it_free(tmp_path: Path) -> None:
    first = child(tmp_path)
    assert first.stdin is not None
    assert first.stdout is not None
    used = [int(text) for text in first.stdout.readline().split()]
    assert len(set(used)) == 1000
    second = child(tmp_path)
    told, _ = second.communicate(timeout=60)
    assert second.returncode == 3
    assert told.startswith("CredentialError")
    assert "in use by another process" in told
    first.kill()
    first.wait(timeout=60)
    first.stdin.close()
    first.stdout.close()
    with NonceFile(tmp_path, ADDRESS) as nonces:
        assert nonces.next() > max(used)


def test_trap_2_two_sources_of_one_process_are_refused_too(tmp_path: Path) -> None:
    with NonceFile(tmp_path, ADDRESS), pytest.raises(CredentialError, match="in use"):
        NonceFile(tmp_path, ADDRESS.lower())
    with NonceFile(tmp_path, ADDRESS) as nonces:
        nonces.next()
    with pytest.raises(ConfigError, match="given up"):
        nonces.next()


def test_a_damaged_file_and_one_of_the_future_are_refused(tmp_path: Path) -> None:
    path = tmp_path / f"nonces-{ADDRESS.lower()}.json"
    for text in ("", "{", "[]", '{"used_up_to_ms": "1"}', '{"used_up_to_ms": -1}'):
        path.write_text(text)
        with pytest.raises(ConfigError, match="damaged"):
            NonceFile(tmp_path, ADDRESS)
    path.write_text(f'{{"used_up_to_ms": {NOW + AHEAD_MAX_MS + 1}}}')
    with pytest.raises(ConfigError, match="set the clock right"):
        NonceFile(tmp_path, ADDRESS, clock_ms=Clock())
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be kept there"):
        NonceFile(tmp_path / "file" / "folder", ADDRESS)


def test_without_a_place_to_write_no_nonce_is_given_out(tmp_path: Path) -> None:
    clock = Clock()
    folder = tmp_path / "state"
    with NonceFile(folder, ADDRESS, clock_ms=clock) as nonces:
        nonces.next()
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        clock.ms += 2 * STEP_MS
        with pytest.raises(ConfigError, match="no nonce was given out"):
            nonces.next()
