"""``algo-trade alerts``: test."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from algo_trade.cli.extras import needed_by
from algo_trade.cli.output import print_json, say, show
from algo_trade.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from algo_trade.telemetry import AlertRule, TelemetryConfig
    from algo_trade.telemetry.alerts import Tried

# The libraries are imported by who needs them: no other command waits for them.
app = typer.Typer(name="alerts", help="Try the alerts of the configuration.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Try the alerts of the configuration."""


@app.command("test")
def try_them(
    rule: Annotated[str | None, typer.Option(help="The name of a rule; every rule without it.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="The file; config/Config.toml, if it is there, without it.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Reads {profile}.toml beside the file too; APP_PROFILE without it.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,  # noqa: FBT002
) -> None:
    """Send a test message by each rule, once to each of its addresses, and say what came of it.

    Example: algo-trade alerts test --rule operators
    """
    from algo_trade.config import ConfigLoader  # noqa: PLC0415

    settings = ConfigLoader(config, profile=profile).load().telemetry
    tried = asyncio.run(_try(settings, _chosen(settings.alerts, rule)))
    failed = [each for each in tried if each.wrong is not None]
    if json and not failed:
        print_json([asdict(each) for each in tried])
    else:
        for each in tried:
            came = f"sent in {each.seconds:.1f} s" if each.wrong is None else f"FAILED: {each.wrong}"
            (say if failed else show)(f"{each.rule}: {each.target}: {came}")
    if failed:
        raise typer.Exit(1)


def _chosen(rules: Sequence[AlertRule], name: str | None) -> list[AlertRule]:
    if not rules:
        raise ConfigError("there are no alerts: the configuration has no [[telemetry.alerts]]")
    chosen = [rule for rule in rules if name in {None, rule.name}]
    if not chosen:
        raise ConfigError(f"--rule {name}: there is no such rule; there are {', '.join(rule.name for rule in rules)}")
    return chosen


async def _try(settings: TelemetryConfig, rules: list[AlertRule]) -> list[Tried]:
    with needed_by("sending alerts", "live"):
        from algo_trade.telemetry.alerts import TEST_KIND, try_rule  # noqa: PLC0415
        from algo_trade.telemetry.redaction import Secrets  # noqa: PLC0415
        from algo_trade.telemetry.targets import Message  # noqa: PLC0415
    instance = settings.instance or socket.gethostname()
    secrets = Secrets()
    secrets.add_environment(os.environ)
    tried: list[Tried] = []
    for rule in rules:
        body = (
            f"This is a test of the rule {rule.name}: {', '.join(rule.kinds)}, from {rule.level} on. Nothing happened."
        )
        message = Message(TEST_KIND, "info", f"info: {TEST_KIND} on {instance}", body)
        tried += await try_rule(rule, message, secrets, os.environ)
    return tried
