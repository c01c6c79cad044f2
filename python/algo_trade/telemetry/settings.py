"""What is told of a run, to whom: the table ``[telemetry]`` of the configuration."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 -- pydantic reads it when it runs
from typing import Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Level: TypeAlias = Literal["debug", "info", "warning", "error"]
"""How much something matters, the least first."""

LEVELS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
"""The numbers that the standard library gives them."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RULE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_KINDS = re.compile(r"[a-z0-9_.*?\[\]!-]{1,64}")


class _Table(BaseModel):
    """As the tables of the configuration are: it never changes, and knows no other fields than its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)


class AlertRule(_Table):
    """What is sent to people, and where to. Addresses hold secrets, so this says only where they are found."""

    name: str
    """Letters, digits, ``-`` and ``_``, at most 32: what logs and metrics call it."""
    kinds: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Patterns such as ``bot.error`` or ``risk.*``."""
    level: Level = "warning"
    """From which on it is sent."""
    url_env: str | None = None
    """An environment variable that holds addresses as apprise writes them, with spaces or lines between."""
    url_file: Path | None = None
    """A file that holds them, which only its owner may read."""
    messages_max: int = Field(default=5, ge=1, le=1000)
    """Messages of one kind in a period; the others are counted, and told of at its end."""
    period_s: float = Field(default=300.0, ge=1, le=86_400)
    """That period."""

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _RULE_NAME.fullmatch(name):
            raise ValueError("must be letters, digits, - and _, at most 32, and begin with a letter or digit")
        return name

    @field_validator("kinds")
    @classmethod
    def _are_patterns(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        for kind in kinds:
            if not _KINDS.fullmatch(kind):
                raise ValueError(f"{kind!r}: must be lower-case words with dots between, with * and ? for any")
        return kinds

    @field_validator("url_env")
    @classmethod
    def _is_a_variable(cls, name: str | None) -> str | None:
        if name is not None and not _VARIABLE.fullmatch(name):
            raise ValueError("must be the name of an environment variable: the address itself stands in there")
        return name

    @field_validator("url_file")
    @classmethod
    def _is_a_path(cls, path: Path | None) -> Path | None:
        # A path collapses the slashes of an address.
        if path is not None and re.match(r"[a-z0-9+.-]+:/", str(path), re.IGNORECASE):
            raise ValueError("must be the path of a file: the address itself stands in there")
        return path

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.url_env is None) == (self.url_file is None):
            raise ValueError("give url_env or url_file, one of them: where its addresses are")
        return self


class TelemetryConfig(_Table):
    """What is told of a run."""

    log_level: Level = "info"
    """From which on it is logged."""
    log_format: Literal["pretty", "json"] = "pretty"
    """For people, or a JSON document a line."""
    log_file: Path | None = None
    """None: standard error."""
    instance: str | None = Field(default=None, min_length=1, max_length=64)
    """What alerts call this runner; None: the name of the machine."""
    lag_warning_s: float = Field(default=0.1, gt=0, le=60)
    """A warning tells of an event loop that was held up for longer."""
    flush_s: float = Field(default=5.0, ge=0, le=60)
    """How long the end waits for alerts, and then for logs, to go out."""
    alerts: tuple[AlertRule, ...] = ()
    """Rules; what several of them name goes out by each."""

    @model_validator(mode="after")
    def _names_are_different(self) -> Self:
        names = [rule.name for rule in self.alerts]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"alerts: name = {twice!r}: is there twice")
        return self
