"""A run leaves no secret behind: keys and tokens are planted, everything goes wrong that can, and all that is left is searched."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from algo_trade.venue.testing import running_venue
from tests.bots.process import Process, wait
from tests.bots.world import LIMITS, strategy

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("picows", reason="needs the extra `live`")

LEAKS = """
import os
import algo_trade as at

class Leaks(at.Strategy):
    '''Puts the key where it can: into an error, with all that was on the way.'''

    def on_quote(self, ctx, quote):
        key = os.environ["HYPERLIQUID_PRIVATE_KEY"]
        token = os.environ["ALERT_URL"]
        raise ValueError(f"could not sign with {key}, nor tell {token}")
"""


def test_no_key_or_token_is_in_anything_that_a_run_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = "tok3n" + "a7" * 14
    monkeypatch.setenv("ALERT_URL", f"json://user:{token}@127.0.0.1:9/alerts")
    bots: list[dict[str, Any]] = [
        {
            "bot_id": "trades",
            "symbol": "BTC",
            "strategy": strategy(tmp_path, "Pulse"),
            "mode": "live",
            "capital": 30_000,
        },
        {"bot_id": "leaks", "symbol": "ETH", "strategy": strategy(tmp_path, "Leaks", LEAKS), "mode": "live"},
    ]
    answers: list[bytes] = []
    telemetry = {
        "log_format": "json",
        "log_file": str(tmp_path / "log.json"),
        "log_level": "debug",
        "alerts": [{"name": "phone", "url_env": "ALERT_URL", "level": "warning"}],
    }
    with (
        running_venue(seed=3, symbols=2, local={"block_ms": 10}, limits=LIMITS) as venue,
        Process(tmp_path, venue, bots, telemetry=telemetry) as runner,
    ):
        runner.start()
        wait(lambda: runner.bots()["leaks"]["state"] == "error" and runner.bots()["trades"]["positions"])
        words = ("api/bots", "api/bots/leaks", "api/bots/trades", "health", "ready", "metrics", "api/nothing")
        answers.extend(runner.raw("GET", f"/{word}") for word in words)
        answers.append(runner.raw("POST", "/api/bots", {"bot_id": "x", "symbol": "BTC", "strategy": runner.secret}))
        venue.control("cut_connections")
        assert runner.core_limit() == 0, "a crash dump would hold the key"
        runner.kill()
        runner.start()
        wait(lambda: runner.bots()["trades"]["is_live"])
        assert runner.end(signal.SIGTERM) == 0
    secret = runner.secret.removeprefix("0x").encode()
    (tmp_path / "answers.json").write_bytes(orjson.dumps([each.decode() for each in answers]))
    searched = 0
    for path in sorted(tmp_path.rglob("*")):
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts:
            content = path.read_bytes()
            searched += 1
            for planted in (secret, secret.upper(), bytes.fromhex(secret.decode()), token.encode()):
                assert planted not in content, f"{path.name} holds a secret"
    assert searched > 8
    assert b"could not sign with" in (tmp_path / "log.json").read_bytes(), "the error itself is told"
