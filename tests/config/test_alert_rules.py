"""``[[telemetry.alerts]]``: what is refused, and that no address is told."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from algo_trade.config import AlertRule, ConfigLoader
from algo_trade.config.show import shown
from algo_trade.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

RULE = '[[telemetry.alerts]]\nname = "operators"\n'


def load(folder: Path, text: str) -> tuple[AlertRule, ...]:
    path = folder / "Config.toml"
    path.write_text(text)
    return ConfigLoader(path, folder=folder, environment={}).load().telemetry.alerts


def test_a_rule_says_what_goes_where(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, RULE + 'kinds = ["bot.error", "risk.*"]\nlevel = "error"\nurl_env = "URLS"\n')
    assert (rule.kinds, rule.level, rule.url_env) == (("bot.error", "risk.*"), "error", "URLS")
    assert (rule.messages_max, rule.period_s) == (5, 300)


def test_a_rule_is_shown_with_where_its_addresses_are(tmp_path: Path) -> None:
    path = tmp_path / "Config.toml"
    path.write_text(RULE + 'url_file = "alerts.urls"\n')
    tables = shown(ConfigLoader(path, folder=tmp_path, environment={}).load())
    assert tables["telemetry"]["alerts"][0]["url_file"] == "alerts.urls"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (RULE, "Config.toml:1: telemetry.alerts[0] = {'name': 'operators'}: give url_env or url_file, one of them"),
        (RULE + 'url_env = "A"\nurl_file = "b"\n', "give url_env or url_file, one of them"),
        (RULE + 'url_env = "A"\nlevel = "high"\n', "Config.toml:4: telemetry.alerts[0].level = 'high'"),
        (RULE + 'url_env = "A"\nkinds = ["Bot Error"]\n', "'Bot Error': must be lower-case words with dots between"),
        (RULE + 'url_env = "A"\nkinds = []\n', "telemetry.alerts[0].kinds = []"),
        (RULE + 'url_env = "A"\nmessages_max = 0\n', "telemetry.alerts[0].messages_max = 0"),
        (RULE.replace("operators", "a b") + 'url_env = "A"\n', "name = 'a b': must be letters, digits, - and _"),
        ((RULE + 'url_env = "A"\n') * 2, "alerts: name = 'operators': is there twice"),
        (
            RULE + 'url_env = "tgram://123:s3cr3t/1"\n',
            "Config.toml:3: telemetry.alerts[0].url_env = …: must be the name of",
        ),
        (
            RULE + 'url_file = "json://me:s3cr3t@there"\n',
            "telemetry.alerts[0].url_file = …: must be the path of a file",
        ),
        (RULE + 'url = "tgram://123:s3cr3t/1"\n', "telemetry.alerts[0].url: there is no such field"),
        (RULE + 'urls = ["tgram://123:s3cr3t/1"]\n', "telemetry.alerts[0].urls: there is no such field"),
    ],
)
def test_a_fault_is_told_without_an_address(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    assert says in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


def test_who_reads_a_configuration_needs_no_library_of_the_runner() -> None:
    program = (
        "import sys, algo_trade.config; print(sorted({'structlog', 'apprise', 'prometheus_client'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
