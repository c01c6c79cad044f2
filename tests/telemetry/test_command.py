"""``algo-trade alerts test``: what came of it, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.telemetry.receiver import receiver

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
[telemetry]
instance = "desk-1"
[[telemetry.alerts]]
name = "operators"
kinds = ["bot.*"]
url_env = "URLS"
[[telemetry.alerts]]
name = "risk"
url_env = "RISK"
"""


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "Config.toml").write_text(RULES)
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "from algo_trade.cli import main; main()", "alerts", "test", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_each_address_of_each_rule_gets_a_message(tmp_path: Path) -> None:
    with receiver() as one, receiver() as two:
        ended = run(tmp_path, URLS=f"{one.url} {two.url}", RISK=one.url)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [line.partition(": sent in ")[0] for line in ended.stdout.splitlines()] == [
        "operators: URLS, address 1 (JSON)",
        "operators: URLS, address 2 (JSON)",
        "risk: RISK, address 1 (JSON)",
    ]
    assert [each["title"] for each in one.came] == ["info: alerts.test on desk-1"] * 2
    assert two.texts == ["This is a test of the rule operators: bot.*, from warning on. Nothing happened."]


def test_one_rule_may_be_chosen_and_told_as_json(tmp_path: Path) -> None:
    with receiver() as web:
        ended = run(tmp_path, "--rule", "risk", "--json", RISK=web.url)
    (found,) = json.loads(ended.stdout)
    assert (ended.returncode, found["rule"], found["target"], found["wrong"]) == (
        0,
        "risk",
        "RISK, address 1 (JSON)",
        None,
    )


def test_a_failure_is_code_1_and_says_why_without_the_address(tmp_path: Path) -> None:
    with receiver(403) as bad, receiver() as good:
        ended = run(tmp_path, "--json", URLS=bad.url, RISK=good.url)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "operators: URLS, address 1 (JSON): FAILED: " in ended.stderr
    assert "403" in ended.stderr
    assert "risk: RISK, address 1 (JSON): sent in " in ended.stderr
    assert "hook-51d0c7f2" not in ended.stderr


def test_a_variable_that_is_not_set_is_a_failure_of_its_rule(tmp_path: Path) -> None:
    with receiver() as web:
        ended = run(tmp_path, RISK=web.url)
    assert ended.returncode == 1
    assert (
        "operators: URLS: FAILED: telemetry.alerts 'operators': the environment variable URLS is not set"
        in ended.stderr
    )
    assert len(web.came) == 1


def test_wrong_use_is_code_2(tmp_path: Path) -> None:
    unknown = run(tmp_path, "--rule", "nobody")
    assert unknown.returncode == 2
    assert unknown.stderr == "algo-trade: --rule nobody: there is no such rule; there are operators, risk\n"
    none = run(tmp_path, APP_TELEMETRY__ALERTS="[]")
    assert none.returncode == 2
    assert none.stderr == "algo-trade: there are no alerts: the configuration has no [[telemetry.alerts]]\n"
