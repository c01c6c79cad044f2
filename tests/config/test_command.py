"""``algo-trade config``: what is wrong, what is in effect, the schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BOT = '[[bots]]\nbot_id = "b1"\nsymbol = "BTC"\nstrategy = "rsi"\n'


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from algo_trade.cli import main; main()", "config", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def written(folder: Path, text: str) -> None:
    (folder / "config").mkdir()
    (folder / "config" / "Config.toml").write_text(text)


def test_check_says_that_all_is_good_or_what_is_not_with_code_2(tmp_path: Path) -> None:
    written(tmp_path, BOT)
    good = run(tmp_path, "check")
    assert (good.returncode, good.stdout) == (0, "good: config/Config.toml; 1 bots, 0 of them live\n")
    assert json.loads(run(tmp_path, "check", "--json").stdout) == {"files": ["config/Config.toml"], "bots": ["b1"]}
    bad = run(tmp_path, "check", "--json", APP_SERVER__PORT="x")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("algo-trade: environment variable APP_SERVER__PORT: server.port = 'x': ")


def test_check_without_a_file_takes_the_defaults(tmp_path: Path) -> None:
    assert run(tmp_path, "check").stdout == "good: no file, defaults; no bots\n"
    named = run(tmp_path, "check", "--config", "other.toml")
    assert (named.returncode, named.stderr) == (2, "algo-trade: other.toml: is not there: name another with --config\n")


def test_show_prints_what_is_in_effect_without_passwords(tmp_path: Path) -> None:
    written(tmp_path, BOT + "params = { period = 21 }\n")
    lines = run(tmp_path, "show", APP_DATABASE__URL="postgresql://me:hunter2@there/x").stdout.splitlines()
    assert {"server.port = 8080", "bots[0].params.period = 21", "database.url = postgresql://me:…@there/x"} <= set(
        lines
    )
    tables = json.loads(run(tmp_path, "show", "--json").stdout)
    assert tables["bots"][0]["symbols"] == ["BTC"]


def test_schema_is_one_document(tmp_path: Path) -> None:
    found = json.loads(run(tmp_path, "schema").stdout)
    assert set(found["properties"]) >= {"server", "bots", "risk"}
