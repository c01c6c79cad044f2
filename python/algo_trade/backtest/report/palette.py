"""The colours, declared once: the page's style, the figures and their dark version are derived from these two tables.

Gain and loss are blue and orange, which the common forms of colour blindness tell apart; shapes, dashes and signs say the same in grey.
Every light colour is unique, since the page's script turns a light figure into a dark one by replacing colours.
"""

from __future__ import annotations

from typing import Final

LIGHT: Final = {
    "page": "#f5f6f8",
    "surface": "#ffffff",
    "raised": "#eef1f5",
    "ink": "#17212d",
    "muted": "#5a6776",
    "line": "#dfe4ea",
    "grid": "#e9edf1",
    "zero": "#aab4bf",
    "accent": "#0b61ae",
    "equity": "#0c62b1",
    "benchmark": "#8791a0",
    "drawdown": "#c04e0e",
    "drawdown_fill": "#f8e4d7",
    "price": "#6c7887",
    "long": "#0a6bb8",
    "short": "#cc5a02",
    "exit": "#232d39",
    "gain": "#1b72b7",
    "loss": "#ca5d1b",
    "rolling": "#5a4ab0",
    "warning": "#8a5300",
    "warning_fill": "#fff4de",
}

DARK: Final = {
    "page": "#0e1318",
    "surface": "#161c23",
    "raised": "#1e262f",
    "ink": "#e7ecf2",
    "muted": "#9ba8b6",
    "line": "#2a343f",
    "grid": "#242d37",
    "zero": "#56626f",
    "accent": "#6cb6f6",
    "equity": "#63b1f5",
    "benchmark": "#7f8b9a",
    "drawdown": "#f0955e",
    "drawdown_fill": "#39261b",
    "price": "#a3afbd",
    "long": "#66b7f8",
    "short": "#f69c50",
    "exit": "#e2e8ef",
    "gain": "#57abf0",
    "loss": "#ef8f52",
    "rolling": "#ab9df6",
    "warning": "#f3c26b",
    "warning_fill": "#2f2616",
}


def variables(colours: dict[str, str]) -> str:
    """CSS variables, ``--drawdown-fill: …`` for ``drawdown_fill``."""
    return " ".join(f"--{name.replace('_', '-')}: {value};" for name, value in colours.items())


def dark_for_light() -> dict[str, str]:
    """The dark colour that takes the place of each light one."""
    return {LIGHT[name]: DARK[name] for name in LIGHT}
