"""Where values come from: files and the environment, each a layer that knows the place of what it says."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from algo_trade.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from pathlib import Path

Field: TypeAlias = tuple[str | int, ...]
"""The path to a value: names of tables and fields, numbers of entries of a list, from 0."""

PREFIX = "APP_"
_HEADER = re.compile(r"\s*(\[{1,2})\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\"'.-]+)\s*=")


class Layer(Protocol):
    """Values, and where they are written."""

    @property
    def values(self) -> dict[str, Any]:
        """What it says, as nested tables."""
        ...

    def place(self, path: Field) -> str:
        """Return where a value is written, for people."""
        ...


@dataclass(frozen=True, slots=True)
class TomlLayer:
    """A TOML file."""

    path: Path
    text: str
    values: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> TomlLayer:
        """Read a file.

        Raises
        ------
        ConfigError
            It cannot be read, or is no TOML: with file, line and column.
        """
        text = _text(path)
        try:
            return cls(path, text, tomllib.loads(text, parse_float=Decimal))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path}: {error}") from None

    def place(self, path: Field) -> str:
        """Return file and line: of the value, or of the innermost table around it that stands on a line of its own."""
        lines = _toml_lines(self.text)
        for length in range(len(path), 0, -1):
            if (line := lines.get(path[:length])) is not None:
                return f"{self.path}:{line}"
        return str(self.path)


@dataclass(frozen=True, slots=True)
class JsonLayer:
    """A JSON file."""

    path: Path
    text: str
    values: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> JsonLayer:
        """Read a file.

        Raises
        ------
        ConfigError
            It cannot be read, or is no JSON object: with file, line and column.
        """
        text = _text(path)
        try:
            values = json.loads(text, parse_float=Decimal)
        except json.JSONDecodeError as error:
            raise ConfigError(f"{path}:{error.lineno}: column {error.colno}: {error.msg}") from None
        if not isinstance(values, dict):
            raise ConfigError(f"{path}: must be an object, with a table of the configuration for each name")
        return cls(path, text, values)

    def place(self, path: Field) -> str:
        """Return file and line: the first of each name after those around it."""
        at = 0
        for name in path:
            if isinstance(name, str):
                found = self.text.find(json.dumps(name), at)
                at = found if found >= 0 else at
        return f"{self.path}:{self.text.count(chr(10), 0, at) + 1}"


@dataclass(frozen=True, slots=True)
class EnvironmentLayer:
    """Variables such as ``APP_SERVER__PORT``: tables and fields in capitals, two underscores between them. Lists and tables are JSON."""

    values: dict[str, Any] = field(default_factory=dict)
    names: dict[Field, str] = field(default_factory=dict)

    @classmethod
    def read(cls, environment: Mapping[str, str], tables: Container[str]) -> EnvironmentLayer:
        """Take out of an environment what begins with the name of a table: others use the prefix, too.

        Raises
        ------
        ConfigError
            A list or table is no JSON.
        """
        layer = cls()
        for name in sorted(environment):
            if not name.startswith(PREFIX):
                continue
            path = tuple(name[len(PREFIX) :].lower().split("__"))
            if path[0] not in tables:
                continue
            layer.names[path] = name
            put(layer.values, path, _parsed(name, environment[name]))
        return layer

    def place(self, path: Field) -> str:
        """Return the variable."""
        for length in range(len(path), 0, -1):
            if (name := self.names.get(path[:length])) is not None:
                return f"environment variable {name}"
        return "environment"


@dataclass(frozen=True, slots=True)
class CommandLineLayer:
    """What the flags of a command say."""

    values: dict[str, Any]

    def place(self, path: Field) -> str:  # noqa: ARG002 -- they have no lines
        """Return that it was the command line."""
        return "command line"


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return one set of values: tables are merged, all else is replaced by what a later layer says."""
    values: dict[str, Any] = {}
    for layer in layers:
        values = _over(values, layer.values)
    return values


def has(values: object, path: Field) -> bool:
    """Return whether there is a value at a path."""
    for name in path:
        try:
            values = values[name]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def put(values: dict[str, Any], path: Sequence[str], value: object) -> None:
    """Set the value at a path, making tables on the way. What is no table is replaced by one."""
    for name in path[:-1]:
        inner = values.get(name)
        if not isinstance(inner, dict):
            inner = values[name] = {}
        values = inner
    values[path[-1]] = value


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for name, value in above.items():
        known = result.get(name)
        result[name] = _over(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: must be UTF-8: byte {error.start} is not") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def _parsed(name: str, text: str) -> object:
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise ConfigError(f"environment variable {name}: is no JSON: column {error.colno}: {error.msg}") from None


def _toml_lines(text: str) -> dict[Field, int]:
    """Return the line of each table and key that begins a line. The file has been parsed: it is valid."""
    lines: dict[Field, int] = {}
    counts: dict[Field, int] = {}
    table: Field = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            names = _names(header[2])
            table = _numbered(names, counts)
            if header[1] == "[[":
                counts[names] = counts.get(names, -1) + 1
                table = (*_numbered(names[:-1], counts), names[-1], counts[names])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_names(key[1])), number)
    return lines


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _numbered(names: tuple[str, ...], counts: dict[Field, int]) -> Field:
    """Return the path of a table inside the newest entries of the lists around it."""
    path: list[str | int] = []
    for length, name in enumerate(names, 1):
        path.append(name)
        if names[:length] in counts:
            path.append(counts[names[:length]])
    return tuple(path)
