"""``algo-trade config``: check, show, schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from algo_trade.cli.output import print_json, show

if TYPE_CHECKING:
    from algo_trade.config import AppConfig

# The configuration is imported by who needs it: no other command waits for that.
app = typer.Typer(name="config", help="Check and show the configuration.", no_args_is_help=True)

ConfigPath = Annotated[
    Path | None, typer.Option("--config", help="The file; config/Config.toml, if it is there, without it.")
]
Profile = Annotated[str | None, typer.Option(help="Reads {profile}.toml beside the file too; APP_PROFILE without it.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@app.command("check")
def check(config: ConfigPath = None, profile: Profile = None, json: Json = False) -> None:  # noqa: FBT002
    """Read every layer and say what is wrong, each fault with its place.

    Example: algo-trade config check --config config/Config.toml
    """
    from algo_trade.config import ConfigLoader  # noqa: PLC0415

    loader = ConfigLoader(config, profile=profile)
    found = loader.load()
    files = [str(path) for path in loader.files if path.exists()]
    if json:
        print_json({"files": files, "bots": [bot.bot_id for bot in found.bots]})
        return
    show(f"good: {', '.join(files) or 'no file, defaults'}; {_bots(found)}")


@app.command("show")
def show_it(config: ConfigPath = None, profile: Profile = None, json: Json = False) -> None:  # noqa: FBT002
    """Show the configuration in effect, all layers together, without secrets.

    Example: algo-trade config show --profile production
    """
    from algo_trade.config import ConfigLoader  # noqa: PLC0415
    from algo_trade.config.show import shown  # noqa: PLC0415

    tables = shown(ConfigLoader(config, profile=profile).load())
    if json:
        print_json(tables)
        return
    for name, table in tables.items():
        for line in _lines(name, table):
            show(line)


@app.command("schema")
def print_schema() -> None:
    """Print a JSON Schema of the file, for editors.

    Example: algo-trade config schema > config/schema.json
    """
    from algo_trade.config.show import schema  # noqa: PLC0415

    print_json(schema())


def _bots(config: AppConfig) -> str:
    live = sum(bot.mode == "live" for bot in config.bots)
    return f"{len(config.bots)} bots, {live} of them live" if config.bots else "no bots"


def _lines(name: str, value: Any) -> list[str]:  # noqa: ANN401 -- whatever a table holds
    if isinstance(value, dict) and value:
        return [line for key, inner in value.items() for line in _lines(f"{name}.{key}", inner)]
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return [line for number, inner in enumerate(value) for line in _lines(f"{name}[{number}]", inner)]
    return [f"{name} = {'-' if value is None else value}"]
