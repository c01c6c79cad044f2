"""The configuration out of its layers: defaults, files, environment, command line. What is wrong is told with its place."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from algo_trade.config.layers import (
    CommandLineLayer,
    EnvironmentLayer,
    Field,
    JsonLayer,
    Layer,
    TomlLayer,
    has,
    merged,
)
from algo_trade.config.models import AppConfig
from algo_trade.errors import ConfigError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

DEFAULT_PATH = Path("config/Config.toml")
# What a table of its own says of its fields: `hyperliquid: network = …`.
_OF_A_TABLE = re.compile(r"(\w+): (\w+) = ")


class ConfigLoader:
    """Reads the layers anew each time it is asked.

    Later layers win: built-in defaults, the file, ``{profile}.toml`` beside it, ``Config.json`` in the working directory, variables
    ``APP_TABLE__FIELD``, the command line. Tables are merged; everything else, lists too, is replaced.

    Parameters
    ----------
    path : of the file; None: ``config/Config.toml``, if it is there
    profile : None: ``APP_PROFILE``, if it is set
    overrides : what the command line says, as nested tables
    environment : that of the process, unless told otherwise
    folder : the working directory, unless told otherwise
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        profile: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self._environment = os.environ if environment is None else environment
        self._folder = folder or Path()
        self._is_named = path is not None
        self._path = path or self._folder / DEFAULT_PATH
        self._profile = profile or self._environment.get("APP_PROFILE")
        self._overrides = dict(overrides or {})

    @property
    def files(self) -> list[Path]:
        """Every file that would be read if it were there, in order."""
        profile = [self._path.parent / f"{self._profile}.toml"] if self._profile else []
        return [self._path, *profile, self._folder / "Config.json"]

    def load(self) -> AppConfig:
        """Return the configuration.

        Raises
        ------
        ConfigError
            A file that was named is not there, one is malformed, or a value is wrong: every fault has a line with its place, its field,
            the value and what would be right.
        """
        layers = self._layers()
        values = merged(layers)
        try:
            return AppConfig.model_validate(values)
        except ValidationError as error:
            raise ConfigError("\n".join(_told(each, layers, values) for each in error.errors())) from None
        except ParameterError as error:
            raise ConfigError(_told_of_a_table(str(error), layers)) from None

    def _layers(self) -> list[Layer]:
        if self._is_named and not self._path.exists():
            raise ConfigError(f"{self._path}: is not there: name another with --config")
        if self._profile and not (self._path.parent / f"{self._profile}.toml").exists():
            raise ConfigError(f"{self._path.parent / f'{self._profile}.toml'}: is not there: the profile asks for it")
        files = [path for path in self.files if path.exists()]
        layers: list[Layer] = [
            JsonLayer.read(path) if path.suffix == ".json" else TomlLayer.read(path) for path in files
        ]
        return [
            *layers,
            EnvironmentLayer.read(self._environment, AppConfig.model_fields),
            CommandLineLayer(self._overrides),
        ]


def _told(error: ErrorDetails, layers: list[Layer], values: dict[str, Any]) -> str:
    """Return a fault as a line: place, field, value, and what is wrong."""
    # Pydantic adds names of its own to the path where a value may be of several kinds.
    path: Field = tuple(part for part in error["loc"] if isinstance(part, int) or "[" not in part)
    while path and not has(values, path):
        path = path[:-1]
    missing = tuple(error["loc"])[len(path) :]
    place = _place(path, layers)
    if error["type"] == "missing":
        return f"{place}: {_dotted((*path, *missing))}: is missing"
    if error["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        return f"{place}: {_dotted(path)}: there is no such field; `algo-trade config schema` has them all"
    text = error["msg"].removeprefix("Value error, ")
    if not path:
        return f"{place}: {text}"
    return f"{place}: {_dotted(path)} = {_shown(path, error['input'])}: {text[0].lower()}{text[1:]}"


def _told_of_a_table(text: str, layers: list[Layer]) -> str:
    found = _OF_A_TABLE.match(text)
    return f"{_place((found[1], found[2]), layers)}: {text}" if found else text


def _place(path: Field, layers: list[Layer]) -> str:
    """Return where the last layer that says something of a path says it."""
    for length in range(len(path), 0, -1):
        for layer in reversed(layers):
            if has(layer.values, path[:length]):
                return layer.place(path)
    return "configuration"


def _dotted(path: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _shown(path: Field, value: object) -> str:
    """Return a value for people; of what may hold a secret only that it is there."""
    # An address may have been written where the name of a variable or file belongs.
    if path[-1] in {"url", "url_env", "url_file"} or any(
        word in str(path[-1]) for word in ("token", "secret", "password", "key")
    ):
        return "…"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
