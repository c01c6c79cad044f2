"""``algo-trade replay``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from algo_trade.backtest import JournalFile
from algo_trade.cli.output import print_json, show
from algo_trade.errors import JournalError


def command(
    journal: Annotated[Path, typer.Argument(help="A journal written by --journal.")],
    bot: Annotated[str | None, typer.Option("--bot", help="Which bot of the journal.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Stop at this time, ISO 8601.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Step the system again and compare every command.")] = False,  # noqa: FBT002
    events: Annotated[bool, typer.Option("--events", help="Print every record.")] = False,  # noqa: FBT002
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,  # noqa: FBT002
) -> None:
    """Show what happened, and prove that it would happen again.

    Example: algo-trade replay run.journal --verify
    """
    file = JournalFile(journal)
    bot_id = file.header["bot_id"]
    if bot is not None and bot != bot_id:
        raise JournalError(f"{journal}: holds bot `{bot_id}`, not `{bot}`")
    if events and not json:
        file.dump(show, until=until)
    made = file.manifest
    described: dict[str, object] = {
        "bot_id": bot_id,
        "strategy": made["strategy"],
        "params": made["params"],
        "symbols": made["symbols"],
    }
    if verify:
        seen = file.verify(until=until)
        described |= {"identical": True, "events": seen.events, "commands": seen.commands}
    else:
        described |= {"records": file.dump(lambda _: None, until=until)}
    if json:
        print_json(described)
    elif verify:
        show(
            f"identical: {described['events']:,} events gave the same {described['commands']:,} commands, byte for byte"
        )
    elif not events:
        params = ", ".join(f"{name}={value}" for name, value in made["params"].items())
        show(
            f"{bot_id}: {made['strategy']} ({params}) on {', '.join(made['symbols'])}, {described['records']:,} records"
        )
        show("Next: --verify proves that the same commands come out, --events prints every record")
