"""``algo-trade strategies``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from algo_trade.cli.output import print_json, show
from algo_trade.strategy import declarations

if TYPE_CHECKING:
    from algo_trade._native import ParamSpec


def command(
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,  # noqa: FBT002
) -> None:
    """List strategies with their parameters.

    Example: algo-trade strategies --json
    """
    known = declarations()
    if json:
        print_json([{"name": d.name, "help": d.help, "params": [_describe(p) for p in d.params]} for d in known])
        return
    for declared in known:
        show(f"{declared.name}: {declared.help}")
        for spec in declared.params:
            allowed = " | ".join(spec.choices) or f"{_edge(spec.low)} to {_edge(spec.high)}"
            show(f"    --param {spec.name}={spec.default}  ({spec.type_name}, {allowed})  {spec.help}")
        show("")
    show("Your own: --strategy file.py:Class, see docs/strategies.md")


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _edge(value: object) -> str:
    return "any" if value is None else str(value)


def _describe(spec: ParamSpec) -> dict[str, object]:
    described = {
        "name": spec.name,
        "type": spec.type_name,
        "default": _plain(spec.default),
        "low": _plain(spec.low),
        "high": _plain(spec.high),
        "help": spec.help,
    }
    return {**described, "choices": spec.choices} if spec.choices else described
