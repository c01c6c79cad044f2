"""The configuration for people and editors: as it is in effect, without secrets, and as a schema."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from algo_trade.config.models import AppConfig

if TYPE_CHECKING:
    from pydantic import BaseModel


def shown(config: AppConfig) -> dict[str, Any]:
    """Return the configuration in effect as JSON has it: decimals as text, passwords of addresses hidden."""
    tables = {name: plain(getattr(config, name)) for name in AppConfig.model_fields}
    tables["database"]["url"] = without_password(tables["database"]["url"])
    return tables


def schema() -> dict[str, Any]:
    """Return a JSON Schema (2020-12) of the file, for editors."""
    found = AppConfig.model_json_schema()
    bot = found["$defs"]["BotConfig"]
    # One symbol may be written without a list.
    bot["properties"]["symbol"] = {"type": "string", "description": "In place of symbols, for one."}
    bot["required"].remove("symbols")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "Configuration of algo-trade"}


def without_password(url: str) -> str:
    """Return an address whose password, if it has one, is hidden."""
    parts = urlsplit(url)
    if not parts.password:
        return url
    where = parts.netloc.replace(f":{parts.password}@", ":…@", 1)
    return urlunsplit(parts._replace(netloc=where))


def plain(value: BaseModel | object) -> Any:  # noqa: ANN401 -- whatever JSON has
    """Return a part of the configuration as JSON has it: tables, lists, texts, numbers; decimals as text."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if hasattr(value, "model_fields_set"):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Decimal | Path) else value
